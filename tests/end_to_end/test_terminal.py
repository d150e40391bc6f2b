"""What a person sees of a run on a terminal of 80 and of 160 columns, by a terminal's own rules; a log sees lines."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyte
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RUN = """\
run_id: flights
workspace: s3://bucket/prefix
staging: staging
input: {path: in}
model: {name: churn}
output: {path: out}
emulator: {models: {churn: "python -m model"}}
"""
LINES = 30
ESCAPE = "\x1b"
# In spark-submit's place: words of Ivy's and Spark's, and a driver's events, the last after a while.
SUBMIT = """\
#!{python}
import os, sys, time
from datetime import datetime, timezone
sys.path.insert(0, {lib!r})
from batch_transform.core.events import Event, EventKind, Figures
from batch_transform.pipeline.telling import tell_terminal
def begins(step):
    tell_terminal(Event(step, kind=EventKind.BEGINS))
def figures(done, ended):
    shown = Figures("flights", 1, 1000, 0, 0, 3, "model_error", 40, done, 10**7, done * 250000,
        2, 2 - ended, ended, ended, 0.02)
    tell_terminal(Event("figures", kind=EventKind.FIGURES, figures=shown))
open(os.environ["BATCH_TRANSFORM_PID_FILE"], "w").write(str(os.getpid()))
print(":: loading settings :: url = jar:file:/ivy.xml", file=sys.stderr)
print("io.delta#delta-spark added as a dependency", file=sys.stderr)
print(":: resolving dependencies :: org.apache.spark#spark-submit-parent;1.0", file=sys.stderr)
print("\\t33 artifacts copied, 0 already retrieved (9kB/26ms)", file=sys.stderr)
print("24/05/01 WARN Utils: Spark's own words", file=sys.stderr, flush=True)
words = os.path.join(os.path.dirname(os.environ["BATCH_TRANSFORM_PID_FILE"]), "spark.log")
while not os.path.exists(words) or os.path.getsize(words) < 150:
    time.sleep(0.05)
time.sleep(0.3)
begins("stage")
tell_terminal(Event("stage", "1,000 rows in 2 staged files"))
tell_terminal(Event("warning", "the table has a column of no type"))
begins("score")
tell_terminal(Event("score", "a-job-of-a-name-that-is-as-long-as-names-of-jobs-are-in-real-runs-r1-s1-a1: InProgress"))
figures(0, 0)
time.sleep(0.8)
figures(20, 1)
time.sleep(1.2)
open(os.environ["BATCH_TRANSFORM_REPORT_FILE"], "w").write('{{"status": "ended"}}\\n')
open(os.environ["BATCH_TRANSFORM_EXIT_FILE"], "w").write("{code}")
"""


def written(folder, code=0):
    """The wrapper's command in a folder, with what stands in for Spark, whose driver ends with a code."""
    (folder / "run.yml").write_text(RUN)
    (folder / "in").mkdir()
    (folder / "tmp").mkdir()
    submit, java = folder / "spark" / "bin" / "spark-submit", folder / "jdk" / "bin" / "java"
    for path in (submit, java):
        path.parent.mkdir(parents=True)
    submit.write_text(SUBMIT.format(python=sys.executable, lib=str(ROOT / "lib"), code=code))
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
    for path in (submit, java):
        path.chmod(0o755)
    return [str(ROOT / "spark-submit.sh"), "run.yml"]


def environ(folder, **more):
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "NO_COLOR", "COLUMNS")}
    places = {"JAVA_HOME": str(folder / "jdk"), "SPARK_HOME": str(folder / "spark"), "TMPDIR": str(folder / "tmp")}
    return clean | places | {"VIRTUAL_ENV": sys.prefix, "TERM": "xterm-256color", "LANG": "C.UTF-8", **more}


class Terminal:
    """A terminal of so many columns, on which a command has its standard error."""

    def __init__(self, columns, command, folder, **more):
        self.screen = pyte.Screen(columns, LINES)
        self.screens = []
        self._stream = pyte.ByteStream(self.screen)
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environ(folder) | more,
            stdout=subprocess.PIPE,
            stderr=theirs,
            stdin=subprocess.DEVNULL,
        ) as process:
            os.close(theirs)
            self._read(ours)
            self.out = process.stdout.read().decode()
        self.code = process.returncode

    def _read(self, ours):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                read = os.read(ours, 1 << 16)
            except OSError:  # nobody has the other side any more
                read = b""
            if not read:
                break
            self._stream.feed(read)
            self.screens.append(self.lines())
        os.close(ours)

    def lines(self):
        return [line.rstrip() for line in self.screen.display if line.strip()]


@pytest.fixture(scope="module", params=[80, 160])
def terminal(request, tmp_path_factory):
    """A terminal of so many columns, on which a run was shown."""
    folder = tmp_path_factory.mktemp("terminal")
    return Terminal(request.param, written(folder), folder)


def test_it_has_steps_bar_rows_speed_time_left_money_and_what_failed(terminal):
    during = next(screen for screen in terminal.screens if any("20 of 40 objects" in line for line in screen))
    text = "\n".join(during)
    assert "[batch-transform] warning   the table has a column of no type" in during[0]
    assert during[1].startswith("flights · round 1 · 0:")
    assert [line.split()[1] for line in during[2:6]] == ["submit", "jars", "spark", "stage"]
    assert "✓ stage" in text
    assert "1,000 rows in 2 staged files" in text
    assert "━" in text
    words = " ".join(text.split())
    assert "about 500 of 1,000 rows · " in words
    assert "MB/s · about 0:0" in words
    assert "about $0.02" in words
    assert "1 of 2 jobs ended, 1 of them with failures · 1 in flight · 3 rows failed, most of all model_error" in words


def test_nothing_is_wider_than_the_terminal_and_a_time_stands_at_its_edge(terminal):
    steps = [line for line in terminal.lines() if line.startswith(("✓", "!"))]
    assert len(steps) == 5
    assert {len(line) for line in steps} == {terminal.screen.columns}


def test_a_step_keeps_to_its_line_while_the_run_goes_on_and_nothing_of_it_is_cut_off_at_the_end(terminal):
    is_narrow = terminal.screen.columns == 80
    during = next(screen for screen in terminal.screens if any("20 of 40 objects" in line for line in screen))
    assert any("…" in line for line in during) == is_narrow
    last = "\n".join(terminal.lines())
    assert "…" not in last
    assert "InProgress" in last


def test_when_it_is_over_the_screen_stays_with_no_step_that_goes_on(terminal):
    marks = [line[0] for line in terminal.lines() if line[0] not in "[ f"]
    assert (set(marks), marks[-1]) == ({"✓", "!"}, "!"), "jobs of the last step have failed"
    assert not terminal.screen.cursor.hidden
    assert (terminal.code, json.loads(terminal.out)) == (0, {"status": "ended"})


def test_an_installation_shows_the_time_that_goes_by(tmp_path):
    """Of a clone whose Python makes an environment of nothing, and takes its time."""
    folder, fake = tmp_path / "clone", tmp_path / "python"
    written(tmp_path)
    folder.mkdir()
    for name in ("spark-submit.sh", "setup.py"):
        shutil.copy(ROOT / name, folder)
    fake.write_text("""#!/bin/bash
[ "$3" != venv ] || { mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; }
case $* in *" pip "*) sleep 2.5 ;; *submission*) exit 2 ;; esac
""")
    fake.chmod(0o755)
    terminal = Terminal(160, [str(folder / "spark-submit.sh"), "run.yml"], tmp_path, PYTHON=str(fake), VIRTUAL_ENV="")
    said = f"Installing what a laptop needs into {folder}/.venv (once, takes minutes) "
    shown = {line.removeprefix(said) for screen in terminal.screens for line in screen if line.startswith(said)}
    assert len({text for text in shown if re.fullmatch(r"0:\d\d", text)}) > 1, shown  # a busy machine skips seconds


def logged(folder, command):
    done = subprocess.run(command, cwd=folder, env=environ(folder), capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def test_a_log_has_lines_and_nothing_of_a_terminal_and_names_sparks_words_where_a_run_fails(tmp_path):
    code, out, errors = logged(tmp_path, written(tmp_path, code=4))
    assert code == 4
    assert ESCAPE not in out + errors
    assert "\r" not in errors
    *lines, last = errors.splitlines()
    assert [line.split()[1] for line in lines] == ["jars", "stage", "warning", "score"]
    kept = Path(last.partition("Spark's own words: ")[2])
    assert kept.read_text().endswith("24/05/01 WARN Utils: Spark's own words\n")
    assert kept.stat().st_mode & 0o077 == 0


def test_a_program_has_an_event_a_line(tmp_path):
    _, out, errors = logged(tmp_path, [*written(tmp_path), "--log", "json"])
    events = [json.loads(line) for line in errors.splitlines()]
    assert {event["kind"] for event in events} == {"told", "begins", "figures"}
    assert [event["figures"]["objects_done"] for event in events if event["kind"] == "figures"] == [0, 20]
    assert json.loads(out) == {"status": "ended"}


@pytest.mark.parametrize(("words", "is_printed"), [([], False), (["-o", "json"], True), (["-o=json"], True)])
def test_a_terminal_gets_no_line_of_json_that_words_tell_unless_it_is_asked_for(tmp_path, words, is_printed):
    command = [*written(tmp_path), *words, "--set", "modle.name=x"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ(tmp_path), stdout=theirs, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        os.close(theirs)
        said = process.stderr.read().decode()
    printed = b""
    with contextlib.suppress(OSError):  # nobody has the other side any more
        while read := os.read(ours, 1 << 16):
            printed += read
    os.close(ours)
    assert process.returncode == 2
    assert "Refused: nothing was done" in said
    assert (b'"status": "refused"' in printed) == is_printed
