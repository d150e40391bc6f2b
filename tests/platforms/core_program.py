"""Scores a table of many types with three bad rows, by `score(df)`, in whatever environment runs it; prints what came.

    python core_program.py FOLDER ARGUMENTS

It is run with the versions that a platform pins, without anything of the tests' own environment.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pyspark.sql import SparkSession

import batch_transform

COLUMNS = (
    "CASE WHEN id IN (5, 77, 199) THEN concat('refused!', id) ELSE concat('k', id) END AS key",
    "CAST(id AS decimal(20, 3)) / 7 AS amount",
    "timestamp_seconds(id * 86400) AS at",
    "CAST(date_sub(DATE'1500-01-01', CAST(id AS int)) AS date) AS day",
    "CAST(concat('b', id) AS binary) AS bytes",
    "named_struct('a', array(id, NULL), 'b', map('x', id)) AS nested",
    "CASE WHEN id % 3 = 0 THEN NULL ELSE id + 9007199254740992 END AS large",
)


def installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def session() -> SparkSession:
    if "SPARK_REMOTE" in os.environ:
        return SparkSession.builder.getOrCreate()
    builder = SparkSession.builder.master("local[2]").config("spark.ui.showConsoleProgress", "false")
    return builder.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2").getOrCreate()


def main(folder: Path, arguments: dict[str, object]) -> None:
    spark = session()
    table = spark.range(300).selectExpr(*COLUMNS)
    result = batch_transform.score(table, **arguments)
    scored = spark.read.parquet(str(folder / "out"))
    right = scored.where("echo = key").count()
    table.createOrReplaceTempView("before")
    scored.drop("echo").createOrReplaceTempView("after")
    hashes = [
        spark.sql(f"SELECT sum(crc32(to_json(struct(*)))) FROM {view} WHERE key NOT LIKE 'refused%'").first()[0]
        for view in ("before", "after")
    ]
    said = {
        "status": result.report["status"],
        "rows": [result.report["rows_in"], result.report["rows_scored"], right],
        "types_kept": table.dtypes == scored.dtypes[:-1],
        "rows_equal": hashes[0] == hashes[1],
        "versions": {
            name: installed(name) for name in ("boto3", "numpy", "pandas", "pyarrow", "pydantic", "pyspark", "PyYAML")
        },
        "sagemaker": installed("sagemaker-core"),
        "from": batch_transform.__file__,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
