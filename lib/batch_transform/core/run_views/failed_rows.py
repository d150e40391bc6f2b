"""What failed in a run, by class, with what a person can do and with what the model said. Pure.

The model's own words may quote a row. They are told to whoever asks for them, and stand in no log and on no page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

from batch_transform.core.amounts import counted
from batch_transform.core.escaping import visible
from batch_transform.core.isolation.failure_summary import advice_of, http_statuses
from batch_transform.core.report_keys import FailedClass, FailureExample, RunReport
from batch_transform.core.text_table import text_table

_MOST_WORDS = 600
Words = Callable[[FailureExample], "str | None"]


class Example(FailureExample):
    """A row that failed, with what service and model said of it; null where that is not there, or is forgotten."""

    words: str | None


# Of one class. In this form since `class` is a word of Python's.
Failed = TypedDict(
    "Failed",
    {
        "class": str,
        "rows": int,
        "spans": int,
        "http_status": "list[int]",
        "advice": "str | None",
        "examples": "list[Example]",
    },
)


class FailedRows(TypedDict):
    """The report of `errors`.

    Attributes:
        error: what ended the run, where it said so.
        dead_letter: where the rows without a prediction lie.
    """

    run_id: str
    status: str
    workspace: str
    error: list[str]
    errors: list[Failed]
    dead_letter: str | None


def failed_rows(report: RunReport, words: Words) -> FailedRows:
    """Returns what failed, of a run as it stands; `words` gives what was said of an example."""
    return {
        "run_id": report["run_id"],
        "status": report["status"],
        "workspace": report["workspace"],
        "error": report.get("error", []),
        "errors": [_failed(entry, words) for entry in report["errors"]],
        "dead_letter": report["dead_letter"],
    }


def _failed(entry: FailedClass, words: Words) -> Failed:
    return {
        "class": entry["class"],
        "rows": entry["rows"],
        "spans": entry["spans"],
        "http_status": http_statuses(entry),
        "advice": advice_of(entry["class"]),
        "examples": [{**example, "words": words(example)} for example in entry["examples"]],
    }


def lines_of_failures(found: FailedRows) -> list[str]:
    """Returns what a person reads of it."""
    heads = ["CLASS", "ROWS", "HTTP STATUS", "MESSAGE"]
    rows = [
        [each["class"], each["rows"], ", ".join(map(str, each["http_status"])) or None, _message(each)]
        for each in found["errors"]
    ]
    lines = [f"error: {line}" for line in found["error"]]
    lines += text_table(heads, rows) or [f"{found['run_id']}: no row has failed as far as it has come"]
    for each in found["errors"]:
        lines += ["", f"{each['class']}, {counted(each['rows'], 'row')}"]
        lines += [f"  what to do: {each['advice']}"] if each["advice"] else []
        for example in each["examples"]:
            lines += _example(example)
    if found["dead_letter"]:
        # Which row an example is, its table tells: a row's values stand nowhere else.
        whose = "all rows without a prediction, with their own columns, and in `error` object and line as above"
        lines += ["", f"{whose}: {found['dead_letter']}"]
    return lines


def _message(each: Failed) -> str:
    return each["examples"][0]["message"] if each["examples"] else ""


def _example(example: Example) -> list[str]:
    if example["object"] is None:
        return [f"  not sent: {visible(example['message'])}"]
    at = f"  line {example['line']} of {example['object']} in {example['job']}"
    said = example["words"]
    if said is None:
        return [at, f"    {visible(example['message'])} (no more was said, or it is forgotten with the rows)"]
    cut = said[:_MOST_WORDS] + ("..." if len(said) > _MOST_WORDS else "")
    return [at, *(f"    {visible(line)}" for line in cut.replace("\t", " ").split("\n"))]
