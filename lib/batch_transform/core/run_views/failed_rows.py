"""What failed in a run, by class, with what a person can do and with what the model said. Pure.

The model's own words may quote a row. They are told to whoever asks for them, and stand in no log and on no page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from batch_transform.core.amounts import counted
from batch_transform.core.escaping import visible
from batch_transform.core.isolation.failure_summary import advice_of, http_statuses
from batch_transform.core.publishing.last_words import ended_with, ways_on
from batch_transform.core.report_keys import FailedClass, FailureExample, RunReport
from batch_transform.core.staged_table import Staged, row_words
from batch_transform.core.text_table import text_table

_MOST_WORDS = 600
Words = Callable[[FailureExample], "str | None"]


@dataclass(frozen=True)
class RowPlaces:
    """Where the columns of rows can be read that have failed, before anything is published.

    Attributes:
        kept: the dead letters of a run that has too many of them; None: none were kept.
        staged: the staged rows; None: there are none yet.
        are_forgotten: whether they are no longer there.
    """

    kept: str | None = None
    staged: Staged | None = None
    are_forgotten: bool = False


class Example(FailureExample):
    """A row that failed, with what service and model said of it; null where that is not there, or is forgotten.

    Attributes:
        staged_file: its file of the staged table, counted from 1; null where it was never sent.
        row: in that file, counted from 0.
    """

    staged_file: int | None
    row: int | None
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
        dead_letter: where the rows without a prediction are published.
        next: the command that goes on with the run; of several ways each stands in `ways`.
        kept_dead_letters: where they lie that are not, as Parquet, of a run that has too many of them.
        read_row: the expression in Python that reads the columns of the first example, of rows that lie in neither.
    """

    run_id: str
    status: str
    workspace: str
    error: list[str]
    ways: list[str]
    next: str | None
    errors: list[Failed]
    dead_letter: str | None
    kept_dead_letters: str | None
    read_row: str | None


def failed_rows(report: RunReport, words: Words, places: RowPlaces) -> FailedRows:
    """Returns what failed, of a run as it stands; `words` gives what was said of an example."""
    errors = [_failed(entry, words, places.staged) for entry in report["errors"]]
    kept = None if report["dead_letter"] else places.kept
    in_a_table = report["dead_letter"] or kept
    return {
        "run_id": report["run_id"],
        "status": report["status"],
        "workspace": report["workspace"],
        "error": report.get("error", []),
        "ways": report.get("ways", []),
        "next": report.get("next"),
        "errors": errors,
        "dead_letter": report["dead_letter"],
        "kept_dead_letters": kept,
        "read_row": None if in_a_table or places.are_forgotten else _reading(places.staged, report),
    }


def _failed(entry: FailedClass, words: Words, staged: Staged | None) -> Failed:
    return {
        "class": entry["class"],
        "rows": entry["rows"],
        "spans": entry["spans"],
        "http_status": http_statuses(entry),
        "advice": advice_of(entry["class"]),
        "examples": [_with_words(example, words, staged) for example in entry["examples"]],
    }


def _with_words(example: FailureExample, words: Words, staged: Staged | None) -> Example:
    at = staged.place_of(example["object"], example["line"]) if staged else None
    file, row = (at.file, at.row) if at else (None, None)
    return {**example, "staged_file": file, "row": row, "words": words(example)}


def _reading(staged: Staged | None, report: RunReport) -> str | None:
    """How the first staged row is read that is an example."""
    if staged is None:
        return None
    examples = (example for entry in report["errors"] for example in entry["examples"])
    places = (staged.place_of(example["object"], example["line"]) for example in examples)
    place = next((found for found in places if found is not None), None)
    return None if place is None else staged.reading(place)


def lines_of_failures(found: FailedRows) -> list[str]:
    """Returns what a person reads of it."""
    heads = ["CLASS", "ROWS", "HTTP STATUS", "MESSAGE"]
    rows = [
        [each["class"], each["rows"], ", ".join(map(str, each["http_status"])) or None, _message(each)]
        for each in found["errors"]
    ]
    lines = ended_with(found["error"])
    lines += text_table(heads, rows) or [f"{found['run_id']}: no row has failed as far as it has come"]
    for each in found["errors"]:
        lines += ["", f"{each['class']}, {counted(each['rows'], 'row')}"]
        lines += [f"  what to do: {each['advice']}"] if each["advice"] else []
        for example in each["examples"]:
            lines += _example(example)
    if any(example["row"] is not None for each in found["errors"] for example in each["examples"]):
        lines += ["", "rows are counted from 0 in their file, and the files of the staged table from 1"]
    # Which row an example is, its table tells: a row's values stand nowhere else.
    place = found["dead_letter"] or found["kept_dead_letters"]
    if place and found["errors"]:
        whose = "all rows without a prediction, with their own columns, and in `error` object and line as above"
        lines += ["", f"{whose}{'' if found['dead_letter'] else ' (not published; Parquet)'}: {place}"]
    elif found["read_row"]:
        lines += ["", f"nothing is published; the columns of the first of these rows: {found['read_row']}"]
    ways = ways_on(found["ways"], found["next"])
    return [*lines, "", *ways] if ways else lines


def _message(each: Failed) -> str:
    return each["examples"][0]["message"] if each["examples"] else ""


def _example(example: Example) -> list[str]:
    if example["object"] is None:
        return [f"  not sent: {visible(example['message'])}"]
    file, number = example["staged_file"], example["row"]
    row = "" if file is None or number is None else f"{row_words(file, number)}, "
    at = f"  {row}line {example['line']} of {example['object']} in {example['job']}"
    said = example["words"]
    if said is None:
        why = "no further words of the model: none came, or they are forgotten with the rows"
        return [at, f"    {visible(example['message'])} ({why})"]
    cut = said[:_MOST_WORDS] + ("..." if len(said) > _MOST_WORDS else "")
    return [at, *(f"    {visible(line)}" for line in cut.replace("\t", " ").split("\n"))]
