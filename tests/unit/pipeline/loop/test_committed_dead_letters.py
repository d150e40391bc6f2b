"""What is in the committed dead letters stays so, whatever becomes of the outputs before the result is committed too.

In memory, over the real loop: dead letters are committed, the driver dies, outputs are gone or altered, and the model
has another mind of the rows that are scored again.
"""

from __future__ import annotations

import functools
import json

import pyarrow as pa
import pytest

from batch_transform.core.errors import BatchTransformError
from batch_transform.core.predictions.reader import PredictionReader
from support.memory_delta import DeltaRun
from support.memory_run import all_rows
from support.sampling import one_in

pytestmark = pytest.mark.slow

SIZES = [8, 1, 6]
ROWS = all_rows(SIZES)
PLACEHOLDER = "ERROR"
READER = PredictionReader(pa.schema([("echo", pa.int64())]), PLACEHOLDER)
# By places in ROWS: refused alone, and as lines of outputs that hold predictions as well.
REFUSED, MARKED = {3}, {10, 11}
FOLDER, DEAD_COMMIT = "rows/run/output/", "out_dead_letter/commits/"


class Model:
    """Refuses some rows and answers a placeholder for others."""

    def __init__(self, refused=REFUSED, marked=MARKED):
        self.now_says(refused, marked)

    def now_says(self, refused, marked):
        self.refused = {ROWS[place] for place in refused}
        self.marked = {ROWS[place] for place in marked}

    def __call__(self, records):
        ids = [json.loads(record)["id"] for record in records]
        if self.refused & set(ids):
            return 400
        return [PLACEHOLDER.encode() if row in self.marked else b'{"echo": %d}' % row for row in ids]


def run_of(*dead):
    prediction = {"schema": "echo long", "placeholder": PLACEHOLDER}
    return DeltaRun(SIZES, Model(*dead), reader=READER, prediction=prediction)


@functools.cache
def _worlds(dead):
    return followed(run_of(*dead))


def with_commits(number, *dead):
    """The run that has made so many commits, as it is just before the next one, or just after the last one."""
    of = [world for world in _worlds(dead) if len(commits(world)) == number]
    return of[0 if number == 2 else -1].copy()


def between(*dead):
    """A run that has committed its dead letters, and not its result."""
    return with_commits(1, *dead)


def commits(run):
    return [key for key in run.store.world.tree("out") if "/commits/" in key]


def followed(run):
    """The run before each mutation that brings it to its end."""
    twin, found = run.copy(), []
    twin.watched(lambda: found.append(twin.copy()))
    twin.to_the_end()
    return found


def outputs(run):
    return [key for key in run.store.world.tree(FOLDER) if key.endswith(".out")]


def lose(run, keys):
    for key in keys:
        del run.store.world.objects["bucket", key]


def alter(run, keys):
    for key in keys:
        body, modified = run.store.world.objects["bucket", key]
        run.store.world.objects["bucket", key] = (body + b" ", modified)


def published(run):
    """Runs to the end; each row lies in one table, once."""
    state = run.to_the_end()
    scored, dead = ([row for commit in run.commits(kind) for row, _ in commit] for kind in ("result", "dead_letter"))
    assert sorted([*scored, *dead]) == ROWS
    assert state.report["status"] == "published"
    assert (state.report["rows_scored"], state.report["rows_dead_letter"]) == (len(scored), len(dead))
    assert all(row == answer for commit in run.commits("result") for row, answer in commit)
    return {ROWS.index(row) for row in dead}


FIRST = REFUSED | MARKED
MINDS = [
    (REFUSED, MARKED, FIRST),  # the same
    (set(), set(), FIRST),  # what was dead would be scored
    ({3, 5}, MARKED, FIRST | {5}),  # one row more
    ({5}, {0, 9}, FIRST | {0, 5, 9}),  # others
    ({4}, {11, 12}, FIRST | {4, 12}),  # as many as before
]


@pytest.mark.parametrize("way", [lose, alter])
@pytest.mark.parametrize(("refused", "marked", "dead"), MINDS, ids=str)
def test_rows_of_committed_dead_letters_stay_dead_and_others_are_committed_beside_them(way, refused, marked, dead):
    run = between()
    way(run, outputs(run))
    run.model.now_says(refused, marked)
    assert published(run) == dead
    first, *further = run.commits("dead_letter")
    assert {ROWS.index(row) for row, _ in first} == FIRST
    assert len(further) == (dead != FIRST)


def test_dead_rows_are_not_sent_again():
    run = between()
    sent = run.service.records_sent
    lose(run, outputs(run))
    published(run)
    assert run.service.records_sent - sent == len(ROWS) - len(FIRST)


@pytest.mark.parametrize("way", one_in(2, [lose, alter]))
def test_each_output_alone(way):
    for place in range(len(outputs(between()))):
        run = between()
        way(run, outputs(run)[place : place + 1])
        run.model.now_says({1, 4}, {8, 9, 10})
        assert published(run) >= FIRST


def test_no_dead_letter_was_committed_and_there_is_one_now():
    run = between(frozenset(), frozenset())
    lose(run, outputs(run))
    run.model.now_says({5}, {10})
    assert published(run) == {5, 10}
    assert [len(commit) for commit in run.commits("dead_letter")] == [0, 2]


def test_before_they_are_committed_dead_rows_are_judged_anew():
    run = with_commits(0)
    lose(run, outputs(run))
    run.model.now_says(set(), {9})
    assert published(run) == REFUSED | {9}
    assert len(run.commits("dead_letter")) == 1


def test_it_may_happen_again_and_again():
    """Each time the dead letters that came to it are committed, outputs are lost and the model changes its mind."""
    run = between()
    for number in range(3):
        lose(run, outputs(run))
        run.model.now_says({number}, MARKED)
        run = [world for world in followed(run) if not world.commits("result")][-1].copy()
    assert len(run.commits("dead_letter")) > 2
    assert published(run) >= FIRST


@pytest.mark.parametrize("every", [10, pytest.param(5, marks=pytest.mark.long)])
def test_wherever_the_driver_dies_afterwards_it_ends_well(every):
    run = between()
    lose(run, outputs(run))
    run.model.now_says({4}, {9})
    worlds = followed(run)
    assert len(worlds) > 20
    for place, world in enumerate(worlds[1::every]):
        if not world.commits("result"):
            lose(world, outputs(world)[place % 3 :: 3])
            world.model.now_says({place % 7}, {8 + place % 6})
        assert published(world) >= FIRST


@pytest.mark.parametrize("way", [lose, alter])
def test_of_a_committed_result_no_row_is_scored_again_and_dead_letters_that_were_dropped_are_committed_once_more(way):
    """They lie in a table of their own, which somebody has dropped; their outputs are not needed but as evidence."""
    run = with_commits(2)
    lose(run, run.store.world.tree(DEAD_COMMIT))
    sent = run.service.records_sent
    way(run, outputs(run))
    run.model.now_says({5}, {0, 9})
    assert published(run) == FIRST
    assert run.service.records_sent == sent


def test_dead_letters_that_were_dropped_before_the_result_is_committed_are_committed_whole():
    run = between()
    lose(run, outputs(run))
    run.model.now_says({5}, MARKED)
    run = next(world for world in followed(run) if (state := world.state()).held and state.gate)
    assert run.state().held.payload["rows"] == len(FIRST)
    lose(run, run.store.world.tree(DEAD_COMMIT))
    assert published(run) == FIRST | {5}
    assert len(run.commits("dead_letter")) == 1


def test_more_dead_rows_than_are_accepted_end_with_a_command_that_gets_out():
    run = between()
    run.errors = {"max_rows": len(FIRST)}
    lose(run, outputs(run))
    run.model.now_says({3, 5}, MARKED)
    with pytest.raises(BatchTransformError, match=r'errors=\{"max_rows": 4\}') as refused:
        run.to_the_end()
    assert "retry_dead" not in str(refused.value)  # they are committed
    run.errors = {"max_rows": 4}
    assert published(run) == FIRST | {5}
