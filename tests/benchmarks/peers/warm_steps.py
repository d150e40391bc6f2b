"""Our steps beside what they cannot be faster than, and beside the textbook ways, in one warm Spark session.

    python -m benchmarks.peers.warm_steps --table 330b-8-files --rows N --runs K ...     prints one JSON line for each

Objects are files of this machine. Each pair is measured in turn, in each round of one run, after a round to warm up.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from delta import configure_spark_with_delta_pip
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.peers.input_tables import (
    GROUP_BYTES,
    LAYOUTS,
    MANY_GROUPS,
    NAMES,
    NUMBER,
    PREDICTION,
    check_predictions,
    input_table,
)
from benchmarks.peers.measuring import cpu_seconds, end_by_signals
from benchmarks.peers.plain_session import session
from benchmarks.peers.steps import Steps
from support.emulated import Emulated, emulated

WAYS = {"path": True, "score": False}
COPY, STAGE, EXPORT, WRITE_JSON, MERGE, FROM_JSON = "copy", "stage", "export", "write.json", "merge", "from_json"
ROWS, JOIN = "export: rows", "merge: join"
TEXTBOOK = (ROWS, JOIN)
_ANSWER = "answer"
# Ours over its peer: the peer's seconds over ours, so that more is better.
RATIOS = {
    "stage / copy": ((COPY,), (STAGE,)),
    "export / write.json": ((WRITE_JSON,), (EXPORT,)),
    "merge / from_json": ((FROM_JSON,), (MERGE,)),
    "all three / write.json and from_json": ((WRITE_JSON, FROM_JSON), (STAGE, EXPORT, MERGE)),
    "export / export: rows": ((ROWS,), (EXPORT,)),
    "merge / merge: join": ((JOIN,), (MERGE,)),
}


@dataclass
class Round:
    """One round of all steps over a table, in a folder that is gone afterwards."""

    spark: SparkSession
    source: str
    answered: str
    format: str
    rows: int
    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    def timed(self, name: str, work: Callable[[], object]) -> None:
        """Does a piece of work, and notes how long it took, and the CPU seconds of JVM and workers."""
        used, began = cpu_seconds(), time.monotonic()
        work()
        self.seconds[name] = time.monotonic() - began
        self.cpu[name] = cpu_seconds() - used

    def copy(self) -> None:
        """Copies the table: what staging cannot be faster than."""
        self._write(self._read(self.source), "copy")

    def write_json(self) -> None:
        """Writes the table as JSON Lines: what an export cannot be faster than."""
        self._read(self.source).write.json(str(self.folder / "json"))

    def from_json(self) -> None:
        """Parses answers that lie beside the rows already: what a merge does without finding them."""
        answer = F.from_json(_ANSWER, f"{PREDICTION} long")[PREDICTION]
        self._write(self._read(self.answered).select("*", answer.alias(PREDICTION)).drop(_ANSWER), "parsed")

    def check(self, merged: str) -> None:
        """Checks every prediction of a merged table."""
        if self.format == "parquet":
            check_predictions(merged, self.rows)
            return
        read = self._read(merged)
        right = F.col(NUMBER) == F.col(PREDICTION)
        found = read.agg(F.count_if(right).alias("right"), F.countDistinct(NUMBER).alias("rows")).first()
        assert found is not None
        assert (found["right"], found["rows"], read.count()) == (self.rows,) * 3

    def _read(self, path: str) -> DataFrame:
        return self.spark.read.format(self.format).load(path)

    def _write(self, df: DataFrame, name: str) -> None:
        df.write.format(self.format).save(str(self.folder / name))


def measure(round: Round, steps: Steps, *, textbook: bool) -> None:
    """Does each of our steps once beside its peers, and checks what was merged."""
    round.timed(COPY, round.copy)
    steps.open()
    try:
        round.timed(STAGE, steps.stage)
        round.timed(WRITE_JSON, round.write_json)
        if textbook:
            round.timed(ROWS, lambda: steps.export("rows"))
        round.timed(EXPORT, steps.export)
        steps.answer()
        round.timed(FROM_JSON, round.from_json)
        merged: list[str] = []
        round.timed(MERGE, lambda: merged.append(steps.merge()))
        round.check(merged[0])
        if textbook and round.format == "parquet":  # a commit is there once
            round.timed(JOIN, lambda: steps.merge("join"))
    finally:
        steps.close()


def in_format(spark: SparkSession, source: str, format: str, layout: str, folder: Path) -> tuple[str, str]:
    """Returns the table in a format, in its layout, and once more with its answers beside it."""
    rows, own, answered = spark.read.parquet(source), source, str(folder / f"answered-{format}")
    files, options = LAYOUTS[layout], {"parquet.block.size": str(GROUP_BYTES if layout == MANY_GROUPS else 1 << 30)}
    if format != "parquet":
        own = str(folder / format)
        _of_files(rows, files).write.format(format).options(**options).save(own)
    answer = F.to_json(F.struct(F.col(NUMBER).alias(PREDICTION))).alias(_ANSWER)
    _of_files(rows.select("*", answer), files).write.format(format).options(**options).save(answered)
    return own, answered


def _of_files(rows: DataFrame, files: int) -> DataFrame:
    return rows.repartition(files)


@contextmanager
def folder_of(parent: Path) -> Iterator[Path]:
    """Yields a folder that is gone afterwards."""
    folder = parent / uuid.uuid4().hex[:8]
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _told(spark: SparkSession, world: Emulated, asked: argparse.Namespace, parent: Path) -> Iterator[dict[str, object]]:
    table = input_table(asked.table, asked.rows)
    source = table.write(parent)
    for format in asked.formats:
        own, answered = in_format(spark, source, format, table.name.partition("-")[2], parent)
        for way in asked.ways:
            rounds = []
            for number in range(asked.runs + 1):
                with folder_of(parent) as folder:
                    round = Round(spark, own, answered, format, table.rows, folder)
                    steps = Steps(spark, world, own, format, folder, WAYS[way])
                    measure(round, steps, textbook=asked.textbook and way == "path")
                    rounds += [round] if number else []  # the first one warms up
            seconds = {name: [each.seconds[name] for each in rounds] for name in rounds[0].seconds}
            cpu = {name: [each.cpu[name] for each in rounds] for name in rounds[0].cpu}
            whose = {"table": asked.table, "rows": table.rows, "format": format, "way": way}
            yield {**whose, "seconds": seconds, "cpu": cpu}


def main() -> None:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", choices=NAMES, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--formats", nargs="+", required=True)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), required=True)
    parser.add_argument("--textbook", action="store_true")
    asked = parser.parse_args()
    end_by_signals()
    settings = {
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    }
    jars = configure_spark_with_delta_pip(SparkSession.builder)._options["spark.jars.packages"]
    with folder_of(asked.folder) as folder, emulated() as world:
        spark = session(asked.cores, {**settings, "spark.jars.packages": jars})
        for told in _told(spark, world, asked, folder):
            print(json.dumps(told), flush=True)
        spark.stop()


if __name__ == "__main__":
    main()
