"""One line in a notebook that is drawn over itself while a run goes on; plain lines where there is no notebook."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Protocol

from batch_transform.core.events import Event, Listener
from batch_transform.core.progress.event_lines import plain
from batch_transform.core.progress.screen import is_kept, line
from batch_transform.core.progress.view import View, ended, seen
from batch_transform.pipeline.telling import tell_terminal, telling_now_and_then

_DRAWN_SECONDS = 1.0


class Handle(Protocol):
    """What IPython gives for something on display (`IPython.display.DisplayHandle`)."""

    def update(self, obj: dict[str, str], *, raw: bool) -> None:
        """Shows something else in its place, in the forms of the keys, which are MIME types."""


@contextmanager
def shown_progress() -> Iterator[Listener]:
    """Yields what shows a run to whoever has called: one line in a notebook, plain lines elsewhere."""
    handle = _handle()
    if handle is None:
        with telling_now_and_then():
            yield tell_terminal
        return
    shown, over = NotebookLine(handle, time.monotonic), threading.Event()
    threading.Thread(target=shown.draw_until, args=(over,), daemon=True).start()
    try:
        yield shown.tell
    finally:
        over.set()
        shown.close()


class NotebookLine:
    """A line on display; what a person should still see at the end is written below it."""

    def __init__(self, handle: Handle, now: Callable[[], float]) -> None:
        self._handle, self._now = handle, now
        self._view = View(now())

    def tell(self, event: Event) -> None:
        """Takes an event up."""
        if is_kept(self._view, event):
            sys.stderr.write(plain(event.step, event.text))
        self._view = seen(self._view, event, self._now())

    def draw_until(self, over: threading.Event) -> None:
        """Draws the line again and again."""
        while not over.wait(_DRAWN_SECONDS):
            self._draw()

    def close(self) -> None:
        """Draws it for the last time."""
        self._view = ended(self._view, self._now())
        self._draw()

    def _draw(self) -> None:
        text = line(self._view, self._now())
        self._handle.update({"text/plain": text, "text/html": f"<code>{escape(text)}</code>"}, raw=True)


def _handle() -> Handle | None:
    """What is on display in a notebook's kernel; None elsewhere, a terminal's IPython among it.

    The kernel has a shell with an attribute `kernel` (ipykernel, `ZMQInteractiveShell`); Databricks' notebooks are
    such kernels ("IPython kernel", Databricks docs).
    """
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    # Not imported: of IPython that is installed mypy says otherwise than of one that is not.
    handle: Handle | None = sys.modules["IPython.display"].display({"text/plain": ""}, raw=True, display_id=True)
    return handle
