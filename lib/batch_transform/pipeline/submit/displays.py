"""How a terminal, a log or a program is shown a run: drawn by rich where it is installed, in lines, in JSON."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Protocol, TextIO

from batch_transform.core.events import Event
from batch_transform.core.progress.event_lines import to_json
from batch_transform.pipeline.handshake import seconds_before
from batch_transform.pipeline.telling import JSON_LOG, PlainLines

Monotonic = Callable[[], float]


class Display(Protocol):
    """What shows a run to somebody."""

    def tell(self, event: Event) -> None:
        """Shows an event."""

    def tick(self) -> None:
        """Shows that time goes by."""

    def close(self) -> None:
        """Leaves the last of what was shown; what is told from then on is a line."""


def display_for(terminal: TextIO, form: str, environ: Mapping[str, str], *, may_draw: bool) -> Display:
    """Returns what shows a run.

    Args:
        terminal: where it is shown.
        form: JSON_LOG for a program.
        environ: says whether it is a terminal that can be drawn on.
        may_draw: whether nobody else writes to it meanwhile.
    """
    if form == JSON_LOG:
        return JsonDisplay(terminal)
    began = time.monotonic() - seconds_before(environ, time.time())
    is_drawn = may_draw and terminal.isatty() and environ.get("TERM", "dumb") != "dumb"
    if is_drawn and importlib.util.find_spec("rich") is not None:
        from batch_transform.pipeline.submit.live_display import LiveDisplay

        return LiveDisplay(terminal, time.monotonic, began)
    return LineDisplay(terminal, time.monotonic, began)


class LineDisplay:
    """Plain lines, for a log."""

    def __init__(self, terminal: TextIO, now: Monotonic, began: float) -> None:
        self._terminal, self._now = terminal, now
        self._lines = PlainLines(now(), began)

    def tell(self, event: Event) -> None:
        """Writes the event's line."""
        self._write(self._lines.of(event, self._now()))

    def tick(self) -> None:
        """Writes now and then how far the run is."""
        self._write(self._lines.tick(self._now()))

    def close(self) -> None:
        """Does nothing."""

    def _write(self, text: str) -> None:
        if text:
            self._terminal.write(text)
            self._terminal.flush()


class JsonDisplay:
    """A line of JSON for each event, for a program."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal

    def tell(self, event: Event) -> None:
        """Writes the event."""
        self._terminal.write(to_json(event, datetime.now(timezone.utc)))
        self._terminal.flush()

    def tick(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""
