"""What a run's `expect` was found to be, as the ledger and the report have it, and in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from batch_transform.core.amounts import counted

# Of an aggregate: a number, of a decimal its digits and of what is no number its name ("NaN"), or a truth.
Value = int | float | bool | str | None


class Expectation(TypedDict):
    """One of the report's `expectations`.

    Attributes:
        expression: as the run file has it.
        held: null: it was not checked, for `note` says why.
        accepted: whether it did not hold, and a person has published all the same.
        values: of its aggregates, by their text; what may be a row's own value is not among them.
        untold: those.
        previous: the values that it was compared with; null: it compares with none, or there was none.
        previous_run: whose they are.
        note: what else is to be said of it.
    """

    expression: str
    held: bool | None
    accepted: bool
    values: dict[str, Value]
    untold: list[str]
    previous: dict[str, Value] | None
    previous_run: str | None
    note: str | None


@dataclass(frozen=True)
class Previous:
    """What the latest published run with the same output has kept.

    Attributes:
        run_id: None: there is no such run.
        values: of aggregates, by their text.
        output: where it has published.
    """

    run_id: str | None
    values: Mapping[str, Value]
    output: str


def not_met(found: Sequence[Expectation]) -> list[Expectation]:
    """Returns those that keep a run from publishing."""
    return [each for each in found if each["held"] is False and not each["accepted"]]


def accepted(found: Sequence[Expectation]) -> list[Expectation]:
    """Returns them as a person has accepted them."""
    return [{**each, "accepted": True} if each["held"] is False else each for each in found]


def kept_values(found: Sequence[Expectation]) -> dict[str, Value]:
    """Returns all values that are known, by the text of their aggregates."""
    return {name: value for each in found for name, value in each["values"].items()}


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


def refusal(found: Sequence[Expectation]) -> list[str]:
    """Returns what is told where a run is not published for its predictions, by all its expectations."""
    unmet = not_met(found)
    head = f"expect: {len(unmet):,} of {counted(len(found), 'expectation')} not met; nothing is published"
    return [f"{head}, and what was scored is kept", *sentences(unmet)]


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
