"""A run on a terminal, drawn anew a few times a second by rich, as `core/progress/screen.py` decides."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from batch_transform.core.escaping import one_line
from batch_transform.core.events import Event
from batch_transform.core.progress.event_lines import kept
from batch_transform.core.progress.screen import Screen, done_of, is_kept, screen
from batch_transform.core.progress.view import View, ended, seen
from batch_transform.pipeline.submit.displays import Monotonic

_DRAWN_SECONDS = 0.2


class LiveDisplay:
    """A display that is drawn over itself until it is closed, and then stays as it is."""

    def __init__(self, terminal: TextIO, now: Monotonic, began: float) -> None:
        self._now, self._terminal = now, terminal
        self._view, self._drawn = View(began), now()
        # Where the terminal's encoding has none of the signs, something stands for each.
        self._is_plain = not (terminal.encoding or "").lower().startswith("utf")
        self._spinner = Spinner("line" if self._is_plain else "dots", style="cyan")
        self._console = Console(file=terminal, highlight=False)
        self._live = Live(
            console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False, transient=False
        )
        self._live.start()

    def tell(self, event: Event) -> None:
        """Takes the event up; what is of no step on the screen is written above it."""
        if is_kept(self._view, event):
            self._console.print(Text(kept(event)), soft_wrap=True)
        self._view = seen(self._view, event, self._now())

    def tick(self) -> None:
        """Draws the run as it is now."""
        if self._live.is_started and self._now() - self._drawn >= _DRAWN_SECONDS:
            self._draw()

    def close(self) -> None:
        """Draws it for the last time."""
        self._view = ended(self._view, self._now())
        self._draw()
        self._live.stop()

    def _draw(self) -> None:
        self._drawn = self._now()
        self._live.update(drawn(screen(self._view, self._drawn), self._spinner, "+x" if self._is_plain else "✓✗"))
        self._live.refresh()


def drawn(shown: Screen, spinner: RenderableType, marks: str) -> RenderableType:
    """Returns a screen as rich draws it, as wide as the terminal is.

    Args:
        shown: what is drawn.
        spinner: beside a step that goes on.
        marks: beside one that is done, and one that was cut short.
    """
    steps = Table.grid(padding=(0, 1), expand=True)
    for how in ({"width": 1}, {"no_wrap": True}, {"ratio": 1, "no_wrap": True, "overflow": "ellipsis"}):
        steps.add_column(**how)
    steps.add_column(justify="right", no_wrap=True)
    for step in shown.steps:
        ended = Text(marks[1], style="red") if step.is_cut else Text(marks[0], style="green")
        mark = spinner if step.is_on and not step.is_cut else ended
        steps.add_row(mark, Text(step.name), Text(one_line(step.text), style="dim"), Text(step.took))
    parts: list[RenderableType] = [Text(one_line(shown.title), style="bold"), steps]
    if shown.done is not None:
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        bar.add_row(ProgressBar(total=shown.done[1], completed=shown.done[0]), Text(done_of(*shown.done)))
        parts.append(Padding(bar, (0, 0, 0, 2)))
    parts += [Padding(Text(fact), (0, 0, 0, 2)) for fact in shown.facts]
    return Group(*parts)
