"""A table without rows can be read in every format, layout and mode, with its schema, and takes rows later."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from batch_transform import score
from batch_transform.core.object_names import is_data_file
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.spark.empty_tables import without_rows
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]

COLUMNS = "day date, key string, part int, big long, `a b=c/d` string, amount decimal(38, 18)"
LAYOUTS = [
    ("parquet", []),
    ("parquet", ["day"]),
    ("parquet", ["big", "A B=C/D"]),
    ("delta", []),
    ("orc", ["big", "A B=C/D"]),
    ("orc", []),
    ("delta", ["day", "part"]),
]


def rows_of(spark, *days, format="parquet"):
    rows = _rows(spark, *days)
    # Delta takes no such name.
    return rows.withColumnRenamed("a b=c/d", "abcd") if format == "delta" else rows


def _rows(spark, *days):
    rows = [(F.lit(day).cast("date"), F.lit(f"k{place}"), F.lit(place)) for place, day in enumerate(days)]
    empty = spark.createDataFrame([], COLUMNS)
    made = [spark.range(1).select(day.alias("day"), key.alias("key"), part.alias("part")) for day, key, part in rows]
    for row in made:
        empty = empty.unionByName(row, allowMissingColumns=True)
    return empty


def read(spark, format, path):
    return spark.read.format(format).load(path)


@pytest.mark.parametrize(("format", "partition_by"), one_in(4, LAYOUTS))
def test_an_empty_run_publishes_two_tables_that_can_be_read_and_appended_to(
    spark, world, tmp_path, format, partition_by
):
    output = {"path": f"{tmp_path}/out", "format": format, "partition_by": partition_by}
    empty = score(rows_of(spark, format=format), **world.arguments(tmp_path, output=output))
    last = [name.lower() for name in partition_by]
    # Spark calls a folder, and so its column, as it was asked for.
    for place, added, found in (("out", "echo", empty.df), ("out_dead_letter", "error", empty.dead_letters)):
        stored = read(spark, format, f"{tmp_path}/{place}")
        names = [*rows_of(spark, format=format).columns, added]
        if format != "delta":
            names = [*[name for name in names if name.lower() not in last], *last]
            assert [*map(str.lower, found.columns)] == names
        assert [*map(str.lower, stored.columns)] == names
        kinds = {field.name: field.dataType for field in rows_of(spark, format=format).schema}
        assert kinds.items() <= {field.name.lower(): field.dataType for field in stored.schema}.items()
        assert stored.count() == found.count() == 0
    more = rows_of(spark, "2024-05-01", "2024-05-02", format=format).fillna("x").fillna(7, ["big"])
    again = score(more, **world.arguments(tmp_path, output=output | {"mode": "append"}))
    stored = read(spark, format, f"{tmp_path}/out")
    assert_same_rows(stored.select("key", "day", "part", "echo"), again.df.select("key", "day", "part", "echo"))
    assert stored.count() == 2


@pytest.mark.parametrize("mode", one_in(2, ["overwrite_partitions", "append", "overwrite"]))
def test_an_empty_run_takes_nothing_from_a_partition_that_is_there(spark, world, tmp_path, mode):
    """Also not from one that is called as the empty partition would be."""
    output = {"path": f"{tmp_path}/out", "partition_by": ["day"]}
    there = rows_of(spark, "1970-01-01", "2024-05-02").withColumn("echo", F.col("key"))
    there.write.partitionBy("day").parquet(output["path"])
    before = sorted(row["key"] for row in read(spark, "parquet", f"{tmp_path}/out").collect())
    files = [file.name for file in LocalTree(f"{tmp_path}/out").list() if is_data_file(file.name)]
    score(rows_of(spark), **world.arguments(tmp_path, output=output | {"mode": mode}))
    stored = read(spark, "parquet", f"{tmp_path}/out")
    after = [file.name for file in LocalTree(f"{tmp_path}/out").list() if is_data_file(file.name)]
    if mode == "overwrite":
        assert (stored.count(), stored.columns[-1]) == (0, "day")
    else:
        assert sorted(row["key"] for row in stored.collect()) == before
        assert after == files


TYPES = [
    *COLUMNS.split(", ")[:4],
    "`a b=c/d` string",
    "`a.b` array<struct<x: int not null>>",
    "`a``b` map<string, decimal(38, 18)>",
    "s struct<b: binary, t: timestamp_ntz, i: interval day to second>",
    "never long not null",
    "within struct<never: long not null> not null",
]


@pytest.mark.parametrize("columns", [*([each] for each in TYPES), TYPES[:-2]])
def test_a_table_without_rows_has_the_columns_it_was_asked_for(spark, columns):
    schema = StructType.fromDDL(", ".join(columns))
    schema.fields[0].metadata = {"comment": "as it was"}
    made = without_rows(spark, schema)
    assert made.schema == schema
    assert made.schema.fields[0].metadata == {"comment": "as it was"}
    assert made.count() == 0


def test_no_python_worker_is_asked_for_the_rows_of_none(spark):
    made = without_rows(spark, StructType([StructField("key", StringType()), StructField("part", LongType())]))
    assert made._jdf.queryExecution().optimizedPlan().toString().startswith("LocalRelation <empty>")
