"""What was expected of the predictions, beside what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from batch_transform.core.expectations import Expectation, Value, outcome, value_told
from batch_transform.core.report_page.markup import Column, Html, joined, shown, table


def expectations(found: Sequence[Expectation]) -> Html:
    """Returns the table of them; nothing where none was checked."""
    columns = [Column("expectation", is_wide=True), Column("outcome"), Column("found", is_wide=True)]
    columns += [Column("previous run", is_wide=True), Column("note", is_wide=True)]
    rows = [_row(f"expectations.{place}", each) for place, each in enumerate(found)]
    return table("What was expected of the predictions", columns, rows) if rows else Html("")


def _row(key: str, found: Expectation) -> list[object]:
    untold = [f"{name}: may be a row's own value" for name in found["untold"]]
    before = _values(f"{key}.previous", found["previous"] or {})
    run = [f"of {found['previous_run']}"] if found["previous_run"] else []
    return [
        found["expression"],
        outcome(found),
        joined([*_values(f"{key}.values", found["values"]), *untold], "<br>"),
        joined([*before, *run], "<br>"),
        found["note"] or "",
    ]


def _values(key: str, values: Mapping[str, Value]) -> list[Html]:
    return [_value(f"{key}.{name}", name, value) for name, value in values.items()]


def _value(key: str, name: str, value: Value) -> Html:
    told = shown(value_told(value))
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    data = f'<data value="{value!r}" data-key="{shown(key)}">{told}</data>' if is_number else told
    return Html(f"{shown(name)}: {data}")
