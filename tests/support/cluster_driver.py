"""The driver of runs on a cluster of real executors, as a process: a request in a line, the answer in a line.

A master is fixed when the JVM starts, so such a session cannot live beside that of the other tests.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import BatchTransformError
from batch_transform.core.sending import object_sizes, partitioning
from batch_transform.pipeline.tables import plain_files
from batch_transform.spark import object_tasks, staging

ROWS, TASKS = 2400, 8
ROWS_OF_TASK = ROWS // TASKS
# In the third of four batches that a plain UDF gets of 300 rows: the first ones are on their way into the file.
ASKING_ROW = 250
POISON_ROW = 17
POISON = '"note":"bad"'
# One task for each staged file, about ten objects for each task, and more than one Arrow batch.
SMALL = {"MAX_OBJECT_BYTES": 1_200, "MAX_ARROW_BATCH_ROWS": 100}
PARTITION_BYTES, CORES = 30_000, 8


def main() -> None:
    """Answers requests until the end of standard input; nothing else comes to standard output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for name, value in SMALL.items():
        setattr(object_sizes, name, value)
    partitioning.PARTITION_BYTES = PARTITION_BYTES
    vars(staging)["parallelism"] = vars(plain_files)["parallelism"] = lambda spark: CORES
    # A task of a Python worker takes a tenth of a second of its own.
    object_tasks.MOST_TASKS = TASKS
    spark = _session(json.loads(sys.argv[1]))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer: dict[str, Any] = {
                "report": score(_rows(spark, request["gate"], request["partitions"]), **request["arguments"]).report
            }
        except BatchTransformError as err:
            answer = {"error": f"{type(err).__name__}: {err}"}
        print(json.dumps(answer), file=answers, flush=True)
    spark.stop()


def _session(settings: Mapping[str, Any]) -> SparkSession:
    builder = SparkSession.builder.appName("executors")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _rows(spark: SparkSession, gate: str, partitions: int) -> DataFrame:
    """Rows, one in 300 bad. A Python worker makes the keys, where it asks at the gate, and a new salt each time."""
    key = F.udf(_asks(gate), "string", useArrow=False)
    salt = F.udf(lambda: uuid.uuid4().hex, "string", useArrow=False).asNondeterministic()
    is_bad = F.col("id") % ROWS_OF_TASK == POISON_ROW
    return spark.range(0, ROWS, 1, partitions).select(
        key("id").alias("key"),
        F.when(is_bad, "bad").otherwise("good").alias("note"),
        (F.col("id") * 7).alias("other"),
        salt().alias("salt"),
    )


def _asks(gate: str) -> Callable[[int], str]:
    def key(number: int) -> str:
        if number % ROWS_OF_TASK == ASKING_ROW:
            with urllib.request.urlopen(f"{gate}{number}"):
                pass
        return str(number)

    return key


if __name__ == "__main__":
    main()
