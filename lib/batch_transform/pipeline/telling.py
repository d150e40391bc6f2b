"""Where events of this process go: to whoever draws them, or to standard error, in plain lines or in JSON.

Under `spark-submit` the driver's standard error is a pipe of the JVM's, whose words go elsewhere. So the wrapper names
a file, to which events are appended as lines of JSON; `pipeline/submit/watching.py` draws them where the terminal is.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone

from batch_transform.core.events import Event, EventKind
from batch_transform.core.progress.event_lines import plain, to_json
from batch_transform.core.progress.screen import line
from batch_transform.core.progress.view import View, seen

EVENTS_FILE_VARIABLE = "BATCH_TRANSFORM_EVENTS_FILE"  # to which a driver appends its events
LOG_VARIABLE = "BATCH_TRANSFORM_LOG"  # in which form they are written where no file is named
COLUMNS_VARIABLE = "BATCH_TRANSFORM_COLUMNS"  # of the terminal on which the wrapper prints what this process tells
TEXT_LOG, JSON_LOG = "text", "json"  # those forms
QUIET_SECONDS = 60.0  # after which a person is told that all is well, and how far it is
_TICK_SECONDS = 5.0

Tell = Callable[[str], None]  # one line, to whoever has given a command


class PlainLines:
    """Events as plain lines, and one now and then of how far the run is.

    Attributes:
        view: what was seen so far.
    """

    def __init__(self, now: float, began: float) -> None:
        self.view, self._written = View(began), now

    def begin(self, now: float, began: float) -> None:
        """Begins anew, with another run of this process."""
        self.view, self._written = View(began), now

    def of(self, event: Event, now: float) -> str:
        """Returns what is written of an event, "" for nothing."""
        self.view = seen(self.view, event, now)
        if event.kind is not EventKind.TOLD:
            return self.tick(now)
        self._written = now
        return plain(event.step, event.text)

    def tick(self, now: float) -> str:
        """Returns what is written when nothing has happened, "" unless that has been so for a while."""
        step = self.view.current
        if step is None or now - self._written < QUIET_SECONDS:
            return ""
        self._written = now
        return plain(step.name, f"{datetime.now().astimezone():%H:%M:%S} · {line(self.view, now)}")


_LINES = PlainLines(time.monotonic(), time.monotonic())


def tell_terminal(event: Event) -> None:
    """Writes an event as one line, whatever it quotes; standard output is the report's alone.

    spark-submit reads the driver's output through a pipe, which is broken once the JVM is dead: then nobody listens,
    and that must not keep the driver from stopping its jobs.
    """
    with suppress(OSError):
        if (file := os.environ.get(EVENTS_FILE_VARIABLE)) and _is_appended(
            file, to_json(event, datetime.now(timezone.utc))
        ):
            return
        if os.environ.get(LOG_VARIABLE) == JSON_LOG:
            _say(to_json(event, datetime.now(timezone.utc)))
        else:
            _say(_LINES.of(event, time.monotonic()))


def terminal_columns() -> int | None:
    """Returns how wide the terminal is that standard output goes to in the end; None: it goes to none."""
    if os.environ.get(COLUMNS_VARIABLE, "").isdecimal():
        return int(os.environ[COLUMNS_VARIABLE])
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def write_log_as(*forms: str) -> None:
    """Has this process, and those that it starts, write events in the last of these forms, if any is given."""
    if forms:
        os.environ[LOG_VARIABLE] = forms[-1]


@contextmanager
def telling_now_and_then(began: float | None = None) -> Iterator[None]:
    """Tells within the block how far it is, also while nothing happens, where plain lines are written.

    Args:
        began: when that did which is told of, by the clock for durations; None: now.
    """
    over = threading.Event()
    now = time.monotonic()
    _LINES.begin(now, now if began is None else began)
    threading.Thread(target=_tick_until, args=(over,), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _tick_until(over: threading.Event) -> None:
    while not over.wait(_TICK_SECONDS):
        if not os.environ.get(EVENTS_FILE_VARIABLE) and os.environ.get(LOG_VARIABLE) != JSON_LOG:
            with suppress(OSError):
                _say(_LINES.tick(time.monotonic()))


def _say(text: str) -> None:
    # No lock that a signal's handler might wait for: a line is one call.
    if text:
        sys.stderr.write(text)
        sys.stderr.flush()


def _is_appended(file: str, text: str) -> bool:
    """Appends to a file that is there; one that is on another machine, or whose reader has gone, is not made."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
    except OSError:
        return False
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
    return True
