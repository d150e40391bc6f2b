"""Outputs are counted where that is soonest done, and whoever counts them finds the same."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from batch_transform.core.object_names import object_name
from batch_transform.core.predictions.output_counts import OutputObject
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.tables.object_work import SparkObjectWork
from batch_transform.pipeline.worker_store import WorkerStore
from batch_transform.s3.store import S3Store
from support.emulated import BUCKET

pytestmark = pytest.mark.spark
BODIES = [b'{"p": 1}\n{"p": 2}\n', b'{"p": 3}\n\n{"q": 4}\nnot JSON\n', b"7\n8\n"]
INPUTS = S3Uri(BUCKET, "counted/input")
MORE_THAN_A_DRIVER_COUNTS = 40_000_000
TIMES_MORE_THAN_A_DRIVER_ASKS_FOR = 100


@pytest.fixture
def outputs(world):
    store = S3Store(world.client("s3"))
    found = []
    for place, body in enumerate(BODIES):
        name = object_name(2 * place, 2, f"{place}f")
        uri = S3Uri(BUCKET, f"counted/output/{name}.out")
        found.append(OutputObject(name, uri, store.put(uri, body), len(body)))
    return found


def work_of(spark, world):
    reader = PredictionReader(pa.schema([("p", pa.int64())]))
    return SparkObjectWork(spark, WorkerStore(world.access), S3Store(world.client("s3")), INPUTS, reader)


def test_few_bytes_are_counted_without_spark(world, outputs):
    counted = work_of(None, world).count(outputs)
    assert counted["lines"].to_pylist() == [2, 3, 2]


def test_executors_count_many_bytes_and_find_the_same(spark, world, outputs):
    many = [replace(output, bytes=MORE_THAN_A_DRIVER_COUNTS) for output in outputs]
    with pytest.raises(AttributeError):
        work_of(None, world).count(many)  # there is no Spark to count them
    by_executors = work_of(spark, world).count(many).sort_by("object")
    assert by_executors.equals(work_of(None, world).count(outputs).sort_by("object"))


def test_executors_count_many_outputs_however_small(spark, world, outputs):
    many = outputs * TIMES_MORE_THAN_A_DRIVER_ASKS_FOR
    with pytest.raises(AttributeError):
        work_of(None, world).count(many)  # there is no Spark to count them
    by_executors = work_of(spark, world).count(many)
    assert sorted(by_executors["lines"].to_pylist()) == sorted([2, 3, 2] * TIMES_MORE_THAN_A_DRIVER_ASKS_FOR)
