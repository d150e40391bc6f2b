"""What the wrapper tells the driver by the environment."""

from __future__ import annotations

import pytest

from batch_transform.core.events import Event, EventKind
from batch_transform.pipeline.handshake import BEGAN_VARIABLE, Handshake, seconds_before
from batch_transform.pipeline.telling import PlainLines


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ({BEGAN_VARIABLE: "1000.25"}, 9.75),
        ({}, 0.0),
        ({BEGAN_VARIABLE: ""}, 0.0),
        ({BEGAN_VARIABLE: "soon"}, 0.0),
        ({BEGAN_VARIABLE: "1020"}, 0.0),
    ],
    ids=str,
)
def test_a_driver_knows_for_how_long_its_wrapper_has_been_at_work(told, seconds):
    """The clock of another machine may be behind."""
    assert seconds_before(told, 1010.0) == seconds


def test_what_is_told_now_and_then_counts_from_when_the_command_was_given():
    lines = PlainLines(now=100.0, began=90.0)
    lines.of(Event("score", kind=EventKind.BEGINS), 100.0)
    assert "1:15 elapsed · score for 1:05" in lines.tick(165.0)


def test_a_wrappers_folder_that_takes_no_report_is_told_in_a_line_and_changes_no_end(tmp_path, capsys):
    gone = tmp_path / "gone"
    handshake = Handshake(report_file=gone / "report", exit_file=gone / "exit")
    handshake.report({"run_id": "r", "status": "published"})
    handshake.show("a table")
    handshake.end(0)
    lines = capsys.readouterr().err.splitlines()
    assert all("cannot be written (No such file or directory)" in line for line in lines)
    assert {line.split()[0] for line in lines} >= {str(gone / "report"), str(gone / "exit")}
