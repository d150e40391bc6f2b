"""spark-submit under the console script: the driver's signals, report and exit code, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from batch_transform.pipeline.submit.supervising import Supervised

# In spark-submit's place: a process that starts a driver and, as it does, dies of a signal at once.
SUBMIT = """\
import os, subprocess, sys, time
driver = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
if sys.argv[2] == "waits":
    driver.wait()
while not os.path.exists(os.environ["BATCH_TRANSFORM_PID_FILE"]):
    time.sleep(0.05)
"""
DRIVER = """\
import os, signal, sys, time
def ended(number, frame):
    open(os.environ["BATCH_TRANSFORM_REPORT_FILE"], "w").write('{"signal": %d}' % number)
    open(os.environ["BATCH_TRANSFORM_EXIT_FILE"], "w").write("143")
    sys.exit(143)
signal.signal(signal.SIGTERM, ended)
signal.signal(signal.SIGINT, ended)
open(os.environ["BATCH_TRANSFORM_PID_FILE"], "w").write(str(os.getpid()))
time.sleep(60 if DO == "wait" else 0.5)
open(os.environ["BATCH_TRANSFORM_EXIT_FILE"], "w").write("3")
"""


@pytest.fixture
def described(tmp_path):
    def write(do, how, driver=DRIVER):
        command = [sys.executable, "-c", SUBMIT, driver.replace("DO", repr(do)), how]
        (tmp_path / "command.json").write_text(json.dumps({"command": command, "environment": {}}))
        return tmp_path / "command.json"

    return write


@pytest.mark.parametrize("how", ["waits", "dies"])
def test_the_exit_code_is_the_drivers_also_when_it_outlives_spark_submit(described, tmp_path, how):
    assert Supervised(tmp_path, os.environ).run(described("end", how)) == 3


@pytest.mark.parametrize(("code", "told"), [(0, 0), (2, 2), (1, 4), (137, 4)])
def test_without_a_driver_it_is_spark_submits_or_a_failure(tmp_path, code, told):
    command = {"command": [sys.executable, "-c", f"import sys; sys.exit({code})"], "environment": {}}
    (tmp_path / "command.json").write_text(json.dumps(command))
    assert Supervised(tmp_path, os.environ).run(tmp_path / "command.json") == told


def test_a_signal_goes_to_the_driver_whose_report_is_there(described, tmp_path):
    def strike():
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=strike, daemon=True).start()
    assert Supervised(tmp_path, os.environ).run(described("wait", "waits")) == 143
    assert json.loads((tmp_path / "report").read_text()) == {"signal": signal.SIGTERM}
    assert signal.getsignal(signal.SIGTERM) == before
    driver = (tmp_path / "pid").read_text()
    said = subprocess.run(["ps", "-o", "stat=", "-p", driver], capture_output=True, text=True).stdout.strip()
    assert said in ("", "Z")


def test_what_is_left_of_spark_submit_is_ended(tmp_path):
    left = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, file=open(sys.argv[1], 'w'))"
    command = {"command": [sys.executable, "-c", left, str(tmp_path / "left")], "environment": {}}
    (tmp_path / "command.json").write_text(json.dumps(command))
    assert Supervised(tmp_path, os.environ).run(tmp_path / "command.json") == 0
    time.sleep(0.2)
    said = subprocess.run(["ps", "-o", "stat=", "-p", (tmp_path / "left").read_text()], capture_output=True, text=True)
    assert said.stdout.strip()[:1] in ("", "Z")
