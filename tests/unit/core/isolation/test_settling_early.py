"""What is settled of some jobs while others run, and what has to wait for them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.core.isolation.observed_failures import JudgedJob, trials
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, Move
from batch_transform.core.isolation.reconciling import Known
from batch_transform.core.isolation.settling_early import reconcile_early
from batch_transform.core.isolation.span_decisions import MAX_REPEATS
from batch_transform.core.isolation.verdict_rows import FAILED, SCORED, VERDICT_SCHEMA
from batch_transform.core.ledger import Part
from batch_transform.core.run_state import TIMEOUT, JobRecord
from batch_transform.core.spans import STANDARD
from batch_transform.core.statuses import JobStatus
from support.core_tables import object_of, span, spans

NOTHING_WAITS = OPEN_SCHEMA.empty_table()


def job(name, *states, first=0, length=10, error=ErrorClass.REJECTED, status=JobStatus.FAILED, setting=None, **more):
    """A job of spans of so many rows each, scored or failed."""
    of_record = {key: more.pop(key) for key in ("stop_reason", "failure_reason") if key in more}
    starts = range(first, first + length * len(states), length)
    rows = [
        {
            "start": start,
            "stop": start + length,
            "state": state,
            "job": name,
            "object": object_of(start, start + length),
        }
        | {"line": 0, "rounds": 1, "lines": length}
        | ({"error_class": error.value, "message": "m", "certain": True, "setting": setting} if state == FAILED else {})
        for start, state in zip(starts, states, strict=True)
    ]
    record = JobRecord(name, {"MaxPayloadInMB": 6}, 1, STANDARD, Part("p", 1, "d"), status=status, **of_record)
    made = spans(*(span(start, start + length, **more) for start in starts))
    return JudgedJob(record, made, pa.Table.from_pylist(rows, schema=VERDICT_SCHEMA))


GOOD = job("good", SCORED, SCORED, first=500)


def names(early):
    return [judged.record.name for judged in early.jobs]


def test_what_failed_is_left_to_be_sent_and_what_was_scored_is_settled():
    early = reconcile_early([job("j", SCORED, FAILED), GOOD], NOTHING_WAITS, Known(rows=1000))
    assert names(early) == ["j", "good"]
    (left,) = early.done.open.to_pylist()
    assert (left["start"], left["move"]) == (10, Move.SPLIT.value)
    assert early.done.leaves["start"].to_pylist() == [0, 500, 510]
    assert (early.done.stop, early.done.probe) == ((), False)


@pytest.mark.parametrize("scored_before", [True, False])
def test_nothing_is_split_before_a_span_of_the_run_was_scored(scored_before):
    early = reconcile_early([job("j", FAILED, FAILED)], NOTHING_WAITS, Known(rows=1000, scored_before=scored_before))
    assert (early is not None) == scored_before


def test_nothing_is_settled_early_where_nothing_is_left_to_send():
    assert reconcile_early([GOOD], NOTHING_WAITS, Known(rows=1000)) is None


@pytest.mark.parametrize(
    "ends",
    [
        job("ends", FAILED, first=100, error=ErrorClass.UNHEALTHY),
        job("ends", FAILED, first=100, error=ErrorClass.CAPACITY, repeats=MAX_REPEATS - 1),
        job("ends", FAILED, first=100, error=ErrorClass.CAPACITY, repeats=MAX_REPEATS - 2),
        job("ends", FAILED, first=100, error=ErrorClass.STOPPED, status=JobStatus.STOPPED, stop_reason=TIMEOUT),
        job("ends", FAILED, first=100, error=ErrorClass.STOPPED, status=JobStatus.STOPPED),
    ],
    ids=["never healthy", "its tries are spent", "its last try is left", "late once", "stopped by somebody else"],
)
def test_a_job_that_would_end_the_run_waits_for_the_others_and_holds_none_of_them_back(ends):
    early = reconcile_early([ends, job("j", SCORED, FAILED)], NOTHING_WAITS, Known(rows=1000))
    assert names(early) == ["j"]
    assert not early.done.stop
    assert reconcile_early([ends, GOOD], NOTHING_WAITS, Known(rows=1000)) is None


def test_a_job_that_has_to_wait_is_evidence_for_the_others_all_the_same():
    jobs = [
        job("ends", SCORED, FAILED, first=100, status=JobStatus.STOPPED, error=ErrorClass.STOPPED),
        job("j", SCORED, FAILED),
    ]
    early = reconcile_early(jobs, NOTHING_WAITS, Known(rows=1000))
    assert names(early) == ["j"]
    assert early.done.trials == trials(jobs, 1000)
    assert early.done.trials != trials(jobs[1:], 1000)


@pytest.mark.parametrize("error", [ErrorClass.CAPACITY, ErrorClass.INTERNAL, ErrorClass.NO_OUTPUT])
def test_what_failed_for_no_records_fault_is_sent_again_at_once_while_tries_are_left(error):
    early = reconcile_early([job("j", FAILED, error=error), GOOD], NOTHING_WAITS, Known(rows=1000))
    (left,) = early.done.open.to_pylist()
    assert (names(early), left["repeats"], left["move"]) == (["j", "good"], 1, Move.AGAIN.value)


def test_answers_in_another_form_than_is_set_wait_for_those_of_all_jobs():
    """Without a schema an object of one row is a good string whatever it holds; then all the others may be misread."""
    misread = job("j", FAILED, error=ErrorClass.MISMATCH, setting="prediction.format: csv")
    one_string = job("s", SCORED, first=700, length=1)
    assert reconcile_early([misread, one_string], NOTHING_WAITS, Known(rows=1000, has_schema=False)) is None
    assert reconcile_early([misread, GOOD], NOTHING_WAITS, Known(rows=1000, has_schema=False)) is not None


def test_a_model_is_not_called_flaky_for_the_few_requests_that_are_known_yet():
    """The weight of a row's failures follows from all that is seen good: others may still show it."""
    alone = job("j", FAILED, length=1, error=ErrorClass.MODEL_ERROR, alone=1, witnessed=True)
    tried = [job(f"t{n}", FAILED, length=1, error=ErrorClass.MODEL_ERROR) for n in range(45)]
    assert reconcile_early([alone, GOOD], NOTHING_WAITS, Known(rows=1000, before=tried)) is None


def test_the_round_of_what_is_left_is_that_of_the_jobs_that_left_it():
    deep = job("deep", SCORED, first=300)
    deeper = JudgedJob(JobRecord("deep", {}, 4, STANDARD, Part("p", 1, "d")), deep.spans, deep.verdicts)
    early = reconcile_early([deeper, job("j", SCORED, FAILED)], NOTHING_WAITS, Known(rows=1000))
    assert early.done.round_number == 1
