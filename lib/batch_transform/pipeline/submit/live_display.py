"""A run on a terminal, drawn anew a few times a second by rich, as `core/progress/screen.py` decides."""

from __future__ import annotations

from dataclasses import dataclass
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
from batch_transform.core.progress.screen import Screen, StepLine, done_of, is_kept, screen
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
        self._marks = Marks("+", "!", "x") if self._is_plain else Marks("✓", "!", "✗")
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
        """Draws it for the last time, as it stays: nothing is cut off."""
        self._view = ended(self._view, self._now())
        self._draw(is_last=True)
        self._live.stop()

    def _draw(self, *, is_last: bool = False) -> None:
        self._drawn = self._now()
        shown = screen(self._view, self._drawn)
        self._live.update(drawn(shown, self._spinner, self._marks, is_cut_off=not is_last))
        self._live.refresh()


@dataclass(frozen=True)
class Marks:
    """The signs beside a step that is done, one in which jobs have failed, and one that was cut short."""

    done: str
    failures: str
    cut: str

    def of(self, step: StepLine) -> Text:
        """Returns the sign beside a step that does not go on."""
        if step.is_cut:
            return Text(self.cut, style="red")
        return Text(self.failures, style="yellow") if step.has_failures else Text(self.done, style="green")


def drawn(shown: Screen, spinner: RenderableType, marks: Marks, *, is_cut_off: bool) -> RenderableType:
    """Returns a screen as rich draws it, as wide as the terminal is.

    Args:
        shown: what is drawn.
        spinner: beside a step that goes on.
        marks: beside the others.
        is_cut_off: whether a step takes one line, however much is told of it: so it is drawn over at the same height.
    """
    steps = Table.grid(padding=(0, 1), expand=True)
    steps.add_column(width=1)
    steps.add_column(no_wrap=True)
    steps.add_column(ratio=1, no_wrap=is_cut_off, overflow="ellipsis" if is_cut_off else "fold")
    steps.add_column(justify="right", no_wrap=True)
    for step in shown.steps:
        mark = spinner if step.is_on and not step.is_cut else marks.of(step)
        steps.add_row(mark, Text(step.name), Text(one_line(step.text), style="dim"), Text(step.took))
    parts: list[RenderableType] = [Text(one_line(shown.title), style="bold"), steps]
    if shown.done is not None:
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        bar.add_row(ProgressBar(total=shown.done[1], completed=shown.done[0]), Text(done_of(*shown.done)))
        parts.append(Padding(bar, (0, 0, 0, 2)))
    parts += [Padding(Text(fact), (0, 0, 0, 2)) for fact in shown.facts]
    if is_cut_off:
        # What a person types, as Ctrl-C, is echoed there, and pushes no line up that is drawn over.
        parts.append(Text(""))
    return Group(*parts)
