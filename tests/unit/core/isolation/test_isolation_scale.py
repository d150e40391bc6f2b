"""200,000 rows in 20 objects with bad ones at random places, through the driver's real loop in memory."""

from __future__ import annotations

import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.spans import OVERSIZE, STANDARD
from support.memory_run import MemoryRun, all_rows, echoing

OBJECTS, ROWS = 20, 10_000


def run_with(count, status, rows_of_object):
    """The bad rows, and the run of 20 objects of which a model refuses them."""
    rows = all_rows([rows_of_object] * OBJECTS)
    bad = set(random.Random(count).sample(rows, count))
    model = echoing(lambda row: status if row in bad else None)
    return bad, MemoryRun([rows_of_object] * OBJECTS, model, block_bytes=1 << 16)


def words_of(run):
    """What the model said of any object, which lies apart from the verdicts."""
    files = [body for key, body in run.store.world.tree().items() if "/evidence/" in key]
    return {row["words"] for body in files for row in pq.read_table(pa.BufferReader(body)).to_pylist()}


def check(count, status, most_rounds, rows_of_object=ROWS):
    bad, run = run_with(count, status, rows_of_object)
    state = run.to_the_gate()
    assert state.rounds <= most_rounds
    outcomes = run.outcomes(state)
    dead = {row: leaf for row, leaf in outcomes.items() if isinstance(leaf, dict)}
    assert set(dead) == bad
    assert all(outcomes[row] == row for row in outcomes if row not in dead)
    headline = "ClientError: 400" if status == 400 else "Bad HTTP status received from algorithm: 500"
    assert words_of(run) == {f"{headline}\nno"}
    assert len({leaf["error_class"] for leaf in dead.values()}) == 1


@pytest.mark.parametrize(("count", "status", "most_rounds"), [(3, 400, 4), (50, 500, 5)])
def test_exactly_the_bad_rows_die_in_few_rounds(count, status, most_rounds):
    """Of 40,000, in so few rounds as of 200,000."""
    check(count, status, most_rounds, 2_000)


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 3, 50, 2_000])
@pytest.mark.parametrize(("status", "most_rounds"), [(400, 4), (500, 5)])
def test_exactly_the_bad_rows_die_also_where_every_object_has_a_hundred(count, status, most_rounds):
    check(count, status, most_rounds)


def test_one_bad_row_of_an_object_of_50_000_takes_two_more_rounds_and_a_thousand_objects():
    """Single rows are five objects each: the tries that make sure of the bad one, in the very round that finds it."""
    sizes = [50_000, 50_000]
    run = MemoryRun(sizes, echoing(lambda row: 400 if row == 33_333 else None))
    state = run.to_the_gate()
    assert state.rounds <= 3
    assert len(run.service.sent) - len(sizes) <= 1_000


@pytest.mark.parametrize("sizes", [[500] * 20, [1000] * 8])
@pytest.mark.parametrize(("status", "most_objects"), [(400, 170), (500, 1_050)])
def test_one_bad_row_of_an_object_of_hundreds_takes_two_more_rounds_and_not_four_tries_of_each_row(
    sizes, status, most_objects
):
    """Each row alone at once would be 2,000 and 4,000 objects; a 500 is made sure of in one round, not in two."""
    bad = all_rows(sizes)[4321]
    run = MemoryRun(sizes, echoing(lambda row: status if row == bad else None))
    assert run.to_the_gate().rounds == 3
    assert len(run.service.sent) - len(sizes) <= most_objects


def test_all_rows_bad_takes_a_second_round_of_32_rows_and_stops():
    run = MemoryRun([ROWS] * OBJECTS, echoing(lambda row: 400))
    with pytest.raises(Exception, match="no record at all was scored") as ended:
        run.to_the_gate()
    assert ended.value.exit_code == 4
    assert len(run.service.sent) == OBJECTS + 32
    assert run.service.records_sent == OBJECTS * ROWS + 32
    assert "record.columns" in str(ended.value)


@pytest.mark.parametrize("status", [415, 500])
def test_one_row_objects_that_all_fail_cost_a_probe_of_32_and_nobody_is_given_up(status):
    run = MemoryRun([1] * 1000, echoing(lambda row: status))
    with pytest.raises(ServiceFailure, match="no record at all was scored"):
        run.to_the_gate()
    state = run.state()
    assert run.service.records_sent == 1000 + 32
    assert sum(record.dead_rows for record in state.round_records) == 0


@pytest.mark.parametrize("status", [415, 500])
def test_one_row_objects_that_failed_all_together_once_are_all_scored_after_the_probe(status):
    down = [True] * 300
    model = echoing(lambda row: status if down and down.pop() else None)
    run = MemoryRun([1] * 300, model, transform={"invocations_max_retries": 0})
    state = run.to_the_gate()
    assert all(outcome == row for row, outcome in run.outcomes(state).items())
    assert state.rounds == 3
    assert run.service.records_sent <= 600 + 32  # with the controls beside what failed once


MB = 1_000_000


def test_large_records_have_a_lane_of_their_own_and_the_others_keep_their_concurrency():
    """99.9 % of the rows are small; those of 30 to 90 MB go in jobs whose payload fits them, one bad among them too."""
    sizes = [1000] * 3 + [1] * 4
    rows = all_rows(sizes)
    large = dict(zip(rows[-4:], [30 * MB, 60 * MB, 90 * MB, 7 * MB], strict=True))
    run = MemoryRun(sizes, echoing(lambda row: 400 if row == 17 else None), padding=large)
    state = run.to_the_gate()
    outcomes = run.outcomes(state)
    assert [row for row, outcome in outcomes.items() if isinstance(outcome, dict)] == [17]
    limits = {(job.lane, job.request["MaxPayloadInMB"], job.request["MaxConcurrentTransforms"]) for job in state.jobs}
    assert limits == {(STANDARD, 1, 100), (OVERSIZE, 91, 1)}
    retried = [job for job in state.jobs if job.round_number > 1]
    assert {job.lane for job in retried} == {STANDARD}


def test_a_server_that_takes_small_bodies_only_gets_them_without_a_row_lost():
    """As nginx does with client_max_body_size: 413 for any body over a bound below the payload."""

    def model(records):
        if sum(map(len, records)) > 2 * MB:
            return 413
        return [json.dumps({"echo": json.loads(record)["id"]}).encode() for record in records]

    sizes = [60, 60]
    pinned = {"max_payload_mb": 6}
    run = MemoryRun(sizes, model, padding=dict.fromkeys(all_rows(sizes), 50_000), transform=pinned)
    state = run.to_the_gate()
    assert state.rounds == 2
    assert {job.request["MaxPayloadInMB"] for job in state.jobs if job.round_number == 2} == {1}
    assert all(outcome == row for row, outcome in run.outcomes(state).items())
