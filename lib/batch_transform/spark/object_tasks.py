"""Work on many objects at once, in the executors: rows of one Arrow schema go out, rows of another come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.core.sending.object_sizes import task_count
from batch_transform.spark.arrow_types import spark_schema

MOST_TASKS = 64


def in_executors(
    spark: SparkSession,
    rows: Sequence[tuple[Any, ...]],
    sent: pa.Schema,
    work: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
    made: pa.Schema,
) -> pa.Table:
    """Returns what the work makes of the rows, an object each.

    Args:
        spark: the session.
        rows: as `sent` has them.
        sent: what the work is given.
        work: is done in a worker for each of at most MOST_TASKS parts of the rows; picklable.
        made: what it gives.
    """
    if not rows:
        return made.empty_table()
    done = (
        spark.createDataFrame(rows, spark_schema(sent))
        .repartition(task_count(len(rows), MOST_TASKS))
        .mapInArrow(work, spark_schema(made))
        .toPandas()
    )
    # A column of longs with nulls comes as floats: what may be null here, such as a line's number, is far below 2^53.
    return pa.Table.from_pandas(done, schema=made, preserve_index=False)
