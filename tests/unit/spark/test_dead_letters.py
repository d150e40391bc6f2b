"""What workers ask S3 for to tell the errors of dead rows."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import pyarrow as pa

from batch_transform.core.isolation.verdict_rows import DEAD, LEAF_SCHEMA, WORDS_SCHEMA
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.s3.part_files import as_parquet
from batch_transform.spark.dead_letters import _errors
from batch_transform.spark.zip_merge import MergeSource
from support.memory_store import MemoryStore

JOBS, ROWS = 40, 2_000


def connected(store):
    return store


def test_words_of_a_job_are_fetched_once_for_a_batch_however_its_rows_alternate_between_jobs():
    """Each of many instances is a job, and neighbours are dealt out among them."""
    store = MemoryStore()
    layout = RunLayout(S3Uri.parse("s3://bucket/p"), "run")
    rows = [
        {"start": row, "stop": row + 1, "state": DEAD, "job": f"j{row % JOBS}", "object": f"o{row}", "line": 0}
        | {"error_class": "rejected", "message": "the model answered 400", "rounds": 2}
        for row in range(ROWS)
    ]
    store.put(layout.part("leaves"), as_parquet(pa.Table.from_pylist(rows, schema=LEAF_SCHEMA)))
    for job in range(JOBS):
        said = [{"object": f"o{row}", "words": f"said of {row}"} for row in range(job, ROWS, JOBS)]
        store.put(layout.evidence(f"j{job}"), as_parquet(pa.Table.from_pylist(said, schema=WORDS_SCHEMA)))
    asked = []
    counting = SimpleNamespace(get=lambda uri: asked.append(uri) or store.get(uri))
    source = MergeSource(layout, "leaves", functools.partial(connected, counting))
    (errors,) = _errors(source, iter([pa.array(range(ROWS), pa.int64())]))
    assert errors.field("evidence").to_pylist() == [f"said of {row}" for row in range(ROWS)]
    assert len(asked) == 1 + JOBS
