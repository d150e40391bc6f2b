"""How many rounds a run is expected to take, told by what came of earlier runs of its model. Pure.

A round beyond the first is of what failed in one before. How often rows fail only runs of the model can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from batch_transform.core.amounts import counted
from batch_transform.core.report_keys import RunReport


@dataclass(frozen=True)
class Outcome:
    """What came of an earlier run all of whose rows had an outcome: its rows, those that had none, its rounds."""

    rows: int
    dead: int
    rounds: int


class ExpectedRounds(TypedDict):
    """How many rounds are expected.

    Attributes:
        least: if every row is scored at once, or as few as a run has taken.
        most: as many as a run has taken; null: no run tells.
        told_by: that in words.
    """

    least: int
    most: int | None
    told_by: str


def outcome_of(report: RunReport, model: str) -> Outcome | None:
    """Returns what came of a run of this model; None: of another one, or it has not come to an end that tells."""
    rows, dead, rounds = report["rows_in"], report["rows_dead_letter"], report["rounds"]
    if report.get("model") != model or not rows or dead is None or not rounds:
        return None
    return Outcome(rows, dead, rounds)


def expected_rounds(before: Sequence[Outcome], rows: int, unknown: str) -> ExpectedRounds:
    """Returns how many rounds a run over so many rows is expected to take.

    Args:
        before: what came of earlier runs.
        rows: of this one.
        unknown: why earlier runs are not known; '': they are.
    """
    if not before:
        why = unknown or "no finished run of this model is recorded in this workspace"
        return {"least": 1, "most": None, "told_by": f"one if every row is scored at once; {why}"}
    seen, dead = sum(each.rows for each in before), sum(each.dead for each in before)
    runs = counted(len(before), "earlier run")
    words = f"by {runs} of this model: {dead:,} of {counted(seen, 'row')} had no prediction"
    if dead:
        words += f", so about {round(rows * dead / seen):,} of these {rows:,} may have none"
    elif seen < rows:
        words += f", which says little of {rows:,}"
    taken = [each.rounds for each in before]
    return {"least": min(taken), "most": max(taken), "told_by": words}


def rounds_line(found: ExpectedRounds) -> str:
    """Returns that as a line for a person."""
    least, most = found["least"], found["most"]
    number = f"{least:,} to {most:,}" if most is not None and most != least else f"{least:,}"
    return f"rounds: {number if most is not None else 'not known'}, {found['told_by']}"
