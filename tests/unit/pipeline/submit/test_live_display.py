"""What a display leaves on the terminal once it is closed."""

from __future__ import annotations

import io

import pytest

from batch_transform.core.events import Event, EventKind
from batch_transform.core.progress.event_lines import ERROR
from batch_transform.pipeline.submit.live_display import LiveDisplay


class Clock:
    """Seconds that go by when they are told to."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.mark.parametrize("told", ["all was well", "refused"])
def test_what_stays_of_a_display_has_what_all_took_and_no_clock_that_runs(told):
    terminal, clock = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), Clock()
    display = LiveDisplay(terminal, clock, -1.0)
    display.tell(Event("checks", kind=EventKind.BEGINS))
    clock.seconds = 19.3
    display.tick()
    display.tell(Event(ERROR if told == "refused" else "checks", told))
    display.close()
    terminal.flush()
    _, _, last = terminal.buffer.getvalue().decode().rpartition("batch-transform")
    assert last.startswith(" · took 20.3 s")
