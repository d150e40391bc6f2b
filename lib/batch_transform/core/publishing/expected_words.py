"""What is told of a run's expectations: which are not met, with what was found, and which were not checked. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from batch_transform.core.amounts import counted
from batch_transform.core.expectations import Expectation, Value, not_met


def outcome(found: Expectation) -> str:
    """Returns what became of an expectation, in words."""
    if found["held"] is None:
        return "not checked"
    return "held" if found["held"] else "not met, accepted" if found["accepted"] else "not met"


def values_told(found: Expectation) -> str:
    """Returns the values that were found, and what they were compared with."""
    before, run = found["previous"] or {}, found["previous_run"]
    told = [
        f"{name} is {value_told(value)}" + (f", was {value_told(before[name])} in {run}" if name in before else "")
        for name, value in found["values"].items()
    ]
    untold = [f"{name} is not told, as it may be a row's own value" for name in found["untold"]]
    return "; ".join([*told, *untold])


def sentences(found: Sequence[Expectation]) -> list[str]:
    """Returns a line for each expectation: what became of it, and by which values."""
    return [_sentence(each) for each in found]


def refusal(found: Sequence[Expectation], going_on: str, otherwise: str) -> list[str]:
    """Returns what is told where a run is not published for its predictions.

    Args:
        found: all expectations.
        going_on: the command that accepts them.
        otherwise: the command that asks for something else.
    """
    unmet = not_met(found)
    head = f"expect: {len(unmet):,} of {counted(len(found), 'expectation')} not met; nothing is published"
    return [
        f"{head}, and what was scored is kept",
        *sentences(unmet),
        f"To publish these predictions, without scoring again: {going_on}",
        f"To expect something else of them: {otherwise}",
    ]


def _sentence(found: Expectation) -> str:
    more = [words for words in (values_told(found), found["note"]) if words]
    return f"{outcome(found)}: {found['expression']}" + (f" ({'; '.join(more)})" if more else "")


def value_told(value: Value) -> str:
    """Returns a value as people read it; no digit of it is rounded away, as an expectation may turn on the last one."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else str(value)
