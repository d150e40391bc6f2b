"""Moments of a run on a cluster, told by the requests that pass."""

from __future__ import annotations

from collections.abc import Sequence

from support.kills import Fits
from support.watching_proxy import GATE, Passing

OUTPUTS_READ = 20


def makes_rows(passing: Passing, passed: Sequence[Passing]) -> bool:
    """Whether a task of the staging is in the middle of its rows, and two others have been as far."""
    return passing.path.startswith(GATE) and sum(other.path.startswith(GATE) for other in passed) >= 2


def puts_after(step: str) -> Fits:
    """Returns what fits an object that is not the first of a task's attempt, when three attempts have put objects.

    Args:
        step: of the ledger: `staged` before the export, `reconciled` before failed spans are cut.
    """

    def fits(passing: Passing, passed: Sequence[Passing]) -> bool:
        attempts = {other.token for other in passed if other.step == step} - {None}
        return passing.step == step and passing.token in attempts and len(attempts) >= 3

    return fits


def reads_outputs(passing: Passing, passed: Sequence[Passing]) -> bool:
    """Whether a task of the merge asks for an output, when many have been read."""
    read = sum(other.step == "gated" and is_output(other) for other in passed)
    return passing.step == "gated" and is_output(passing) and read >= OUTPUTS_READ


def is_output(passing: Passing) -> bool:
    """Whether an output of a job is read."""
    return passing.method == "GET" and passing.path.endswith(".out")
