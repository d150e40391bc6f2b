"""Where the rows of a run lie that have failed, before it is published."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from batch_transform.core.errors import ErrorBudgetExceeded
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.kept_rows import row_places
from batch_transform.pipeline.recorded import read_run
from support.memory_run import MemoryRun

READER = PredictionReader(pa.schema([("echo", pa.int64())]))


class Model:
    def __call__(self, records):
        ids = [json.loads(record)["id"] for record in records]
        return 400 if 1 in ids else [b'{"echo": %d}' % row for row in ids]


@pytest.fixture
def run():
    run = MemoryRun([4], Model(), reader=READER, prediction={"schema": "echo long"}, errors={})
    with pytest.raises(ErrorBudgetExceeded):
        run.to_the_end()
    return run


def places(run):
    found = read_run(S3Uri.parse("s3://bucket"), "run", run.store)
    return row_places(found, found.state)


def test_dead_letters_that_a_refusal_has_kept_are_found_and_what_was_staged(run):
    found = places(run)
    assert found.kept == "s3a://bucket/rows/run/dead_letters"
    assert found.staged == run.state().staged


def test_dead_letters_that_were_not_kept_are_not_told(run):
    """A driver was killed before they were, or they lie on the disk of another machine."""
    run.store.delete([found_uri(run, info.key) for info in run.store.list(run.layout.rows.join("dead_letters"))])
    assert places(run).kept is None
    assert places(run).staged is not None


def test_a_published_run_has_none_kept(run):
    run.errors = {"max_rows": 1}
    run.to_the_end()
    assert places(run).kept is None


def found_uri(run, key):
    return S3Uri(run.layout.workspace.bucket, key)
