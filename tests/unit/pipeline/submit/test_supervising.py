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

from batch_transform.pipeline.submit import supervising
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
    open(os.environ["BATCH_TRANSFORM_EXIT_FILE"], "w").write(str(128 + number))
    sys.exit(128 + number)
signal.signal(signal.SIGTERM, ended)
signal.signal(signal.SIGINT, ended)
signal.signal(signal.SIGHUP, ended)
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_goes_to_the_driver_whose_report_is_there(described, tmp_path, number):
    def strike():
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    threading.Thread(target=strike, daemon=True).start()
    assert Supervised(tmp_path, os.environ).run(described("wait", "waits")) == 128 + number
    assert json.loads((tmp_path / "report").read_text()) == {"signal": number}
    assert signal.getsignal(number) == before
    driver = (tmp_path / "pid").read_text()
    said = subprocess.run(["ps", "-o", "stat=", "-p", driver], capture_output=True, text=True).stdout.strip()
    assert said in ("", "Z")


@pytest.mark.parametrize("moment", ["the watcher is started", "spark-submit is started", "it has no session yet"])
def test_a_signal_before_spark_submit_has_begun_is_not_lost(tmp_path, monkeypatch, moment):
    """It was, before its process was known and before that had a session of its own: the run went on to its end."""
    (tmp_path / "command.json").write_text(json.dumps({"command": ["sleep", "30"], "environment": {}}))
    popen, started = subprocess.Popen, []

    def begun(arguments, **asked):
        if moment == "it has no session yet" and started:
            arguments = ["sleep", "30"]
            threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        started.append(popen(arguments, **asked))
        if moment == ("spark-submit is started" if len(started) == 2 else "the watcher is started"):
            signal.raise_signal(signal.SIGINT)
        return started[-1]

    monkeypatch.setattr(supervising.subprocess, "Popen", begun)
    began = time.monotonic()
    supervised = Supervised(tmp_path, os.environ)
    code = supervised.run(tmp_path / "command.json")
    assert (code, supervised.is_without_word(code)) == (130, True)
    assert time.monotonic() - began < 20


def test_what_draws_the_run_is_deaf_to_ctrl_c_from_its_first_moment(tmp_path, monkeypatch):
    (tmp_path / "command.json").write_text(json.dumps({"command": ["true"], "environment": {}}))
    popen, started = subprocess.Popen, []

    def begun(arguments, **asked):
        started.append(popen(arguments, **asked))
        if len(started) == 1:
            started[0].send_signal(signal.SIGINT)
        return started[-1]

    monkeypatch.setattr(supervising.subprocess, "Popen", begun)
    assert Supervised(tmp_path, os.environ).run(tmp_path / "command.json") == 0
    assert started[0].returncode == 0


def test_what_is_left_of_spark_submit_is_ended(tmp_path):
    left = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, file=open(sys.argv[1], 'w'))"
    command = {"command": [sys.executable, "-c", left, str(tmp_path / "left")], "environment": {}}
    (tmp_path / "command.json").write_text(json.dumps(command))
    assert Supervised(tmp_path, os.environ).run(tmp_path / "command.json") == 0
    time.sleep(0.2)
    said = subprocess.run(["ps", "-o", "stat=", "-p", (tmp_path / "left").read_text()], capture_output=True, text=True)
    assert said.stdout.strip()[:1] in ("", "Z")
