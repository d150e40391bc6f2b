"""Which jar a Spark lacks, by what it says where a class is not found, and how its session gets it. Pure.

Whoever misses a class wraps that in words of his own: of a table, a catalog, a file system, a record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MISSES = re.compile(
    r"ClassNotFoundException|NoClassDefFoundError|No FileSystem for scheme|Failed to find (?:the )?data source"
    r"|Cannot find catalog plugin class"
)
# Of Spark's own distributions for Hadoop 3, by the line of Spark.
HADOOP = {"3.5": "3.3.4", "4.0": "3.4.1", "4.1": "3.4.2", "4.2": "3.5.0"}
# The Delta that was tried with each, as `outputs.formats.delta` has it; from 4.0 on for Scala 2.13 alone.
DELTA_JARS = {
    "3.5": "io.delta:delta-spark_2.12:3.3.2",
    "4.0": "io.delta:delta-spark_4.0_2.13:4.4.0",
    "4.1": "io.delta:delta-spark_4.1_2.13:4.4.0",
    "4.2": "io.delta:delta-spark_4.2_2.13:4.4.0",
}
_BEGINS = (
    "begin the session with it, as in SparkSession.builder.config('spark.jars.packages', '{package}').getOrCreate(), "
    "where none is there yet (restart the kernel, or spark.stop())"
)


@dataclass(frozen=True)
class _Jar:
    """A jar of which an error may speak.

    Attributes:
        named: how it speaks of it.
        lacks: what the session has not.
        package: by the line of Spark.
        otherwise: what may be done instead, or is to be done as well.
    """

    named: re.Pattern[str]
    lacks: str
    package: dict[str, str]
    otherwise: str = ""


_JARS = (
    _Jar(
        re.compile(r"org[./]apache[./]hadoop[./]fs[./]s3a|software[./]amazon[./]awssdk|com[./]amazonaws|scheme \"?s3"),
        "s3a://",
        {line: f"org.apache.hadoop:hadoop-aws:{version}" for line, version in HADOOP.items()},
        ". Or keep Spark itself away from S3: `staging`, input and output in folders that its workers share",
    ),
    _Jar(
        re.compile(r"io[./]delta|spark[./]sql[./]delta|source: delta|DeltaCatalog"),
        "Delta Lake",
        DELTA_JARS,
        ", with spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension and "
        "spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog",
    ),
    _Jar(
        re.compile(r"source: avro|spark[./]sql[./]avro|org[./]apache[./]avro"),
        "Avro",
        {},
    ),
)


def missing_jar(words: str, spark: str) -> str | None:
    """Returns what a session lacks and how it gets that, a sentence; None where an error misses no class.

    Args:
        words: of the error, with those of its causes.
        spark: its version; '' where that is not known.
    """
    if not _MISSES.search(words):
        return None
    line = ".".join(spark.split(".")[:2])
    for jar in _JARS:
        if jar.named.search(words):
            scala = "2.12" if line == "3.5" else "2.13"
            package = jar.package.get(line) or (
                f"org.apache.spark:spark-avro_{scala}:{spark}" if not jar.package else ""
            )
            how = _BEGINS.format(package=package) if package else f"begin it with the one for Spark {spark}"
            return f"this Spark session has no jar for {jar.lacks}: {how}{jar.otherwise}."
    return (
        "this Spark session lacks a class, and so a jar: begin it with the package that has it in spark.jars.packages."
    )
