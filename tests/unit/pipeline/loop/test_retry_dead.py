"""Dead rows of an unpublished run are sent again on request: those and no others, wherever the driver dies.

In memory, over the real loop. The model refuses some rows, and answers a placeholder for two of an object whose other
rows are scored; then it is mended.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa
import pytest

from batch_transform.core.errors import ConfigurationError, ErrorBudgetExceeded
from batch_transform.core.events import EventKind
from batch_transform.core.isolation.verdict_rows import DEAD
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.resuming import retried_dead_rows
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.lifecycle import acquiring_run
from support.core_tables import leaf, leaves
from support.faults import Crash, Fate
from support.memory_run import MemoryRun, all_rows

SIZES = [8, 1, 6]
REFUSED, PLACEHOLDERS = {1: 400, 8: 422}, {10, 11}
PLACEHOLDER = "ERROR"
READER = PredictionReader(pa.schema([("echo", pa.int64())]), PLACEHOLDER)
ROWS = all_rows(SIZES)
DEAD_ROWS = sorted(ROWS[place] for place in (*REFUSED, *PLACEHOLDERS))


class Model:
    """Refuses what it refuses until it is mended."""

    def __init__(self):
        self.refused = {ROWS[place]: status for place, status in REFUSED.items()}
        self.placeholders = {ROWS[place] for place in PLACEHOLDERS}

    def mend(self):
        self.refused, self.placeholders = {}, set()

    def __call__(self, records):
        ids = [json.loads(record)["id"] for record in records]
        for row in ids:
            if row in self.refused:
                return self.refused[row]
        return [PLACEHOLDER.encode() if row in self.placeholders else b'{"echo": %d}' % row for row in ids]


def over_budget(**options):
    """A run that is settled and accepts no dead letter."""
    prediction = {"schema": "echo long", "placeholder": PLACEHOLDER}
    run = MemoryRun(SIZES, Model(), reader=READER, prediction=prediction, errors={}, **options)
    with pytest.raises(ErrorBudgetExceeded) as refusal:
        run.to_the_end()
    assert "retry_dead=True" in str(refusal.value)
    return run


def sent(run, first_request=0):
    """How often each row was sent by the jobs from that one on, but for copies of rows that are known to be good."""
    found = Counter()
    for request in run.service.requests[first_request:]:
        manifest = run.store.get(S3Uri.parse(request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]))[0]
        for first, rows in re.findall(r"s(\d+)-(\d+)-[0-9a-f]+\.", manifest.decode()):
            found.update(range(int(first), int(first) + int(rows)))
    return found


def check(run):
    """All rows are published once, each with its own answer."""
    assert run.published("result") == [(row, str(row)) for row in ROWS]
    assert run.published("dead_letter") == []


def test_dead_rows_of_a_mended_model_are_scored_and_no_others_sent():
    run = over_budget()
    before = len(run.service.requests)
    run.model.mend()
    state = run.to_the_end(retry_dead=True)
    check(run)
    assert state.report["rows_dead_letter"] == 0
    assert sent(run, before) == Counter(DEAD_ROWS)


def test_rows_that_are_sent_again_are_told_once_while_the_run_goes_on_and_at_its_end():
    run = over_budget()
    run.model.mend()
    state = run.to_the_end(retry_dead=True)
    figures = [event.figures for event in run.events if event.kind is EventKind.FIGURES]
    assert max(each.rows_scored + each.rows_dead for each in figures) == len(ROWS)
    assert (figures[-1].rows_scored, figures[-1].rows_dead) == (len(ROWS), 0)
    assert (state.rows_scored, state.rows_dead) == (len(ROWS), 0)


@pytest.mark.parametrize("retry_dead", [True, False])
def test_dead_letters_kept_by_a_refusal_are_gone_once_the_run_is_published(retry_dead):
    """What is published tells what became of the rows; what was kept before would tell otherwise, for ever."""
    run = over_budget()
    kept = run.layout.rows.join("dead_letters")
    assert list(run.store.list(kept))
    if retry_dead:
        run.model.mend()
    else:
        run.errors = {"max_rows": len(DEAD_ROWS)}
    assert run.to_the_end(retry_dead=retry_dead).report["status"] == "published"
    assert not list(run.store.list(kept))


def test_rows_that_are_bad_still_die_again():
    run = over_budget()
    del run.model.refused[ROWS[1]]
    with pytest.raises(ErrorBudgetExceeded, match=rf"{len(DEAD_ROWS) - 1} of {len(ROWS)} rows"):
        run.to_the_end(retry_dead=True)
    run.model.mend()
    run.to_the_end(retry_dead=True)
    check(run)


def test_without_the_request_a_dead_row_stays_dead():
    run = over_budget()
    run.model.mend()
    with pytest.raises(ErrorBudgetExceeded):
        run.to_the_end()


def test_asked_for_within_a_round_it_is_done_after_it():
    prediction = {"schema": "echo long", "placeholder": PLACEHOLDER}
    run = MemoryRun(SIZES, Model(), reader=READER, prediction=prediction, errors={})
    driver = run.driver()
    while driver.state.rounds < 2 or not driver.state.in_flight:
        assert driver.step()
    driver.ctx.lease.release()
    run.model.mend()
    run.to_the_end(retry_dead=True)
    check(run)


@pytest.mark.parametrize(
    ("section", "way"),
    [
        ({"path": "in"}, r"appends to the same output: input\.dead_letters: s3://bucket/run"),
        (None, r"score\(result\.dead_letters\.select\(df\.columns\), \.\.\.\) with another run_id"),
    ],
)
def test_a_published_run_names_the_other_way(section, way):
    run = over_budget()
    run.errors = {"max_rows": 9}
    state = run.to_the_end()
    state = replace(state, config={**state.config, "input": section})
    with pytest.raises(ConfigurationError, match=way):
        retried_dead_rows.check_retry(state, S3Uri("bucket", "run"))


def test_a_published_run_without_dead_rows_has_nothing_to_be_refused():
    run = MemoryRun(SIZES, Model(), reader=READER, errors={"max_rows": 9})
    run.model.mend()
    state = run.to_the_end()
    assert state.report["rows_dead_letter"] == 0
    retried_dead_rows.check_retry(state, S3Uri("bucket", "run"))
    run.to_the_end(retry_dead=True)
    assert run.state() == state


def test_rows_that_cannot_be_sent_stay_dead():
    unsendable = leaf(3, 4, DEAD, job=None, object=None)
    table = leaves(leaf(0, 1), leaf(1, 2, DEAD, job="j"), leaf(2, 3, DEAD, job="j"), unsendable)
    assert retried_dead_rows.retriable(table)["start"].to_pylist() == [1, 2]


def test_an_output_that_is_lost_afterwards_opens_its_other_rows_alone():
    run = over_budget()
    run.model.mend()
    driver = run.driver(retry_dead=True)
    while driver.state.retry_asked or driver.state.gate is None:
        assert driver.step()
    driver.ctx.lease.release()
    row, before = ROWS[min(PLACEHOLDERS)], len(run.service.requests)
    lost = [key for key in run.store.world.tree("rows/run/output/") if row in rows_of(key) and len(rows_of(key)) > 2]
    run.store.delete([S3Uri("bucket", key) for key in lost])
    run.to_the_end()
    check(run)
    assert len(lost) == 1
    assert set(sent(run, before)) == set(rows_of(lost[0])) - {ROWS[place] for place in PLACEHOLDERS}


def rows_of(key):
    found = re.search(r"s(\d+)-(\d+)-[0-9a-f]+\.", key)
    return range(int(found[1]), int(found[1]) + int(found[2])) if found else range(0)


@pytest.fixture(scope="module")
def undisturbed():
    """The world before each mutation of a driver that sends the dead rows again, and at its end."""
    run, worlds = over_budget(), []
    run.model.mend()
    run.watched(lambda: worlds.append(run.copy()))
    run.to_the_end(retry_dead=True)
    check(run)
    return worlds


@pytest.mark.slow
@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
def test_killed_at_every_point_and_asked_again(undisturbed, every):
    for number in range(0, len(undisturbed), every):
        run = undisturbed[0].copy()
        before = len(run.service.requests)
        run.beset({number: Fate.DIE_AFTER})
        with suppress(Crash):
            run.to_the_end(retry_dead=True)
        run.beset({})
        with suppress(ConfigurationError):  # it publishes already
            run.to_the_end(retry_dead=True)
        run.to_the_end()
        check(run)
        assert set(sent(run, before)) <= set(DEAD_ROWS)
    assert len(undisturbed) > 40


def test_who_asks_while_another_driver_publishes_the_dead_letters_is_told_that_they_stay(monkeypatch):
    """It ended with *published* and exit code 0, as if the rows had been sent again."""
    run = over_budget()
    run.errors = {"max_rows": 9}
    take = acquiring_run.acquired

    def late(lease, ledger):
        monkeypatch.setattr(acquiring_run, "acquired", take)
        run.to_the_end()
        return take(lease, ledger)

    monkeypatch.setattr(acquiring_run, "acquired", late)
    with pytest.raises(ConfigurationError, match="is published, and its dead rows stay as they are"):
        run.driver(retry_dead=True)
