"""What becomes of a failed span: the table of states, and the decision for each class and history."""

from __future__ import annotations

import pyarrow as pa
import pytest

from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.error_classes import ErrorClass, Failure
from batch_transform.core.isolation.evidence import Rate
from batch_transform.core.isolation.observed_failures import JudgedJob, Trials
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA, Move
from batch_transform.core.isolation.reconciling import PROBE_ROWS, Known, reconcile, reopened
from batch_transform.core.isolation.span_decisions import MAX_ALONE, MAX_REPEATS, Decision, decide
from batch_transform.core.isolation.verdict_rows import DEAD, FAILED, SCORED, VERDICT_SCHEMA
from batch_transform.core.ledger import Part
from batch_transform.core.run_state import JobRecord
from batch_transform.core.spans import STANDARD, check_tiling
from batch_transform.core.statuses import JobStatus
from support.core_tables import object_of, span, spans, staged_file

NOTHING_WAITS = OPEN_SCHEMA.empty_table()
ISOLATED = [ErrorClass.REJECTED, ErrorClass.UNREADABLE, ErrorClass.PLACEHOLDER]
CONFIRMED = [ErrorClass.MODEL_ERROR, ErrorClass.TIMED_OUT, ErrorClass.NO_ANSWER, ErrorClass.MISMATCH]
UNREACHED = [ErrorClass.NO_ANSWER, ErrorClass.UNAVAILABLE]
REPEATED = [ErrorClass.CAPACITY, ErrorClass.INTERNAL, ErrorClass.THROTTLED, ErrorClass.NO_OUTPUT, ErrorClass.STOPPED]


def verdict(start, stop, state=FAILED, error_class=ErrorClass.REJECTED, **other):
    said = {} if state == SCORED else {"error_class": error_class.value, "message": "m", "certain": True}
    usual = {"job": "j", "object": object_of(start, stop), "line": 0, "rounds": 1}
    return {"start": start, "stop": stop, "state": state, **usual, **said, **other}


def judged(*rows, made=None, record=None, status=JobStatus.FAILED, **of_record):
    """A job of one span for each verdict, unless its spans are given."""
    record = record or JobRecord("j", {"MaxPayloadInMB": 6}, 1, STANDARD, Part("p", 1, "d"), status=status, **of_record)
    made = made or [span(row["start"], row["stop"]) for row in rows]
    return JudgedJob(record, spans(*made), pa.Table.from_pylist(list(rows), schema=VERDICT_SCHEMA))


OTHERS_SCORED = judged(verdict(90, 99, SCORED))
NOTHING_SCORED = judged(verdict(90, 99))


def shown(tries, failed=0, seen=1000):
    """What the run has shown where row 0 failed so often alone, in a job in which so many good requests failed."""
    rate = Rate(failed, seen)
    return Trials(1000, rate, {"j": rate}, {0: {"j": tries}} if tries else {}, 100)


def decided(kind, rows=1, job=OTHERS_SCORED, certain=True, found=None, **history):
    return decide(span(0, rows, **history), Failure(kind, "m", certain=certain), job, found or shown(1), divisible=True)


@pytest.mark.parametrize(("move", "rows"), [(Move.BURY, 0), (Move.BURY, 2), (Move.BURY, 1000), (Move.SPLIT, 1)])
def test_no_good_row_is_given_up_with_another(move, rows):
    with pytest.raises(GateRefused):
        move.of(rows)


@pytest.mark.parametrize(("move", "rows"), [(Move.BURY, 1), (Move.SPLIT, 2), (Move.AGAIN, 1), (Move.AGAIN, 1000)])
def test_a_move_of_as_many_rows_as_it_may_have(move, rows):
    assert move.of(rows) is move


@pytest.mark.parametrize("kind", [*ISOLATED, *CONFIRMED])
@pytest.mark.parametrize("job", [OTHERS_SCORED, NOTHING_SCORED])
def test_what_may_be_a_records_fault_is_split(kind, job):
    assert decided(kind, rows=2, job=job, unanswered=1).move is Move.SPLIT


@pytest.mark.parametrize("kind", UNREACHED)
@pytest.mark.parametrize("job", [OTHERS_SCORED, NOTHING_SCORED])
@pytest.mark.parametrize("unanswered", [0, None])
def test_where_nobody_may_have_been_there_to_answer_nothing_is_split_yet(kind, job, unanswered):
    """None: a part of an earlier version does not say it."""
    assert decided(kind, rows=2, job=job, unanswered=unanswered) == Decision(Move.AGAIN, {"unanswered": 1})


@pytest.mark.parametrize("kind", sorted(set(ISOLATED + CONFIRMED) - set(UNREACHED), key=lambda kind: kind.value))
def test_what_is_no_outage_is_split_at_once(kind):
    assert decided(kind, rows=2, unanswered=0).move is Move.SPLIT


@pytest.mark.parametrize("kind", [*ISOLATED, *CONFIRMED])
@pytest.mark.parametrize("certain", [True, False])
@pytest.mark.parametrize(
    ("found", "event"),
    [
        (shown(1), Move.AGAIN),
        (shown(1, seen=10**12), Move.AGAIN),
        (shown(3), Move.AGAIN),
        (shown(4), Move.BURY),
        (shown(5, failed=10), Move.AGAIN),
        (shown(6, failed=10), Move.BURY),
        (shown(9, failed=100), Move.AGAIN),
        (shown(11, failed=100), Move.BURY),
        (shown(18, failed=300), Move.AGAIN),
        (shown(20, failed=300), Move.BURY),
        (shown(50, seen=0), Move.AGAIN),
    ],
)
def test_a_row_dies_once_no_good_one_would_have_failed_so_often_whatever_it_is_called(kind, certain, found, event):
    decision = decided(kind, found=found, certain=certain)
    assert (decision.move, decision.stop) == (event, None)
    if event is Move.AGAIN:
        assert decision.history == {"alone": 1, "witnessed": True}


def test_what_the_service_would_not_send_at_its_largest_payload_needs_no_other_evidence():
    assert decided(ErrorClass.OVER_LIMIT, job=with_payload(100), found=shown(0)).move is Move.BURY


def test_a_control_is_a_success_as_well():
    job = judged(verdict(90, 99), controls_passed=1)
    assert decided(ErrorClass.MODEL_ERROR, job=job).history == {"alone": 1, "witnessed": True}


@pytest.mark.parametrize("kind", REPEATED)
@pytest.mark.parametrize(("repeats", "is_last"), [(0, False), (MAX_REPEATS - 2, True)])
def test_it_is_told_when_a_span_is_sent_for_the_last_time_before_the_run_ends(kind, repeats, is_last):
    decision = decided(kind, rows=5, repeats=repeats)
    assert (decision.is_last, decision.stop) == (is_last, None)


@pytest.mark.parametrize(("alone", "job", "is_last"), [(2, NOTHING_SCORED, True), (1, NOTHING_SCORED, False)])
def test_the_same_of_a_row_that_fails_where_nothing_is_scored(alone, job, is_last):
    assert decided(ErrorClass.MODEL_ERROR, job=job, alone=alone).is_last is is_last
    assert not decided(ErrorClass.MODEL_ERROR, job=OTHERS_SCORED, alone=alone).is_last


def test_rows_that_nothing_ever_scores_beside_end_the_run():
    decision = decided(ErrorClass.MODEL_ERROR, job=NOTHING_SCORED, alone=MAX_ALONE - 1)
    assert "scored nothing else" in decision.stop


def test_what_only_the_jobs_reason_says_of_a_job_that_scored_nothing_is_no_rows_fault():
    nothing = decided(ErrorClass.REJECTED, certain=False, job=NOTHING_SCORED, found=shown(50))
    assert (nothing.move, nothing.history) == (Move.AGAIN, {"repeats": 1})


@pytest.mark.parametrize("kind", REPEATED)
@pytest.mark.parametrize("rows", [1, 5])
def test_what_is_no_records_fault_is_repeated_unsplit_and_then_ends_the_run(kind, rows):
    decisions = [decided(kind, rows, repeats=repeats) for repeats in range(MAX_REPEATS)]
    assert {decision.move for decision in decisions} == {Move.AGAIN}
    assert [decision.history for decision in decisions] == [{"repeats": n} for n in range(1, MAX_REPEATS + 1)]
    assert [bool(decision.stop) for decision in decisions] == [False] * (MAX_REPEATS - 1) + [True]


@pytest.mark.parametrize("kind", [ErrorClass.STOPPED, ErrorClass.TIMED_OUT])
def test_a_job_past_its_time_is_tried_once_more(kind):
    late = judged(verdict(90, 99), status=JobStatus.STOPPED, stop_reason="timeout")
    decisions = [decided(kind, job=late, repeats=1, late=n) for n in (None, 0, 1)]
    assert [bool(decision.stop) for decision in decisions] == [False, False, True]
    assert [decision.is_last for decision in decisions] == [True, True, True]
    assert decisions[0].history == {"repeats": 2, "late": 1}


def test_after_a_late_job_whatever_befalls_the_next_one_may_be_followed_by_one_more():
    after = decided(ErrorClass.INTERNAL, rows=5, repeats=1, late=1)
    assert (after.stop, after.is_last, after.history) == (None, True, {"repeats": 2})


def test_a_model_that_never_answered_ends_the_run_at_once_unless_another_instance_worked():
    assert "never answered" in decided(ErrorClass.UNHEALTHY, rows=5, job=NOTHING_SCORED).stop
    assert decided(ErrorClass.UNHEALTHY, rows=5).history == {"repeats": 1}


def with_payload(payload, **request):
    record = JobRecord("j", {"MaxPayloadInMB": payload, **request}, 1, STANDARD, Part("p", 1, "d"))
    return judged(verdict(90, 99, SCORED), record=record)


@pytest.mark.parametrize(("payload", "event"), [(6, Move.AGAIN), (None, Move.AGAIN), (100, Move.BURY)])
def test_a_record_that_the_service_would_not_send_gets_the_largest_payload(payload, event):
    decision = decided(ErrorClass.OVER_LIMIT, job=with_payload(payload), found=shown(50))
    assert decision.move is event
    assert decision.history == ({"payload_mb": 100} if event is Move.AGAIN else {})


@pytest.mark.parametrize(
    ("rows", "payload", "largest", "event", "history"),
    [
        (9, 6, 1_500_000, Move.AGAIN, {"payload_mb": 2}),
        (9, 2, 1_500_000, Move.SPLIT, {}),
        (9, None, 10, Move.AGAIN, {"payload_mb": 1}),
    ],
)
def test_a_body_that_the_model_finds_too_large_is_sent_in_smaller_ones(rows, payload, largest, event, history):
    decision = decided(ErrorClass.TOO_LARGE, rows, job=with_payload(payload), largest=largest)
    assert (decision.move, decision.history) == (event, history)


def test_single_records_have_no_smaller_bodies():
    job = with_payload(6, BatchStrategy="SingleRecord")
    assert decided(ErrorClass.TOO_LARGE, 9, job=job).move is Move.SPLIT


def test_a_round_settles_what_it_can_and_keeps_the_rest():
    job = judged(
        verdict(0, 5, SCORED, etag="e", lines=5),
        verdict(5, 9),
        verdict(9, 10),
        verdict(10, 14, error_class=ErrorClass.CAPACITY),
    )
    done = reconcile([job], NOTHING_WAITS, Known(), is_first=True, is_probe=False)
    assert [(row["start"], row["state"]) for row in done.leaves.to_pylist()] == [(0, SCORED)]
    assert [(row["start"], row["move"], row["repeats"], row["tries"]) for row in done.open.to_pylist()] == [
        (5, "split", 0, None),
        (9, "again", 0, 1),
        (10, "again", 1, None),
    ]
    assert (done.probe, done.stop) == (False, ())
    check_tiling(
        [staged_file(0, 14)], pa.concat_tables([t.select(["start", "stop"]) for t in (done.leaves, done.open)])
    )


def test_a_verdict_on_other_rows_than_were_sent_is_refused():
    with pytest.raises(GateRefused, match=r"made of rows \[0, 4\) is of no object that it was sent"):
        reconcile([judged(verdict(0, 4), made=[span(0, 5)])], NOTHING_WAITS, Known(), is_first=True, is_probe=False)


def test_where_nothing_was_scored_in_the_first_round_a_probe_comes_next_and_no_row_dies_yet():
    done = reconcile([judged(verdict(0, 5), verdict(5, 6))], NOTHING_WAITS, Known(), is_first=True, is_probe=False)
    assert (done.probe, done.leaves.num_rows, done.stop) == (True, 0, ())
    assert [row["move"] for row in done.open.to_pylist()] == ["split", "again"]


@pytest.mark.parametrize("later", [{"is_first": False}, {"is_first": True}])
def test_no_probe_where_something_was_scored_or_later(later):
    rows = [verdict(0, 5)] + ([verdict(5, 6, SCORED)] if later["is_first"] else [])
    assert not reconcile([judged(*rows)], NOTHING_WAITS, Known(), is_probe=False, **later).probe


def test_a_probe_that_scores_nothing_ends_the_run_and_buries_nobody():
    done = reconcile([judged(verdict(0, 1), verdict(5, 6))], NOTHING_WAITS, Known(), is_first=False, is_probe=True)
    assert (done.leaves.num_rows, done.open.num_rows) == (0, 2)
    (why,) = done.stop
    assert "2 single rows" in why
    assert "not a few bad rows" in why


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (ErrorClass.TIMED_OUT, "transform.invocations_timeout_seconds"),
        (ErrorClass.OUT_OF_MEMORY, "transform.instance_type"),
        (ErrorClass.NO_ANSWER, "transform.instance_type"),
        (ErrorClass.UNAVAILABLE, "transform.max_concurrent_transforms"),
    ],
)
def test_where_no_request_of_a_probe_was_answered_in_time_no_record_is_blamed(kind, named):
    probe = judged(verdict(0, 1, error_class=kind), verdict(5, 6, error_class=kind))
    (why,) = reconcile([probe], NOTHING_WAITS, Known(), is_first=False, is_probe=True).stop
    assert named in why
    assert "record." not in why


def test_what_ends_a_run_of_one_request_says_what_to_do_about_its_class():
    late = judged(verdict(0, 40, error_class=ErrorClass.TIMED_OUT), made=[span(0, 40, repeats=1)])
    (why,) = reconcile([late], NOTHING_WAITS, Known(divisible=False), is_first=False, is_probe=False).stop
    assert why.endswith("raise transform.invocations_timeout_seconds, or the time limit of the container's server")


def test_a_probe_that_scores_a_row_goes_on():
    done = reconcile(
        [judged(verdict(0, 1), verdict(5, 6, SCORED))], NOTHING_WAITS, Known(), is_first=False, is_probe=True
    )
    assert ([row["state"] for row in done.leaves.to_pylist()], done.stop) == ([SCORED], ())
    assert [(row["start"], row["tries"]) for row in done.open.to_pylist()] == [(0, 1)]


def test_a_row_that_failed_often_enough_in_the_jobs_of_the_run_is_given_up():
    made = [span(row, row + 1, copies=["a", "b", "c", "d"]) for row in range(50)]
    job = judged(
        verdict(0, 1, tries=5), *[verdict(row, row + 1, SCORED, tries=0, passed=5) for row in range(1, 50)], made=made
    )
    done = reconcile([job], NOTHING_WAITS, Known(rows=50), is_first=False, is_probe=False)
    assert [(row["start"], row["state"]) for row in done.leaves.to_pylist() if row["state"] == DEAD] == [(0, DEAD)]
    assert (done.open.num_rows, done.trials.rows_alone, done.trials.repeats) == (0, 50, 200)
    fewer = judged(*job.verdicts.to_pylist()[:5], made=made[:5])
    kept = reconcile([fewer], NOTHING_WAITS, Known(rows=50), is_first=False, is_probe=False)
    assert kept.open["tries"].to_pylist() == [5]


def test_a_job_that_somebody_else_stopped_ends_the_run_with_what_it_scored():
    record = JobRecord("j", {}, 1, STANDARD, Part("p", 1, "d"), status=JobStatus.STOPPED)
    job = judged(verdict(0, 5, SCORED), verdict(5, 9, error_class=ErrorClass.STOPPED), record=record)
    done = reconcile([job], NOTHING_WAITS, Known(), is_first=True, is_probe=False)
    assert (done.leaves.num_rows, done.open.num_rows) == (1, 1)
    assert "stopped by somebody else" in done.stop[0]


def test_a_driver_that_resumes_has_its_attempts_again():
    history = {"repeats": 3, "late": 1, "alone": 4}
    rows = [{**span(0, 1, **history), "move": "again", "error_class": "capacity", "tries": 3, "weight": 5.0}]
    (again,) = reopened(pa.Table.from_pylist(rows, schema=OPEN_SCHEMA), suspects_model=False).to_pylist()
    assert [again[name] for name in (*history, "tries", "weight")] == [0, 0, 0, 0, 0.0]


@pytest.mark.parametrize(("suspects_model", "move"), [(True, "again"), (False, "split")])
def test_what_may_all_have_been_the_model_is_not_split_by_whoever_resumes(suspects_model, move):
    rows = [{**span(0, 9, unanswered=1), "move": "split", "error_class": "model error"}]
    left = pa.Table.from_pylist(rows, schema=OPEN_SCHEMA)
    (again,) = reopened(left, suspects_model=suspects_model).to_pylist()
    assert (again["move"], again["unanswered"]) == (move, 1)  # or a row that ends its server would never be found


WHOLE = JobRecord(
    "j",
    {"MaxPayloadInMB": 6, "TransformInput": {"SplitType": "None"}},
    1,
    STANDARD,
    Part("p", 1, "d"),
    status=JobStatus.FAILED,
)
ONE_REQUEST = judged(verdict(90, 99), record=WHOLE)


def undivided(kind, rows=40, certain=True, **history):
    failure = Failure(kind, "m", certain=certain)
    return decide(span(0, rows, **history), failure, ONE_REQUEST, Trials(), divisible=False)


@pytest.mark.parametrize("kind", [*ISOLATED, ErrorClass.TOO_LARGE])
def test_rows_that_are_one_question_are_never_split_and_their_refusal_ends_the_run(kind):
    decision = undivided(kind)
    assert decision.move is Move.AGAIN
    assert "40 rows are one request (record.rows_per_object: all)" in decision.stop
    assert f"{kind.value} in j: m" in decision.stop


@pytest.mark.parametrize("kind", CONFIRMED)
def test_what_may_pass_is_sent_once_more_as_one_question(kind):
    assert undivided(kind) == Decision(Move.AGAIN, {"repeats": 1})
    assert "are not split" in undivided(kind, repeats=1).stop


@pytest.mark.parametrize("kind", REPEATED)
def test_what_is_nobodys_fault_is_repeated_for_one_question_as_for_any_other(kind):
    assert undivided(kind) == decided(kind, rows=40, job=NOTHING_SCORED)


def test_a_round_of_one_question_has_no_probe():
    done = reconcile([judged(verdict(0, 40))], NOTHING_WAITS, Known(divisible=False), is_first=True, is_probe=False)
    assert not done.probe
    assert len(done.stop) == 1
    assert done.open["move"].to_pylist() == ["again"]


def test_an_object_that_is_one_body_is_not_made_smaller_by_a_smaller_payload():
    assert decided(ErrorClass.TOO_LARGE, rows=40, job=ONE_REQUEST).move is Move.SPLIT


def one_row_objects(count, error_class=ErrorClass.REJECTED, **said):
    return judged(*[verdict(row, row + 1, error_class=error_class, **said) for row in range(count)])


@pytest.mark.parametrize("kind", [ErrorClass.REJECTED, ErrorClass.MODEL_ERROR])
@pytest.mark.parametrize("certain", [True, False])
@pytest.mark.parametrize("count", [1, PROBE_ROWS, PROBE_ROWS + 1])
def test_objects_of_one_row_that_all_fail_are_probed_as_well(kind, certain, count):
    done = reconcile(
        [one_row_objects(count, kind, certain=certain)], NOTHING_WAITS, Known(), is_first=True, is_probe=False
    )
    assert (done.probe, done.leaves.num_rows, done.stop) == (True, 0, ())


@pytest.mark.parametrize("kind", [ErrorClass.CAPACITY, ErrorClass.OVER_LIMIT])
def test_objects_of_one_row_that_failed_through_no_fault_of_theirs_are_not_probed(kind):
    done = reconcile([one_row_objects(PROBE_ROWS + 1, kind)], NOTHING_WAITS, Known(), is_first=True, is_probe=False)
    assert (done.probe, set(done.open["move"].to_pylist())) == (False, {"again"})
