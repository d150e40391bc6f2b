"""Rows can be forgotten: what quotes them lies with them, and a run whose rows are gone says what it still can do."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.core.errors import ConfigurationError, RowsLost
from batch_transform.core.isolation.data_log_evidence import LogEntry
from batch_transform.core.publishing.forgetting import lifecycle_rules
from batch_transform.core.run_layout import rows_of_all_runs
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands import notebook
from batch_transform.spark.zip_merge import MergeSource
from support import memory_service
from support.lifecycle import expired
from support.memory_run import LAYOUT, MemoryRun, echoing
from support.memory_store import World

ROW_VALUE = "ROWVALUE-7731"
ENDS = ("published", "planned", "job_created", "job_judged", "reconciled", "gated", "publication", "staged")


@pytest.fixture
def quoting(monkeypatch):
    """A model that quotes what it refuses, as many do."""
    answered = memory_service._entry

    def entry(answer):
        return LogEntry(answered(answer).headline, f"ValueError: could not convert {ROW_VALUE!r}")

    monkeypatch.setattr(memory_service, "_entry", entry)
    run = MemoryRun([8, 8], echoing(lambda row: 400 if row == 3 else None))
    run.to_the_end()
    return run


def holding(run, words):
    return [key for key, body in run.store.world.tree().items() if words.encode() in body or words in _cells(key, body)]


def _cells(key, body):
    """The text of a part, which is compressed."""
    if not key.endswith(".parquet"):
        return ""
    return str(pq.read_table(pa.BufferReader(body)).to_pylist())


def test_the_models_words_lie_with_the_rows_and_nowhere_else(quoting):
    found = holding(quoting, ROW_VALUE)
    assert found
    assert {key.rpartition("/")[0] for key in found} == {"rows/run/evidence"}


def test_verdicts_hold_class_status_and_place_without_them(quoting):
    state, ledger = quoting.state(), quoting.reader_of_the_ledger()
    verdicts = [row for job in state.jobs for row in ledger.read_part(job.verdicts).to_pylist()]
    (dead,) = [row for row in ledger.read_part(state.gate.parts[0]).to_pylist() if row["state"] == "dead"]
    assert {row["evidence"] for row in [*verdicts, dead]} == {None}
    assert (dead["error_class"], dead["message"], dead["start"]) == (
        "rejected by the model",
        "the model answered 400",
        3,
    )
    assert dead["object"]


def test_dead_letters_have_the_words_until_they_are_forgotten(quoting):
    (part,) = quoting.state().gate.parts
    (dead,) = [row for row in quoting.reader_of_the_ledger().read_part(part).to_pylist() if row["state"] == "dead"]
    words = MergeSource(LAYOUT, part.key, lambda: quoting.store).words(dead["job"], dead["object"])
    assert words == f"ClientError: 400\nValueError: could not convert {ROW_VALUE!r}"
    quoting.store.delete([LAYOUT.evidence(dead["job"])])
    assert MergeSource(LAYOUT, part.key, lambda: quoting.store).words(dead["job"], dead["object"]) is None


def test_a_result_that_was_forgotten_with_the_rows_is_told_of_and_not_read():
    run = MemoryRun([5], echoing(lambda row: None))
    state, ctx = run.to_the_end(), run.driver().ctx
    run.store.delete([S3Uri("bucket", key) for key in run.store.world.tree("out/")])
    with pytest.raises(ConfigurationError, match=r"out: 1 of 1 file that the run has published is gone .*run_id"):
        notebook._stored(SimpleNamespace(sparkSession=None), ctx, state, "result")


def many(world, count):
    """Runs of one bucket, begun by one model, that were left at every step."""
    runs = []
    for number in range(count):
        run = MemoryRun([1], echoing(lambda row: None), run_id=f"r{number}", world=world)
        _left(run, ENDS[number % len(ENDS)])
        runs.append(run)
    return runs


def _left(run, end):
    if end == "published":
        run.to_the_end()
        return
    driver = run.driver()
    while not any(step.kind == end for step in driver.ctx.ledger.load()):
        assert driver.step()
    driver.ctx.lease.release()


@pytest.mark.slow
@pytest.mark.parametrize("count", [40, pytest.param(200, marks=pytest.mark.long)])
def test_one_rule_forgets_the_rows_of_many_runs_and_each_says_what_it_still_can_do(count):
    world = World()
    runs = many(world, count)
    ledgers = {key: body for key, body in world.tree().items() if key.startswith("runs/")}
    assert len([key for key in ledgers if key.endswith("/ledger/000000000000.json")]) == count
    (rule,) = lifecycle_rules(rows_of_all_runs(LAYOUT.workspace), days=30)["Rules"]
    for key in expired(rule, {key: 31 for _, key in world.objects}):
        del world.objects["bucket", key]
    assert not world.tree("rows/")
    assert {key: body for key, body in world.tree().items() if key.startswith("runs/")} == ledgers
    said = Counter(_said(run) for run in runs)
    each = count // len(ENDS)
    # `staged`: no job was planned over the rows, so the input is staged again.
    lost = "its rows were forgotten, and the answers to them"
    assert said == {"already published": each, "published": each, lost: 6 * each}


def _said(run):
    was = run.state().report
    try:
        state = run.to_the_end()
    except RowsLost as err:
        return str(err).partition(":")[0]
    return ("already " if was is not None else "") + state.report["status"]
