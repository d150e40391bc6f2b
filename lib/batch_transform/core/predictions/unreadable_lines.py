"""Lines of an output that hold no prediction, as runs of neighbours of one reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from batch_transform.core.predictions.reader import PLACEHOLDER_REASON


class UnreadableLines(TypedDict):
    """Lines [start, stop) of an output, which hold no prediction for one reason."""

    start: int
    stop: int
    reason: str
    placeholder: bool


def add_unreadable(runs: list[UnreadableLines], reasons: Mapping[int, str], before: int) -> None:
    """Adds lines of a block to the fewest runs, each of one reason, that hold them and no other.

    Args:
        runs: of the blocks before it.
        reasons: by number of line in the block, in ascending order.
        before: lines before the block.
    """
    for line, reason in reasons.items():
        place = before + line
        if runs and (runs[-1]["stop"], runs[-1]["reason"]) == (place, reason):
            runs[-1]["stop"] = place + 1
        else:
            is_placeholder = reason == PLACEHOLDER_REASON
            runs.append({"start": place, "stop": place + 1, "reason": reason, "placeholder": is_placeholder})


def fewest_runs(runs: list[UnreadableLines], lines: int) -> list[UnreadableLines]:
    """Returns the runs of a whole output: where none of its lines is a prediction, one, with the reason of the first.

    It has failed as a whole then, and of words of any length each line may have a reason of its own: who judges all
    outputs of a job would hold as many runs as there are rows.

    Args:
        runs: in ascending order.
        lines: of the output.
    """
    refused = sum(run["stop"] - run["start"] for run in runs if not run["placeholder"])
    return [{**runs[0], "stop": lines}] if refused == lines > 0 else runs
