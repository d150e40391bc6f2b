"""What a run's jobs have shown of good requests that failed, and of rows that were tried alone. Pure, in columns.

A request was good if its rows were scored, in the end: then whatever failed was not for them. Rows that are not settled
tell nothing of the rate, whether they are bad or have only been unlucky.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.framing import WHOLE
from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.isolation.evidence import LEAST_TRIES, Rate, rate_of, weight, weight_needed
from batch_transform.core.isolation.single_row_tries import Known
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, SCORED, VERDICT_SCHEMA, Verdict
from batch_transform.core.limits import BYTES_PER_MB, DEFAULT_PAYLOAD_MB
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.spans import SPAN_SCHEMA, conformed


@dataclass(frozen=True)
class JudgedJob:
    """A job with its spans (SPAN_SCHEMA) and the verdicts on them (VERDICT_SCHEMA).

    Attributes:
        other_type: whether an instance type is left to try, if its own was not to be had.
    """

    record: JobRecord
    spans: pa.Table
    verdicts: pa.Table
    other_type: bool = False

    @property
    def scored_spans(self) -> int:
        """How many of its spans it scored."""
        scored = self.verdicts.filter(pc.is_in(self.verdicts["state"], value_set=pa.array([SCORED, DEAD])))
        return int(pc.count_distinct(scored["object"]).as_py())

    @property
    def scored_anything(self) -> bool:
        """Whether it answered for one record at least."""
        return bool(self.scored_spans or self.record.controls_passed)

    def requests(self, rows: np.ndarray, size_bytes: np.ndarray) -> np.ndarray:
        """Returns how many requests objects of so many rows and bytes were, about."""
        request = self.record.request
        if request.get("TransformInput", {}).get("SplitType") == WHOLE:
            return np.ones(len(rows), np.int64)
        if request.get("BatchStrategy") == "SingleRecord":
            return rows
        payload = request.get("MaxPayloadInMB") or DEFAULT_PAYLOAD_MB
        return np.maximum(1, np.ceil(size_bytes / (payload * BYTES_PER_MB)).astype(np.int64))


_COUNTING = pa.array([kind.value for kind in ErrorClass if kind.counts])


@dataclass(frozen=True)
class Trials:
    """What the jobs of a run have shown.

    Attributes:
        rows: of the run.
        run: how often good requests failed in all jobs together.
        jobs: how often in each.
        tries: of each row that is not scored, how often it failed alone, by job.
        rows_alone: how many rows were sent alone.
        repeats: how often such a row was sent once more.
        plan: the number of the latest plan of which there are jobs.
    """

    rows: int = 0
    run: Rate = field(default_factory=Rate)
    jobs: Mapping[str, Rate] = field(default_factory=dict)
    tries: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    rows_alone: int = 0
    repeats: int = 0
    plan: int = 1

    @property
    def needed(self) -> float:
        """The weight at which a row is given up."""
        return weight_needed(self.rows, self.rows_alone, self.plan)

    def weight(self, row: int) -> float:
        """Returns what a row's failures weigh so far."""
        return weight(self.tries.get(row, {}), self.jobs, self.run)

    def count(self, row: int) -> int:
        """Returns how often a row has failed alone."""
        return sum(self.tries.get(row, {}).values())

    def are_enough(self, row: int) -> bool:
        """Returns whether a row has failed so often that it is given up."""
        return self.count(row) >= LEAST_TRIES and self.weight(row) >= self.needed

    def known(self) -> dict[str, float]:
        """Returns what the next round is planned by, as a document."""
        return {
            "failed": round(self.run.failed, 3),
            "seen": round(self.run.seen, 3),
            "rows_alone": self.rows_alone,
            "repeats": self.repeats,
        }


def trials(jobs: Sequence[JudgedJob], rows: int) -> Trials:
    """Returns what jobs have shown, all of them together, in a run of so many rows."""
    scored = _Rows([job.verdicts.filter(pc.equal(job.verdicts["state"], SCORED)) for job in jobs])
    seen = {job.record.name: _Seen(job, scored) for job in jobs}
    tries: dict[int, dict[str, int]] = defaultdict(dict)
    for name, of_job in seen.items():
        for row, count in of_job.pending:
            tries[row][name] = count
    alone = [of_job.alone for of_job in seen.values()]
    first = np.unique(np.concatenate([rows_of for rows_of, _ in alone])) if alone else np.array([])
    return Trials(
        rows=rows,
        run=rate_of(sum(s.passed for s in seen.values()), [n for s in seen.values() for n in s.failed]),
        jobs={name: rate_of(of_job.passed, of_job.failed) for name, of_job in seen.items()},
        tries=dict(tries),
        rows_alone=len(first),
        repeats=sum(count for _, count in alone) - len(first),
        plan=max((job.record.plan for job in jobs), default=1),
    )


class _Rows:
    """Ranges of row numbers, as the fewest that hold the same rows."""

    def __init__(self, tables: Sequence[pa.Table]) -> None:
        starts, stops = (_column(tables, name) for name in ("start", "stop"))
        order = np.argsort(starts, kind="stable")
        starts, reach = starts[order], np.maximum.accumulate(stops[order]) if len(stops) else stops
        heads = np.concatenate([[0], np.flatnonzero(starts[1:] > reach[:-1]) + 1]) if len(starts) else np.array([], int)
        self._starts = starts[heads]
        self._stops = reach[np.append(heads[1:], len(starts)) - 1] if len(starts) else stops

    def hold(self, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """Returns of each range whether all of its rows are in here."""
        if not len(self._starts):
            return np.zeros(len(starts), bool)
        places = np.searchsorted(self._starts, starts, side="right") - 1
        held: np.ndarray = (places >= 0) & (stops <= self._stops[places])
        return held


def _column(tables: Sequence[pa.Table], name: str) -> np.ndarray:
    return np.concatenate([table[name].to_numpy() for table in tables]) if tables else np.array([], np.int64)


class _Seen:
    """What one job has shown: requests that passed, sizes of good objects that failed, rows that failed alone."""

    def __init__(self, job: JudgedJob, scored: _Rows) -> None:
        spans = conformed(job.spans, SPAN_SCHEMA).sort_by("start")
        self._job, self._starts = job, spans["start"].to_numpy()
        self._lengths = spans["stop"].to_numpy() - self._starts
        self._bytes = spans["bytes"].to_numpy()
        verdicts = conformed(job.verdicts, VERDICT_SCHEMA)
        record = job.record
        self.passed: float = record.controls_passed
        self.failed: list[int] = [1] * record.controls_failed
        self.pending: list[tuple[int, int]] = []
        self._add_scored(verdicts.filter(pc.equal(verdicts["state"], SCORED)))
        failed = verdicts.filter(pc.equal(verdicts["state"], FAILED))
        counting = failed.filter(pc.is_in(failed["error_class"], value_set=_COUNTING))
        self._add_failed(counting, scored)
        # Nobody answered for what was sent in vain.
        vain = {v["start"] for v in failed.select(["start", "error_class"]).to_pylist() if not _counts(v)}
        alone = spans.filter(pa.array(self._lengths == 1)).select(["start", "copies"])
        sent = pc.add(pc.fill_null(pc.list_value_length(alone["copies"]), 0), 1).to_numpy()
        starts = alone["start"].to_numpy()
        answered = ~np.isin(starts, list(vain)) if vain else np.ones(len(starts), bool)
        self.alone = starts[answered], int(sent[answered].sum())

    def _add_scored(self, scored: pa.Table) -> None:
        starts = scored["start"].to_numpy()
        rows = scored["stop"].to_numpy() - starts
        places = np.searchsorted(self._starts, starts, side="right") - 1
        passed = pc.fill_null(scored["passed"], 1).to_numpy()
        lengths = self._lengths[places]
        requests = self._requests(places)
        self.passed += float((requests * (rows / lengths) * passed).sum())
        failures = pc.fill_null(scored["tries"], 0).to_numpy()
        self.failed += [1] * int(failures.sum())

    def _requests(self, places: np.ndarray) -> np.ndarray:
        return self._job.requests(self._lengths[places], self._bytes[places])

    def _add_failed(self, failed: pa.Table, scored: _Rows) -> None:
        starts, stops = failed["start"].to_numpy(), failed["stop"].to_numpy()
        good = scored.hold(starts, stops)
        tries = pc.fill_null(failed["tries"], 1).to_numpy()
        places = np.searchsorted(self._starts, starts, side="right") - 1
        columns = starts, stops, good, tries, self._requests(places), self._lengths[places]
        for start, stop, is_good, count, requests, length in zip(*(c.tolist() for c in columns), strict=True):
            if stop - start < length and requests < length:
                continue  # one line of an answer to many records: not a request of its own
            if is_good:
                self.failed += [1] * count if stop - start == 1 else [requests]
            elif stop - start == 1:
                self.pending.append((start, count))


def _counts(verdict: Verdict) -> bool:
    return ErrorClass(verdict["error_class"]).counts


def known_so_far(state: RunState, good_rows: int, bad_rows: int, accepted: int) -> Known:
    """Returns what is planned next by, as the last step `reconciled` has recorded it."""
    last = state.last_round
    told = dict(last.trials) if last is not None and not _begins_anew(last) else {}
    return Known(
        rows=state.staged.rows if state.staged else 0,
        good_rows=good_rows,
        bad_rows=bad_rows,
        run=Rate(told.get("failed", 0.0), told.get("seen", 0.0)),
        rows_alone=int(told.get("rows_alone", 0)),
        repeats=int(told.get("repeats", 0)),
        plan=state.plans + 1,
        accepted=accepted,
    )


def is_evidence(state: RunState, job: JobRecord) -> bool:
    """Returns whether a judged job is evidence: what is sent again after the end of it all begins anew."""
    ended = [place for place, record in enumerate(state.round_records, start=1) if _begins_anew(record)]
    return job.verdicts is not None and job.plan > max(ended, default=0)


def _begins_anew(settled: RoundRecord) -> bool:
    """Whether the plan after it knows nothing of those before: somebody resumed or asked, or an output was lost.

    A row whose output was lost was scored once. Were that still told of it, it could not be given up whatever it does.
    """
    return bool(settled.resumed or settled.retried or settled.lost)
