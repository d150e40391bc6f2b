"""A signal, or the end of the process that started this one, ends the run once and in one way."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import Interrupted, ServiceFailure
from batch_transform.core.events import Event
from batch_transform.pipeline.lifecycle.guarded_process import Guarded
from batch_transform.pipeline.lifecycle.interrupts import Interrupts
from batch_transform.pipeline.telling import tell_terminal

DRIVER = """
import sys, time
from batch_transform.core.errors import Interrupted
from batch_transform.pipeline.lifecycle.interrupts import Interrupts

def say(text):
    print(text, flush=True)

interrupts = Interrupts()
try:
    with interrupts.installed():
        try:
            say("ready")
            time.sleep(30)
        except Interrupted as err:
            say(f"interrupted {err.exit_code} orphaned={interrupts.orphaned}")
            time.sleep(%s)
            say("cleaned up")
            raise
except Interrupted as err:
    sys.exit(err.exit_code)
"""
# A parent that starts the driver and dies by SIGKILL, as a JVM may.
PARENT = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
sys.stdout.write("up\\n"); sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def start(*arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", *arguments], stdout=subprocess.PIPE, text=True, env=environment)


@pytest.fixture
def driver():
    made = []

    def begin(cleanup_seconds=0.0):
        made.append(start(DRIVER % cleanup_seconds))
        assert made[-1].stdout.readline() == "ready\n"
        return made[-1]

    yield begin
    for process in made:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_the_exit_code_is_128_and_the_signal(driver, number, code):
    process = driver()
    process.send_signal(number)
    assert process.stdout.read().splitlines() == [f"interrupted {code} orphaned=False", "cleaned up"]
    assert process.wait(10) == code


def test_a_terminal_that_is_closed_means_nothing_to_what_nohup_has_begun():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts().installed():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_later_signals_do_not_cut_the_clean_up_short(driver):
    process = driver(cleanup_seconds=0.5)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "interrupted 143 orphaned=False\n"
    for number in (signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
        time.sleep(0.05)
    assert process.stdout.read() == "cleaned up\n"
    assert process.wait(10) == 143


def test_a_driver_whose_parent_has_gone_ends_as_by_sigterm(tmp_path):
    told = tmp_path / "told"
    # Only "ready" is printed: afterwards nobody holds the other end of the pipe.
    say = f"open({str(told)!r}, 'a').write(text + '\\n'); text == 'ready' and print(text, flush=True)"
    code = DRIVER.replace("print(text, flush=True)", say)
    parent = start(PARENT, code % 0.0)
    assert parent.wait(20) == -signal.SIGKILL
    parent.stdout.close()
    end = time.monotonic() + 10
    while "cleaned up" not in told.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert told.read_text().splitlines() == ["ready", "interrupted 143 orphaned=True", "cleaned up"]


HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def test_the_handlers_of_before_come_back_also_after_an_error():
    before = [signal.getsignal(number) for number in HANDLED]
    interrupts = Interrupts()
    during = []

    def fail_within():
        with interrupts.installed():
            during.extend(signal.getsignal(number) for number in HANDLED)
            raise KeyError

    with pytest.raises(KeyError):
        fail_within()
    assert not set(during) & set(before)
    assert [signal.getsignal(number) for number in HANDLED] == before
    assert (interrupts.orphaned, interrupts.signal_number) == (False, None)


def off_the_main_thread(work):
    """What `work` returns, or raises, in a thread of its own."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(work).result(timeout=20)


def test_work_in_another_thread_is_done_and_leaves_the_signals_of_the_process_alone():
    """Python handles signals in the main thread alone; that and the process's end are whoever's began the thread."""
    before = [signal.getsignal(number) for number in HANDLED]
    interrupts, seen = Interrupts(), []

    def work():
        interrupts.take_over()
        seen.extend([*map(signal.getsignal, HANDLED), interrupts.orphaned])

    guarded = Guarded("run", SimpleNamespace(report=seen.append), interrupts)
    assert off_the_main_thread(lambda: guarded.do(work)) == 0
    assert seen == [*before, False]
    assert not [thread for thread in threading.enumerate() if thread.name == "interrupts"]


def test_an_error_in_another_thread_is_reported_at_once():
    reports = []

    def work():
        raise ConnectionRefusedError(111, "Connection refused")

    began = time.monotonic()
    guarded = Guarded("run", SimpleNamespace(report=reports.append), Interrupts())
    assert off_the_main_thread(lambda: guarded.do(work)) == 4
    assert [report["status"] for report in reports] == ["failed"]
    assert time.monotonic() - began < 5


def test_handlers_that_somebody_else_put_are_taken_over():
    interrupts = Interrupts()
    with interrupts.installed():
        ours = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        interrupts.take_over()
        assert signal.getsignal(signal.SIGINT) == ours


def test_the_signal_is_remembered():
    interrupts = Interrupts()
    with pytest.raises(Interrupted), interrupts.installed():
        signal.raise_signal(signal.SIGINT)
    assert interrupts.signal_number == signal.SIGINT


def logged(caplog, path, logger=None):
    logging.getLogger(logger).handle(logging.LogRecord(logger or "root", logging.ERROR, path, 1, "words", None, None))
    found = len(caplog.records)
    caplog.clear()
    return found


def test_py4j_does_not_log_the_call_that_a_signal_cuts_short_and_others_log_as_before(caplog):
    """Py4J logs it by the root logger; the process, and its logging, may be the user's."""
    py4j, other = f"{os.sep}py4j{os.sep}java_gateway.py", "their.py"
    with Interrupts().installed():
        logging.getLogger("py4j.clientserver").error("words")
        assert (len(caplog.records), logged(caplog, py4j), logged(caplog, other)) == (0, 0, 1)
        logging.getLogger("theirs").error("words")
        assert len(caplog.records) == 1
    caplog.clear()
    assert (logged(caplog, py4j), logging.getLogger("py4j").level) == (1, logging.NOTSET)


def test_the_watching_thread_ends_with_the_block():
    before = threading.active_count()
    with Interrupts().installed():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_a_library_that_catches_every_exception_does_not_swallow_a_signal():
    """The SageMaker SDK and Py4J catch `Exception` around their calls; a run that went on after that never stopped."""
    with Interrupts().installed(), pytest.raises(Interrupted):
        _as_a_library_would(lambda: os.kill(os.getpid(), signal.SIGTERM))


def _as_a_library_would(call):
    try:
        call()
        time.sleep(5)
    except Exception:  # noqa: BLE001 - what libraries do
        pytest.fail("the signal was caught as an exception")


def test_progress_that_nobody_can_hear_any_more_is_no_error(monkeypatch):
    """The JVM that read the driver's output is dead, and the driver has yet to stop its jobs."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        tell_terminal(Event("end", "words"))
        monkeypatch.undo()
        with pytest.raises(BrokenPipeError):
            broken.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), broken.fileno())


@pytest.mark.parametrize("closes_first_by_seconds", [0.0, 0.2])
def test_a_jvm_that_closes_its_connections_before_it_is_gone_ends_the_run_as_sigterm(
    monkeypatch, closes_first_by_seconds
):
    """What it was asked for fails at once; that it has gone is seen a little later, in this thread or in another."""
    interrupts, reports = Interrupts(), []

    def work():
        gone_at = time.monotonic() + closes_first_by_seconds
        parent = os.getppid()
        monkeypatch.setattr(os, "getppid", lambda: parent if time.monotonic() < gone_at else -1)
        raise ConnectionRefusedError(111, "Connection refused")

    code = Guarded("run", SimpleNamespace(report=reports.append), interrupts).do(work)
    assert (code, [report["status"] for report in reports]) == (143, ["interrupted"])


def slow_report(reports, begun=None, seconds=1.2):
    def report(report):
        if begun is not None:
            begun()
        time.sleep(seconds)
        reports.append(report["status"])

    return SimpleNamespace(report=report)


def test_a_jvm_that_has_gone_is_seen_by_two_threads_and_ends_the_run_once(monkeypatch):
    """The main thread sees it at its next call; the watching one, half a second later, must not cut that end short."""
    interrupts, reports = Interrupts(), []

    def work():
        monkeypatch.setattr(os, "getppid", lambda: -1)
        raise ConnectionRefusedError(111, "Connection refused")

    code = Guarded("run", slow_report(reports), interrupts).do(work)
    assert (code, reports) == (143, ["interrupted"])


def test_a_signal_while_an_error_is_told_does_not_keep_the_error_from_being_told():
    reports = []

    def work():
        raise ServiceFailure("S3 is down")

    begun = lambda: os.kill(os.getpid(), signal.SIGTERM)  # noqa: E731 - as it is called
    code = Guarded("run", slow_report(reports, begun, 0.1), Interrupts()).do(work)
    assert (code, reports) == (4, ["failed"])


def test_a_signal_after_the_work_is_done_takes_nothing_back():
    closed = []
    guarded = Guarded("run", SimpleNamespace(report=closed.append), Interrupts())
    guarded.resources.callback(lambda: (os.kill(os.getpid(), signal.SIGTERM), closed.append("closed")))
    assert (guarded.do(lambda: None), closed) == (0, ["closed"])


# A driver of which `do` is asked to do work that hangs after a signal; HELP and LEAVE come after parts of a second.
HANGING = """
import ctypes, sys, time
from pathlib import Path
from types import SimpleNamespace
from batch_transform.core.errors import Interrupted
from batch_transform.pipeline.ending import reporting
from batch_transform.pipeline.lifecycle import guarded_process, interrupts
from batch_transform.pipeline.handshake import Handshake

folder = Path(sys.argv[1])
interrupts.HELP_SECONDS, interrupts.LEAVE_SECONDS = 0.5, float(sys.argv[2])

def in_a_finally():
    try:
        time.sleep(60)
    finally:
        time.sleep(60)

def in_a_call_that_does_not_come_back():
    mutex = ctypes.create_string_buffer(64)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(mutex)

def say(text):
    print(text, flush=True)

class Driver:
    state = ctx = SimpleNamespace(places=SimpleNamespace(run="s3://b/run"), config=SimpleNamespace(ephemeral=False))
    def interrupt(self, reason):
        say("jobs stopped")
        time.sleep(float(sys.argv[3]))
        return []
    def close(self, report):
        say("closed")
        return report

reporting.report_of_end = lambda ctx, state, found, error: {"run_id": "run", "status": found.status}
handshake = Handshake(report_file=folder / "report", exit_file=folder / "exit", alive_file=folder / "alive")
job = guarded_process.Guarded("run", handshake, interrupts.Interrupts(alive_file=handshake.alive_file))
job.driver = Driver()
work = %s
say("ready")
code = job.do(work)
handshake.end(code)
sys.exit(code)
"""


def hanging(folder, work, leave=30.0, stopping=0.0):
    process = start(HANGING % work, str(folder), str(leave), str(stopping))
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.2)
    return process


def ended(folder, process):
    """Exit code, the exit code that the wrapper is told, the report's status, and what was said."""
    said = process.communicate(timeout=25)[0].split("\n")[:-1]
    report = json.loads((folder / "report").read_text())
    return process.returncode, int((folder / "exit").read_text()), report["status"], said


@pytest.mark.parametrize("work", ["in_a_finally", "in_a_call_that_does_not_come_back"])
def test_where_the_main_thread_does_not_come_back_another_one_stops_the_jobs_and_ends_the_process(tmp_path, work):
    """Spark may be in a call of an hour, and every call of it waits for that one."""
    process = hanging(tmp_path, work)
    process.send_signal(signal.SIGTERM)
    assert ended(tmp_path, process) == (143, 143, "interrupted", ["jobs stopped", "closed"])


def test_an_end_that_hangs_itself_is_cut_short_and_says_so(tmp_path):
    process = hanging(tmp_path, "lambda: time.sleep(60)", leave=1.5, stopping=60)
    process.send_signal(signal.SIGINT)
    assert ended(tmp_path, process) == (130, 130, "interrupted", ["jobs stopped"])
    assert "jobs may still be in flight" in (tmp_path / "report").read_text()


def test_jobs_are_stopped_once_where_the_main_thread_is_only_slow(tmp_path):
    process = hanging(tmp_path, "lambda: time.sleep(60)", stopping=1.5)
    process.send_signal(signal.SIGTERM)
    assert ended(tmp_path, process) == (143, 143, "interrupted", ["jobs stopped", "closed"])


def test_a_wrapper_that_is_killed_ends_the_driver_as_by_sigterm_also_before_anybody_reaps_it(tmp_path):
    os.mkfifo(tmp_path / "alive")
    wrapper = subprocess.Popen(
        ["bash", "-c", f"exec 9<>'{tmp_path}/alive'; echo up; sleep 60 9>&- >/dev/null"], stdout=subprocess.PIPE
    )
    assert wrapper.stdout.readline() == b"up\n"
    process = hanging(tmp_path, "lambda: time.sleep(60)")
    time.sleep(1.2)
    assert process.poll() is None
    wrapper.kill()
    assert ended(tmp_path, process) == (143, 143, "interrupted", ["jobs stopped", "closed"])
    wrapper.communicate()


def test_a_wrapper_that_was_gone_before_the_driver_began_ends_it(tmp_path):
    os.mkfifo(tmp_path / "alive")
    assert Interrupts(alive_file=tmp_path / "alive").orphaned
    assert not Interrupts(alive_file=tmp_path / "none").orphaned
