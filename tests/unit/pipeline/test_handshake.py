"""What the wrapper tells the driver by the environment."""

from __future__ import annotations

import pytest

from batch_transform.core.events import Event, EventKind
from batch_transform.pipeline.handshake import BEGAN, seconds_before
from batch_transform.pipeline.telling import PlainLines


@pytest.mark.parametrize(
    ("told", "seconds"),
    [({BEGAN: "1000.25"}, 9.75), ({}, 0.0), ({BEGAN: ""}, 0.0), ({BEGAN: "soon"}, 0.0), ({BEGAN: "1020"}, 0.0)],
    ids=str,
)
def test_a_driver_knows_for_how_long_its_wrapper_has_been_at_work(told, seconds):
    """The clock of another machine may be behind."""
    assert seconds_before(told, 1010.0) == seconds


def test_what_is_told_now_and_then_counts_from_when_the_command_was_given():
    lines = PlainLines(now=100.0, began=90.0)
    lines.of(Event("score", kind=EventKind.BEGINS), 100.0)
    assert "1:15 elapsed · score for 1:05" in lines.tick(165.0)
