"""A commit with other rows than the gate has proven: the run does not call itself published, nor not published."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from batch_transform.core.errors import PublishedUnverified
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.publishing.last_words import last_lines
from batch_transform.core.run_views.listed_runs import listed_run, table_of_runs
from batch_transform.core.uris import S3Uri
from support import memory_delta
from support.memory_delta import DeltaRun, MemoryDelta
from support.memory_run import all_rows
from support.report_pages import driven

SIZES = [8]
BAD = all_rows(SIZES)[3]


def model(records):
    rows = [json.loads(record)["id"] for record in records]
    return 400 if BAD in rows else [b'{"echo": %d}' % row for row in rows]


@pytest.fixture
def run():
    reader = PredictionReader(pa.schema([("echo", pa.int64())]))
    return DeltaRun(SIZES, model, reader=reader, prediction={"schema": "echo long"})


@pytest.fixture
def loses_a_row(monkeypatch):
    """Of one of the tables a row is missing in what is committed, as it would be by a fault of Spark's."""

    def lose(kind):
        class Losing(MemoryDelta):
            def _table(self, state, of, part):
                rows = super()._table(state, of, part)
                return rows[1:] if of == kind else rows

        monkeypatch.setattr(memory_delta, "MemoryDelta", Losing)

    return lose


def test_a_result_with_a_row_too_few_is_published_and_unverified(run, loses_a_row):
    loses_a_row("result")
    report = driven(run).report
    error, said, *_ = last_lines(report)
    assert "out: the commit has 6 rows and not the 7 rows to be in it. If no other run's rows" in error
    assert said.startswith("Published, unverified: 8 rows in")
    assert (report["status"], report["next"]) == ("unverified", "the same call of score()")
    assert "not published" not in json.dumps(report)
    assert [len(rows) for rows in run.commits("result")] == [6]


def test_of_dead_letters_it_is_told_that_the_result_is_not_there(run, loses_a_row):
    loses_a_row("dead_letter")
    report = driven(run).report
    assert "out_dead_letter: the commit has 0 rows and not the 1 row to be in it. If no " in report["error"][0]
    assert report["error"][0].endswith(". The result is not committed yet")
    assert (report["status"], run.commits("result")) == ("failed", [])
    assert any("the run is not published" in line for line in last_lines(report))


def test_it_ends_alike_until_that_table_is_dropped_and_is_published_then(run, loses_a_row, monkeypatch):
    loses_a_row("result")
    for _ in range(2):
        with pytest.raises(PublishedUnverified):
            run.driver().run()
    monkeypatch.undo()
    jobs = len(run.service.requests)
    run.store.delete(S3Uri("bucket", key) for key in [*run.store.world.tree("out/commits/")])
    assert run.driver().run().report["status"] == "published"
    assert [len(rows) for rows in run.commits("result")] == [7]
    assert len(run.service.requests) == jobs


def test_list_says_so_in_words(run, loses_a_row):
    loses_a_row("result")
    report = driven(run).report
    listed = listed_run(run.driver().state, report, "2024-05-01T00:00:00+00:00")
    assert "  published, unverified  " in table_of_runs({"workspace": "s3://bucket", "runs": [listed]})[1]
