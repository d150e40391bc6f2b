"""Predictions of a job against those of a real-time endpoint, field by field. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from batch_transform.core.amounts import counted
from batch_transform.core.limits import MAX_ENDPOINT_BODY_BYTES

_EXAMPLES = 5

# By field, as Arrow gives them: a value is of whatever type its column has, and two of them are compared by that.
Prediction = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a row lies: line `line`, from 0, of `object` in the input and the output of `job`."""

    job: str
    object: str
    line: int


class FieldDifference(TypedDict):
    """How a field of the predictions differs."""

    field: str
    rows_different: int
    largest_difference: float


class Unanswered(TypedDict):
    """Rows that the endpoint did not answer, or not readably."""

    reason: str
    rows: int


class _Place(TypedDict):
    job: str
    object: str
    line: int


class Example(_Place, total=False):
    """A row that differs in these fields, or that has no answer for this reason."""

    fields: list[str]
    reason: str


class Counted(TypedDict):
    """The counts, what differs by field, and a few examples by object and line."""

    rows_compared: int
    rows_different: int
    rows_unanswered: int
    rows_too_large: int
    tolerance: float
    fields: list[FieldDifference]
    unanswered: list[Unanswered]
    examples: list[Example]


class ComparisonReport(Counted):
    """The report of the command `compare`."""

    run_id: str
    endpoint: str
    status: str


@dataclass
class Comparison:
    """What was found so far.

    Attributes:
        tolerance: two floating-point numbers a and b are alike if |a - b| is at most this times max(1, |a|, |b|).
        compared: rows that both sides have answered.
        different: rows of which a field differs.
        unanswered: rows that the endpoint did not answer, or not readably, by reason.
        too_large: rows whose record is over the limit of a real-time request.
    """

    tolerance: float
    compared: int = 0
    different: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    too_large: int = 0
    _fields: Counter[str] = field(default_factory=Counter)
    _largest: dict[str, float] = field(default_factory=dict)
    _examples: list[Example] = field(default_factory=list)

    @property
    def is_alike(self) -> bool:
        """Whether the endpoint answered all rows that it was asked for as the job did, and was asked for any."""
        return bool(self.compared) and not self.different and not self.unanswered

    def add(self, place: Place, batch: Prediction, live: Prediction) -> None:
        """Compares the two predictions of a row."""
        self.compared += 1
        names = []
        for name, value in batch.items():
            self._largest[name] = max(self._largest.get(name, 0.0), *_distances(value, live[name]), 0.0)
            if not alike(value, live[name], self.tolerance):
                names.append(name)
        self._fields.update(names)
        if names:
            self.different += 1
            self._add_example(place, fields=names)

    def add_unanswered(self, places: Sequence[Place], reason: str) -> None:
        """Counts rows without an answer; the reason holds no row data."""
        self.unanswered[reason] += len(places)
        self._add_example(places[0], reason=reason)

    def _add_example(self, place: Place, *, fields: Sequence[str] = (), reason: str = "") -> None:
        if len(self._examples) >= _EXAMPLES:
            return
        example: Example = {"job": place.job, "object": place.object, "line": place.line}
        if fields:
            example["fields"] = [*fields]
        if reason:
            example["reason"] = reason
        self._examples.append(example)

    def report(self) -> Counted:
        """Returns what was found, but for what was compared with what."""
        return {
            "rows_compared": self.compared,
            "rows_different": self.different,
            "rows_unanswered": sum(self.unanswered.values()),
            "rows_too_large": self.too_large,
            "tolerance": self.tolerance,
            "fields": [
                {"field": name, "rows_different": self._fields[name], "largest_difference": largest}
                for name, largest in self._largest.items()
            ],
            "unanswered": [{"reason": reason, "rows": rows} for reason, rows in self.unanswered.most_common()],
            "examples": self._examples,
        }


def alike(a: Any, b: Any, tolerance: float) -> bool:
    """Returns whether two values are the same: floating-point numbers within the tolerance, all others exactly.

    NaN is like NaN. Lists, maps and structs are alike if all that they hold is.
    """
    if isinstance(a, float) and isinstance(b, float):
        if a == b or (math.isnan(a) and math.isnan(b)):
            return True
        return math.isfinite(a - b) and abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(value, b[key], tolerance) for key, value in a.items())
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(alike(left, right, tolerance) for left, right in zip(a, b, strict=True))
    return bool(a == b)


def _distances(a: Any, b: Any) -> Iterator[float]:
    """The absolute differences of the finite numbers that two values hold at the same places."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool):
        if math.isfinite(a) and math.isfinite(b):
            yield float(abs(a - b))
    elif isinstance(a, dict) and isinstance(b, dict):
        for key in a.keys() & b.keys():
            yield from _distances(a[key], b[key])
    elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        for left, right in zip(a, b, strict=False):
            yield from _distances(left, right)


def mini_batches(sizes: Sequence[int], most_bytes: int, *, single: bool) -> Iterator[range]:
    """Yields the records of each request: as many as fit into `most_bytes`, at least one; one each if `single`.

    Args:
        sizes: bytes of each record, in order.
        most_bytes: of a body.
        single: whether the model understands one record only.
    """
    begin, filled = 0, 0
    for index, size in enumerate(sizes):
        if index > begin and (single or filled + size > most_bytes):
            yield range(begin, index)
            begin, filled = index, 0
        filled += size
    if begin < len(sizes):
        yield range(begin, len(sizes))


def sentence(report: ComparisonReport) -> str:
    """Returns what a report says in one line."""
    counts = [
        (report["rows_different"], "differ"),
        (report["rows_unanswered"], "have no answer"),
        (report["rows_too_large"], f"are over the limit of a request, {MAX_ENDPOINT_BODY_BYTES:,} bytes"),
    ]
    said = [f"{rows:,} {words}" for rows, words in counts if rows] or ["all are alike"]
    return f"{counted(report['rows_compared'], 'row')} compared with endpoint {report['endpoint']}: {', '.join(said)}"


def details(report: ComparisonReport) -> Iterator[str]:
    """Yields a line for each field that differs, each reason and each example."""
    for entry in report["fields"]:
        if entry["rows_different"]:
            largest = f", by up to {entry['largest_difference']:g}" if entry["largest_difference"] else ""
            yield f"{entry['field']}: differs in {counted(entry['rows_different'], 'row')}{largest}"
    for lacking in report["unanswered"]:
        yield f"{counted(lacking['rows'], 'row')}: {lacking['reason']}"
    for example in report["examples"]:
        yield f"such as line {example['line']} of {example['object']} in {example['job']}"
