"""Values that the name of a folder does not keep are refused before anything is paid for, and no others."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from batch_transform import score
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.reserved_columns import ROW_NUMBER
from batch_transform.spark.partition_values import Room, partition_faults, partition_rules
from batch_transform.spark.row_rules import check_rows
from batch_transform.spark.spark_errors import SPARK_ERRORS

pytestmark = [pytest.mark.spark, pytest.mark.slow]

LOST = {
    "empty": "",
    "null's own name": "__HIVE_DEFAULT_PARTITION__",
    "too long": "x" * 254,
    "too long in bytes": "ü" * 127,
    "too long once escaped": "/" * 85,
    "NUL": "a\x00b",
    "a copy in progress": "a._COPYING_",
}
KEPT = [
    None,
    "a",
    " ",
    "..",
    ".hidden",
    "_hidden",
    "x" * 253,
    "/" * 84,
    "a/b=c:d%20",
    "".join(map(chr, range(1, 32))),
    "\"#'*?\\\x7f{[]^~ü\u2028😀",
    "null",
    "__hive_default_partition__",
    "01",
    "1.0",
    "2024-01-01",
]


def rows(spark, *values):
    return spark.createDataFrame([(n, value) for n, value in enumerate(values)], f"{ROW_NUMBER} long, p string")


def rules(df, room=None):
    return partition_rules(df.schema, ["P"], room or Room(255, None))


@pytest.mark.parametrize("name", LOST)
def test_a_value_that_does_not_come_back_is_refused(spark, tmp_path, name):
    """And it does not: what Spark itself writes cannot be written, cannot be read, or is another value."""
    df = rows(spark, "a", LOST[name], "b", LOST[name])
    with pytest.raises(ConfigurationError) as refused:
        check_rows(df, rules(df))
    assert "2 rows cannot be published: output.partition_by: p" in str(refused.value)
    assert "the first is row 1 " in str(refused.value)
    assert len(LOST[name]) < 2 or name == "null's own name" or LOST[name] not in str(refused.value)
    try:
        df.write.partitionBy("p").parquet(f"{tmp_path}/t")
    except SPARK_ERRORS:
        return
    stored = spark.read.schema(df.schema).parquet(f"{tmp_path}/t")
    assert sorted(map(str, (row.p for row in stored.collect()))) != sorted(map(str, (row.p for row in df.collect())))


def test_all_other_values_come_back(spark, tmp_path):
    df = rows(spark, *KEPT)
    check_rows(df, rules(df))
    df.coalesce(1).write.partitionBy("p").parquet(f"{tmp_path}/t")
    stored = spark.read.schema(df.schema).parquet(f"{tmp_path}/t").collect()
    assert {row[ROW_NUMBER]: row.p for row in stored} == dict(enumerate(KEPT))


def test_the_key_of_an_object_has_an_end(spark):
    df = rows(spark, "x" * 500, "/" * 300, "x" * 300)
    check_rows(df, rules(df, Room(None, 1000)))
    with pytest.raises(ConfigurationError, match="1 row cannot be published: the key of a partition of p"):
        check_rows(df, rules(df, Room(None, 600)))


TYPES = "a boolean, b double, c decimal(9, 2), d timestamp, e binary, f date, g int, h bigint, i string, j array<int>"


def test_types_that_a_folders_name_does_not_keep(spark):
    schema = spark.createDataFrame([], TYPES).schema
    told = partition_faults(StructType(schema.fields), schema.names, "delta")
    assert [fault.split()[1] for fault in told] == ["a", "b", "c", "d", "e", "j"]
    assert all("keeps only dates, integers and strings" in fault for fault in told)
    (binary,) = partition_faults(StructType(schema.fields), [name for name in schema.names if name != "j"], None)
    assert "e is binary" in binary


@pytest.mark.parametrize(
    "kind", ["array(1)", "map('a', 1)", "struct(1 AS a)", "null", "'a' COLLATE UTF8_LCASE", "X'00'", "INTERVAL '1' DAY"]
)
def test_what_no_table_is_partitioned_by_is_not_sent_to_delta(spark, kind):
    if "COLLATE" in kind and spark.version < "4":
        pytest.skip("Spark 3.5 has no collations")
    (told,) = partition_faults(spark.sql(f"SELECT {kind} AS p").schema, ["p"], "delta")
    assert "keeps only dates, integers and strings" in told
    assert "delta" not in told


@pytest.mark.jars
@pytest.mark.parametrize("kind", ["array(1)", "map('a', 1)", "struct(1 AS a)", "null"])
def test_what_delta_is_not_partitioned_by_is_refused_before_a_job_is_created(spark, world, tmp_path, kind):
    df = spark.range(2).selectExpr("CAST(id AS STRING) AS key", f"{kind} AS p")
    output = {"path": f"{tmp_path}/out", "format": "delta", "partition_by": ["p"]}
    arguments = world.arguments(tmp_path, output=output, columns=["key"])
    with pytest.raises(ConfigurationError, match=r"partitioned by p, cannot be written as delta: .*column p of type"):
        score(df, **arguments)
    assert world.jobs(arguments["run_id"]) == []


def test_a_column_named_twice(spark):
    schema = spark.createDataFrame([], "p string").schema
    assert "names a column twice" in partition_faults(schema, ["p", "P"], None)[0]


@pytest.mark.parametrize("format", ["parquet", "delta"])
def test_the_run_ends_before_a_job_is_created(spark, world, tmp_path, format):
    df = spark.createDataFrame([("a", "x"), ("b", "")], "key string, p string").coalesce(1)
    output = {"path": f"{tmp_path}/out", "format": format, "partition_by": ["p"]}
    arguments = world.arguments(tmp_path, output=output, columns=["key"])
    with pytest.raises(ConfigurationError, match=r"1 row cannot be published: output\.partition_by: p is ''"):
        score(df, **arguments)
    assert world.jobs(arguments["run_id"]) == []
    assert not (tmp_path / "out").exists()


@pytest.mark.jars
def test_every_type_comes_back_from_a_partition_of_delta(spark, world, tmp_path):
    df = spark.range(2).select(
        F.col("id").cast("string").alias("key"),
        F.expr("id = 1").alias("a"),
        F.expr("id / 3").alias("b"),
        F.expr("CAST(id + 0.10 AS DECIMAL(9, 2))").alias("c"),
        F.expr("TIMESTAMP'1500-02-03 04:05:06.000001 UTC' + make_interval(0, 0, 0, CAST(id AS INT))").alias("d"),
        F.expr("date_add(DATE'0999-12-31', CAST(id AS INT))").alias("f"),
        F.expr("concat(id, '/ü=')").alias("i"),
    )
    output = {"path": f"{tmp_path}/out", "format": "delta", "partition_by": ["a", "b", "c", "d", "f", "i"]}
    score(df, **world.arguments(tmp_path, output=output, columns=["key"]))
    stored = spark.read.format("delta").load(f"{tmp_path}/out").select(*df.columns)
    assert stored.exceptAll(df).count() == df.exceptAll(stored).count() == 0
