"""What a run's `expect` was found to be, as the ledger and the report have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

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
