"""Prints what an export spends its time on, part by part, beside `df.write.json` of the same rows in the same session.

    python tests/benchmarks/export_parts.py [--rows 2000000] [--runs 3] [--unix-sockets] [--batch-rows 100000]

Each part has all that stands above it as well: rows are read, rendered as JSON in the JVM, handed to Python as Arrow,
joined and written as files. `--unix-sockets` has Spark 4.1 and later hand them over by Unix domain sockets.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from benchmarks.peers.input_tables import input_table
from benchmarks.peers.local_objects import write as write_file
from benchmarks.peers.measuring import cpu_seconds
from benchmarks.peers.plain_session import session

Parts = dict[str, Callable[[], object]]


def parts_of(rows: DataFrame, folder: Path) -> Parts:
    """Returns the parts of an export, the cheapest first, and what all of it is beside."""
    line = F.concat(F.to_json(F.struct("*")), F.lit("\n"))
    lines = rows.select(line.alias("line"))
    target = str(folder)

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"done": [sum(batch.num_rows for batch in batches)]})

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        done = 0
        for batch in batches:
            done += batch.num_rows
            _, _, data = batch.column(0).buffers()
            write_file(Path(target, uuid.uuid4().hex), b"".join([memoryview(data)]))
        yield pa.RecordBatch.from_pydict({"done": [done]})

    return {
        "rows are read": lambda: rows.write.format("noop").mode("overwrite").save(),
        "and rendered": lambda: lines.write.format("noop").mode("overwrite").save(),
        "and handed to Python": lambda: lines.mapInArrow(count, "done long").collect(),
        "and written by it": lambda: lines.mapInArrow(write, "done long").collect(),
        "`df.write.json`": lambda: rows.write.json(str(folder / "json"), mode="overwrite"),
    }


def main() -> None:
    """Measures the parts in turn, after a round to warm up, and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--batch-rows", type=int, default=100_000)
    parser.add_argument("--unix-sockets", action="store_true")
    asked = parser.parse_args()
    settings = {
        "spark.python.unix.domain.socket.enabled": str(asked.unix_sockets).lower(),
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(asked.batch_rows),
    }
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:2])  # for Spark's workers
    spark = session(os.cpu_count() or 1, settings)
    seconds: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="export-") as made:
        rows = spark.read.parquet(input_table("330b-8-files", asked.rows).write(Path(made)))
        for number in range(asked.runs + 1):
            for place, (name, work) in enumerate(parts_of(rows, Path(made)).items()):
                used, began = cpu_seconds(), time.monotonic()
                work()
                took = time.monotonic() - began, cpu_seconds() - used
                seconds.setdefault(name, []).extend([took] if number else [])
                for file in Path(made).glob("?" * 32) if place else ():
                    file.unlink()
        spark.stop()
    print(f"{asked.rows:,} rows, {', '.join(f'{key}={value}' for key, value in settings.items())}\n")
    print("| part | wall s | CPU s |\n|---|---|---|")
    for name, took in seconds.items():
        print("| " + " | ".join([name, *(f"{statistics.median(each):.1f}" for each in zip(*took, strict=True))]) + " |")


if __name__ == "__main__":
    main()
