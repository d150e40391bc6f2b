"""What stands between spark-submit and the terminal: draws the run, and keeps Ivy's and Spark's own words in a file.

`python -m batch_transform.pipeline.submit.watching WORK`: what spark-submit writes comes in on standard input, the
driver's events in a file of the folder WORK. Signals do not end it: what is said of the end would be lost.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import BinaryIO, TextIO

from batch_transform.core.escaping import visible
from batch_transform.core.events import Event, EventKind
from batch_transform.core.progress.event_lines import from_json, from_plain
from batch_transform.pipeline.submit.displays import Display, display_for
from batch_transform.pipeline.submit.jar_resolution import RESOLVING, told

# In the folder of one submission: the driver's events; what spark-submit wrote; how its display is chosen; the exit
# code, when all is over.
EVENTS, WORDS, FORM, SHOWN, CODE = "events", "spark.log", "log-form", "words-shown", "code"
SUBMIT, SPARK, JARS = "submit", "spark", "jars"
_LOOK_SECONDS, _GRACE_SECONDS = 0.1, 0.5
_FAILED, _LAST_WORDS = 4, 8
_ERROR = re.compile(r"\b(Error|Exception|Caused by)\b|Exception:|Error:")


def choose_display(work: Path, form: str, *, is_elsewhere: bool) -> None:
    """Says how the run of a folder is shown.

    Args:
        work: of one submission.
        form: TEXT_LOG or JSON_LOG.
        is_elsewhere: whether the driver is not on this machine: then spark-submit says how far it is, and is shown.
    """
    (work / FORM).write_text(form, encoding="utf-8")
    if is_elsewhere:
        (work / SHOWN).touch()


def watch(work: Path, words: BinaryIO, display: Display) -> None:
    """Shows the events of a run until it is over."""
    said: SimpleQueue[Event] = SimpleQueue()
    reader = threading.Thread(target=_read, args=(work, words, said), daemon=True)
    reader.start()
    display.tell(Event(SUBMIT, kind=EventKind.BEGINS))
    with (work / EVENTS).open(encoding="utf-8", errors="replace") as appended:
        events, is_over = _Events(appended), False
        while not is_over:
            if is_over := (work / CODE).exists() or not reader.is_alive():
                reader.join(_GRACE_SECONDS)  # what is left of spark-submit may hold its pipe
            for event in (*_taken(said), *events.new()):
                display.tell(event)
            display.tick()
            time.sleep(0 if is_over else _LOOK_SECONDS)
    display.close()
    for event in _end(work):
        display.tell(event)


def _read(work: Path, words: BinaryIO, said: SimpleQueue[Event]) -> None:
    """Keeps what spark-submit writes; says which jars it resolves, and what else is meant for a person."""
    is_shown = (work / SHOWN).exists()
    with (work / WORDS).open("wb", buffering=0) as log:
        for line in told(_kept(words, log, said)):
            event = from_plain(line.decode(errors="replace"))
            if event is not None:
                said.put(event)
            elif is_shown:
                sys.stderr.write(f"{visible(line.decode(errors='replace').rstrip())}\n")


def _kept(words: Iterable[bytes], log: BinaryIO, said: SimpleQueue[Event]) -> Iterator[bytes]:
    is_resolving = False
    for line in words:
        log.write(line)
        if line.startswith(RESOLVING):
            said.put(Event(JARS, kind=EventKind.BEGINS))
            is_resolving = True
        yield line
        if is_resolving and b" artifacts copied, " in line:
            said.put(Event(SPARK, kind=EventKind.BEGINS))


def _taken(said: SimpleQueue[Event]) -> Iterator[Event]:
    with suppress(Empty):
        while True:
            yield said.get_nowait()


class _Events:
    """A file to which another process appends lines."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._part = ""

    def new(self) -> Iterator[Event]:
        """Yields what was appended since."""
        for line in self._file:
            self._part += line
            if not self._part.endswith("\n"):
                return
            event, self._part = from_json(self._part), ""
            if event is not None:
                yield event


def telling(words: Iterable[str]) -> list[str]:
    """Returns the lines that say why a program has ended: those that name an error, and its last ones, as they stood.

    spark-submit says what is wrong with its arguments, and then all of its usage. Stacks of Java are left out.
    """
    said = (line.rstrip() for line in words if not line.lstrip().startswith("at "))
    lines = [(place, line) for place, line in enumerate(said) if line]
    errors = [numbered for numbered in lines if _ERROR.search(numbered[1])]
    return [line for _, line in sorted({*errors[:_LAST_WORDS], *lines[-_LAST_WORDS:]})]


def _end(work: Path) -> Iterator[Event]:
    """Names a file with Spark's own words of a run that has failed; shows the last where no driver says why."""
    with suppress(OSError, ValueError):
        code, words = int((work / CODE).read_text(encoding="utf-8")), work / WORDS
        if code != _FAILED or not words.stat().st_size:
            return
        if not (work / "report").exists():
            with words.open(encoding="utf-8", errors="replace") as lines:
                yield from (Event(SPARK, line) for line in telling(lines))
        descriptor, kept = tempfile.mkstemp(prefix="batch-transform-spark-", suffix=".log")
        os.close(descriptor)
        shutil.copyfile(words, kept)
        yield Event(SPARK, f"Spark's own words: {kept}")


def main(arguments: list[str], environ: Mapping[str, str], words: BinaryIO, terminal: TextIO) -> None:
    """Watches one spark-submit, of the folder that is named."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    work = Path(arguments[0])
    form = (work / FORM).read_text(encoding="utf-8").strip() if (work / FORM).exists() else ""
    plainly = (work / SHOWN).exists()
    watch(work, words, display_for(terminal, form, environ, may_draw=not plainly))


if __name__ == "__main__":
    main(sys.argv[1:], os.environ, sys.stdin.buffer, sys.stderr)
