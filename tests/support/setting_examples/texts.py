"""Settings on which the scan of text files depends: CSV, JSON, XML and plain ones, and the names of their folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import IntegerType, StructField, StructType

from support.setting_examples.examples import Example

Read = Callable[[SparkSession, str], DataFrame]

STRICT = StructType([StructField("a", IntegerType(), False)])
SINK_ENTRY = {"size": 8, "isDir": False, "modificationTime": 1, "blockReplication": 1, "blockSize": 1, "action": "add"}
FAILING = {"mode": "FAILFAST"}
MALFORMED = {"a.csv": "1,x\n2,3\n"}
MALFORMED_JSON = {"a.json": '{"a":1,"b":"x"}\n{"a":2,"b":3}\n'}


def _text(texts: dict[str, str], read: Read, spark: SparkSession, folder: Path) -> DataFrame:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("FOLDER", folder.as_uri()))
    return read(spark, str(folder))


def text(key: str, other: str, value: str, texts: dict[str, str], read: Read, **more: Any) -> Example:
    """Returns an example on files of text."""
    return Example(key, other, value, partial(_text, texts, read), **more)


def _compressed(spark: SparkSession, folder: Path) -> DataFrame:
    folder.mkdir(exist_ok=True)
    with pa.CompressedOutputStream(str(folder / "a.txt.zst"), "zstd") as opened:
        opened.write(b"hello\n")
    return spark.read.text(str(folder))


def _strict(spark: SparkSession, _: Path) -> DataFrame:
    lines = spark.createDataFrame([('{"b": 1}',)], "value string")
    return spark.read.schema(STRICT).json(lines.rdd.map(lambda row: row[0]))


TEXTS = (
    text("sources.default", "parquet", "json", {"a.json": '{"v": 1}\n'}, lambda spark, path: spark.read.load(path)),
    text(
        "sources.partitionColumnTypeInference.enabled",
        "true",
        "false",
        {"k=01/a.csv": "1\n"},
        lambda spark, path: spark.read.schema("v int").csv(path),
    ),
    text(
        "sources.validatePartitionColumns",
        "true",
        "false",
        {"k=x/a.csv": "1\n"},
        lambda spark, path: spark.read.schema("v int, k int").csv(path),
    ),
    text(
        "files.ignoreInvalidPartitionPaths",
        "false",
        "true",
        {"k=1/a.csv": "1\n", "other/a.csv": "2\n"},
        lambda spark, path: spark.read.schema("v int").csv(path),
    ),
    text(
        "sources.binaryFile.maxLength",
        "3",
        "100",
        {"a": "12345"},
        lambda spark, path: spark.read.format("binaryFile").load(path).select("content"),
    ),
    text(
        "csv.filterPushdown.enabled",
        "false",
        "true",
        MALFORMED,
        lambda spark, path: spark.read.schema("a int, b int").options(**FAILING).csv(path).where("a = 2"),
    ),
    text(
        "csv.parser.columnPruning.enabled",
        "true",
        "false",
        {"a.csv": "1\n2,x\n"},
        lambda spark, path: spark.read.schema("a int, b string").options(mode="DROPMALFORMED").csv(path).select("a"),
    ),
    text(
        "json.filterPushdown.enabled",
        "false",
        "true",
        MALFORMED_JSON,
        lambda spark, path: spark.read.schema("a int, b int").options(**FAILING).json(path).where("a = 2"),
    ),
    text(
        "json.enableExactStringParsing",
        "true",
        "false",
        {"a.json": '{"a": {"b":  1.00 }}\n'},
        lambda spark, path: spark.read.schema("a string").json(path),
    ),
    text(
        "legacy.charVarcharAsString",
        "false",
        "true",
        {"a.csv": "a\n"},
        lambda spark, path: spark.read.schema("a char(3)").csv(path),
    ),
    text(
        "legacy.useLegacyXMLParser",
        "false",
        "true",
        {"a.xml": "<r><a>1</a></r><r><a>2</b></r>"},
        lambda spark, path: spark.read.schema("a int, _bad string").option("rowTag", "r").xml(path),
        beside={"columnNameOfCorruptRecord": "_bad"},
    ),
    text(
        "legacy.pathOptionBehavior.enabled",
        "false",
        "true",
        {"one/a.txt": "a", "two/a.txt": "b"},
        lambda spark, path: spark.read.option("path", f"{path}/one").format("text").load(f"{path}/two"),
    ),
    text(
        "streaming.fileStreamSink.ignoreMetadata",
        "false",
        "true",
        {
            "a.json": '{"v":1}\n',
            "b.json": '{"v":2}\n',
            "_spark_metadata/0": "v1\n" + json.dumps({"path": "FOLDER/a.json", **SINK_ENTRY}),
        },
        lambda spark, path: spark.read.schema("v int").json(path),
    ),
    text(
        "runSQLOnFiles",
        "false",
        "true",
        {"a.txt": "hello\n"},
        lambda spark, path: spark.sql(f"select * from text.`{path}`"),
    ),
    Example("execution.datasources.hadoopLineRecordReader.enabled", "false", "true", _compressed),
    Example("legacy.respectNullabilityInTextDatasetConversion", "false", "true", _strict),
)
