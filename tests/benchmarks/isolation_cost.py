"""Prints what it takes to find bad rows: our way of splitting beside others, on tables of 200,000 rows in 20 objects.

    python tests/benchmarks/isolation_cost.py [--seeds 20]

The first table is a simulation, the mean of the seeds. The bad rows lie at random places; a model refuses them with a
400 or with a 500, and is not flaky. Counted are all objects of all rounds, the requests that they take (payloads of 6
MB, records of 330 bytes), the rounds, and the records that were sent again after the first round. The ways:

- *ours*: `rows_per_part` in at most three levels; the first of them is a probe of 32 rows if every object failed. A
  single row is given up once it has failed so often that no good one would (`core.isolation.evidence`), beside controls
- *splitting*: the same, but a refusal is believed: a 400 at once, a 500 when it came twice. So do those that follow
- *explode*: each row of a failed object alone, at once
- *bisect*: failed objects are halved until single rows are left
- *all-knowing*: the bad rows alone and the runs between them, in one round; nobody can do better

The second table is no simulation: the expected cost of our splitting as a multiple of that of the cheapest adaptive
policy, under the prior of `core.isolation.splitting`; `isolation_optimum` says how that is found.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.isolation.evidence import LEAST_TRIES, Rate, weight_in_job, weight_needed
from batch_transform.core.isolation.single_row_tries import Known, likely_tries, with_tries
from batch_transform.core.isolation.splitting import Seen, parts, rows_per_part
from batch_transform.core.limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB
from benchmarks import isolation_optimum
from benchmarks.isolation_optimum import LEVELS, PROBE_ROWS

ROWS, OBJECTS = 200_000, 20
BAD_ROWS = (1, 3, 50, 2000)
RECORD_BYTES = 330
ROWS_PER_REQUEST = DEFAULT_PAYLOAD_MB * BYTES_PER_MB // RECORD_BYTES
# Objects and rows of each; some larger and smaller than they are staged.
SHAPES = ((20, 10_000), (20, 50_000), (200, 1_000), (5, 1_000), (5, 200), (1, 20_000))

Spans = npt.NDArray[np.int64]  # a line for each: first row, and the row after its last


class Run:
    """A run of the service on a table whose bad rows are known here, and only here.

    Attributes:
        good, dead: rows scored and rows given up so far.
        objects, requests, rounds, again: counted so far; `again` are records sent after the first round.
    """

    def __init__(self, bad: npt.NDArray[np.int64], confirm: bool) -> None:
        self.bad = np.sort(bad)
        self.confirm = confirm
        self.good = self.objects = self.requests = self.rounds = self.again = 0
        self.dead: list[int] = []

    def send(self, spans: Spans) -> Spans:
        """Returns the spans of more than one row that fail in a round; single rows that fail are given up."""
        sizes = spans[:, 1] - spans[:, 0]
        self._count(sizes)
        failed = np.diff(np.searchsorted(self.bad, spans), axis=1)[:, 0] > 0
        self.good += int(sizes[~failed].sum())
        self.dead += spans[failed & (sizes == 1), 0].tolist()
        return spans[failed & (sizes > 1)]

    def _count(self, sizes: npt.NDArray[np.int64]) -> None:
        self.again += int(sizes.sum()) if self.rounds else 0
        self.rounds += 1
        self.objects += len(sizes)
        self.requests += int(np.ceil(sizes / ROWS_PER_REQUEST).sum())

    def more(self, single_rows: int) -> None:
        """Counts objects of one row each that are sent beside those of the last round."""
        self.objects, self.requests = self.objects + single_rows, self.requests + single_rows
        self.again += single_rows

    def confirmed(self) -> None:
        """Counts the second failure alone of each row that was given up; those of earlier rounds go with later ones."""
        if self.confirm and self.dead:
            self._count(np.ones(len(self.dead), dtype=np.int64))


def cut(spans: Spans, part_rows: Callable[[int], int], failed: Spans | None = None) -> Spans:
    """Returns the parts of the spans, each of which is cut into parts of at most `part_rows(rows)` rows.

    Args:
        spans: to be cut.
        part_rows: of the rows that are left of the failed object that a span is of.
        failed: those objects; None: each span is one.
    """
    of_object = rows_left(spans, spans if failed is None else failed)
    bounds = [
        first + np.cumsum([0, *parts(int(last - first), part_rows(int(rows)))], dtype=np.int64)
        for (first, last), rows in zip(spans, of_object, strict=True)
    ]
    return np.concatenate([np.stack([bound[:-1], bound[1:]], axis=1) for bound in bounds])


def places(spans: Spans, failed: Spans) -> npt.NDArray[np.int64]:
    """Returns of which failed object each span is left."""
    found: npt.NDArray[np.int64] = np.searchsorted(failed[:, 0], spans[:, 0], side="right") - 1
    return found


def rows_left(spans: Spans, failed: Spans) -> npt.NDArray[np.int64]:
    """Returns for each span how many rows are left of its failed object."""
    of = places(spans, failed)
    counted: npt.NDArray[np.int64] = np.bincount(of, np.diff(spans)[:, 0], len(failed)).astype(np.int64)[of]
    return counted


def probe(spans: Spans) -> tuple[Spans, Spans]:
    """Returns up to 32 single rows spread over the spans, and the spans between them."""
    rows = np.concatenate([np.arange(first, last) for first, last in spans])
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, 2 * PROBE_ROWS + 1).astype(int)[1::2])]
    firsts = np.sort(np.concatenate([spans[:, 0], chosen + 1]))
    lasts = np.sort(np.concatenate([spans[:, 1], chosen]))
    gaps = np.stack([firsts, lasts], axis=1)
    return np.stack([chosen, chosen + 1], axis=1), gaps[gaps[:, 0] < gaps[:, 1]]


def ours(run: Run, spans: Spans) -> None:
    """Scores the table as we do."""
    failed, levels = run.send(spans), LEVELS
    left, objects = _Tried(run, len(spans) - len(failed)), failed
    if len(failed) == len(spans):
        rows, failed = probe(failed)
        left.send(rows, {int(row): 1 for row in rows[:, 0]}, 0)
        levels -= 1
        if not run.good:
            return
    while len(failed) or left.weights:
        rows_failed = max(1, int(np.diff(failed).sum()))
        seen = Seen(run.good, len(run.dead) + len(left.weights), max(1, len(objects)), rows_failed)
        tries = 1 if run.confirm else likely_tries(left.known, seen.failed_rows)
        size = lambda rows, seen=seen, levels=levels, tries=tries: rows_per_part(rows, seen, levels, tries=tries)  # noqa: E731
        pieces = cut(failed, size, objects) if len(failed) else failed
        failed = objects = left.send(*left.planned(failed, pieces, objects))
        levels -= 1


class _Tried:
    """Single rows that have failed alone, and what is known of good requests: none of them fails here."""

    def __init__(self, run: Run, passed: int) -> None:
        self._run, self._passed, self._alone, self._repeats = run, passed, 0, 0
        self.weights: dict[int, float] = {}
        self._tries: dict[int, int] = {}

    @property
    def known(self) -> Known:
        run, rate = self._run, Rate(0, self._passed)
        return Known(ROWS, run.good, len(run.dead), rate, self._alone, self._repeats)

    def planned(self, failed: Spans, pieces: Spans, objects: Spans) -> tuple[Spans, dict[int, int], int]:
        """Returns the spans of the next round, as how many objects each single row is sent, and the controls.

        Args:
            failed: spans, and what is to be sent of them.
            pieces: that.
            objects: that failed, of which the spans are left.
        """
        error = ErrorClass.MODEL_ERROR if self._run.confirm else ErrorClass.REJECTED
        fields = {"lane": "standard", "payload_mb": 0, "error_class": error.value, "whole": True, "move": "split"}
        fields |= {"lines": None}
        rows = [
            {**fields, "object": f"row {row}", "start": row, "tries": self._tries[row], "weight": self.weights[row]}
            for row in self.weights
        ]
        of_objects = zip(failed[:, 0].tolist(), places(failed, objects).tolist(), strict=True)
        parents = [
            {**fields, "object": str(of), "start": start, "tries": None, "weight": None} for start, of in of_objects
        ]
        cuts: dict[int, list[tuple[int, int]]] = {row: [(1, 1)] for row in self.weights}
        for parent, (first, last) in zip(parents, failed.tolist(), strict=True):
            inside = pieces[(pieces[:, 0] >= first) & (pieces[:, 1] <= last)]
            cuts[parent["start"]] = [(size, 1) for size in (inside[:, 1] - inside[:, 0]).tolist()]
        tried, controls = with_tries(rows + parents, cuts, self.known)
        times = {}
        for start, of_span in tried.items():
            for size, count in of_span:
                if size == 1:
                    times[start] = count
                start += size
        alone = np.array([[row, row + 1] for row in self.weights], dtype=np.int64).reshape(-1, 2)
        return np.concatenate([pieces, alone]), times, max(controls.values(), default=0)

    def send(self, spans: Spans, objects: dict[int, int], controls: int) -> Spans:
        """Returns the spans of more than one row that fail in a round; rows are given up once that is certain."""
        dead, before = set(self._run.dead), self._run.objects
        failed = self._run.send(spans)
        self._run.more(sum(objects.values()) - len(objects) + controls)
        refused = set(self._run.dead) - dead
        self._run.dead = sorted(dead)
        new = [row for row in objects if row not in self.weights]
        self._alone, self._repeats = self._alone + len(new), self._repeats + sum(objects.values()) - len(new)
        passed = self._run.objects - before - len(failed) - sum(objects[row] for row in refused)
        self._passed += passed
        needed, each = weight_needed(ROWS, self._alone, plan=1), -math.log(Rate(0, self._passed).bound)
        for row in refused:
            tries = objects[row]
            gained = min(tries * each, weight_in_job(tries, Rate(0, passed)))
            self._tries[row] = self._tries.get(row, 0) + tries
            self.weights[row] = self.weights.get(row, 0.0) + gained
            if self.weights[row] >= needed and self._tries[row] >= LEAST_TRIES:
                self._run.dead.append(row)
                del self.weights[row]
        return failed


def splitting(run: Run, spans: Spans) -> None:
    """Scores the table as we do, but for how often a single row is tried."""
    failed, levels = run.send(spans), LEVELS
    objects = failed
    if len(failed) == len(spans):
        rows, failed = probe(failed)
        run.send(rows)
        levels -= 1
        if not run.good:
            return
    while len(failed):
        seen = Seen(run.good, len(run.dead), len(objects), int(np.diff(failed).sum()))
        size = lambda rows, seen=seen, levels=levels: rows_per_part(rows, seen, levels)  # noqa: E731
        failed = objects = run.send(cut(failed, size, objects))
        levels -= 1


def explode(run: Run, spans: Spans) -> None:
    """Scores the rows of failed objects one by one."""
    if len(failed := run.send(spans)):
        run.send(cut(failed, lambda rows: 1))


def bisect(run: Run, spans: Spans) -> None:
    """Halves what fails."""
    failed = run.send(spans)
    while len(failed):
        failed = run.send(cut(failed, lambda rows: -(-rows // 2)))


def all_knowing(run: Run, spans: Spans) -> None:
    """Sends the bad rows of failed objects alone, and what lies between them."""
    failed = run.send(spans)
    if len(failed):
        bounds = [np.unique([first, last, *_of(run.bad, first, last)]) for first, last in failed]
        run.send(np.concatenate([np.stack([bound[:-1], bound[1:]], axis=1) for bound in bounds]))


def _of(bad: npt.NDArray[np.int64], first: int, last: int) -> list[int]:
    inside = bad[(bad >= first) & (bad < last)]
    return [*inside.tolist(), *(inside + 1).tolist()]


Way = Callable[[Run, Spans], None]
WAYS: dict[str, Way] = {
    "ours": ours,
    "splitting": splitting,
    "explode": explode,
    "bisect": bisect,
    "all-knowing": all_knowing,
}


def scored(
    way: Callable[[Run, Spans], None], bad: npt.NDArray[np.int64], confirm: bool, rows: int, objects: int
) -> Run:
    """Returns the run of a table in one of the ways."""
    run = Run(bad, confirm)
    bounds = np.linspace(0, rows, objects + 1).astype(np.int64)
    way(run, np.stack([bounds[:-1], bounds[1:]], axis=1))
    if way is not ours:
        run.confirmed()
    return run


@dataclass(frozen=True)
class Figures:
    """Means over the seeds, and the most rounds that any of them took."""

    objects: float
    requests: float
    rounds: float
    again: float
    most_rounds: int


def figures(way: str, bad_rows: int, confirm: bool, seeds: int, rows: int = ROWS, objects: int = OBJECTS) -> Figures:
    """Returns what a way takes on tables with so many bad rows.

    Raises:
        AssertionError: it did not find exactly the bad rows.
    """
    runs = []
    for seed in range(seeds):
        bad = np.random.default_rng(seed).choice(rows, bad_rows, replace=False)
        run = scored(WAYS[way], bad, confirm, rows, objects)
        assert sorted(run.dead) == sorted(bad.tolist())
        assert run.good == rows - bad_rows
        runs.append((run.objects, run.requests, run.rounds, run.again))
    return Figures(*np.mean(runs, axis=0).tolist(), most_rounds=max(run[2] for run in runs))


def costs_table(seeds: int) -> str:
    """Returns the first table, in Markdown."""
    lines = [["bad rows", "answer", "way", "objects", "requests", "rounds (most)", "records sent again"]]
    for status in (400, 500):
        for bad_rows in BAD_ROWS:
            for way in WAYS:
                it = figures(way, bad_rows, status == 500, seeds)
                rounds = f"{it.rounds:.1f} ({it.most_rounds})"
                counts = [f"{number:,.0f}" for number in (it.objects, it.requests)]
                lines.append([f"{bad_rows:,}", str(status), way, *counts, rounds, f"{it.again:,.0f}"])
    return markdown(lines)


def optimum_table(shapes: Sequence[tuple[int, int]] = SHAPES) -> str:
    """Returns the second table, in Markdown."""
    lines = [["table", "some objects failed", "any failed", "any failed, the cheapest need not probe"]]
    for objects, rows in shapes:
        it = isolation_optimum.ratio(objects, rows)
        ratios = [f"{number:.2f}" for number in (it.some_failed, it.bound, it.free)]
        lines.append([f"{objects} x {rows:,} rows", *ratios])
    return markdown(lines)


def markdown(lines: list[list[str]]) -> str:
    """Returns a table whose first line is its heading."""
    heading, *rest = lines
    return "\n".join("| " + " | ".join(line) + " |" for line in [heading, ["---"] * len(heading), *rest])


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    arguments = parser.parse_args()
    print(costs_table(arguments.seeds), end="\n\n")
    print("Our splitting as a multiple of the cheapest adaptive policy, expected after the first round:", end="\n\n")
    print(optimum_table())


if __name__ == "__main__":
    main()
