"""Parquet files that are there and a run's are one table: a column of another type is found before anything is paid."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform import score
from batch_transform.core.errors import ConfigurationError
from batch_transform.outputs.formats.parquet import FORMAT
from batch_transform.outputs.port import OutputTable
from support.memory_store import MemoryStore

pytestmark = pytest.mark.spark


def check_fits(spark, folder, schema, mode="append", partition_by=(), key="output"):
    table = OutputTable(mode, f"file:{folder}", partition_by=partition_by, location=str(folder), key=key)
    FORMAT.check_fits(spark, MemoryStore(), table, schema, complete=True)


def test_another_type_in_a_file_that_stays_is_refused(spark, world, tmp_path):
    spark.createDataFrame([("a", 1)], "key string, x int").write.parquet(f"{tmp_path}/out")
    df = spark.createDataFrame([("b", 2)], "key string, x bigint")
    arguments = world.arguments(tmp_path, output={"path": f"{tmp_path}/out", "mode": "append"})
    with pytest.raises(ConfigurationError, match=r"output: the column x is bigint here and int in .*parquet"):
        score(df, **arguments)
    assert world.jobs(arguments["run_id"]) == []


def test_an_append_to_files_of_other_columns_tells_which_readers_may_miss(spark, world, tmp_path, capsys):
    spark.createDataFrame([("a", 1)], "key string, old int").write.parquet(f"{tmp_path}/out")
    arguments = world.arguments(tmp_path, output={"path": f"{tmp_path}/out", "mode": "append"})
    score(spark.createDataFrame([("b",)], "key string"), **arguments)
    told = [line for line in capsys.readouterr().err.splitlines() if "with other columns" in line]
    assert len(told) == 1  # and of no dead letters, of which there is no table yet
    assert re.search(r"out/part-\S+\.parquet has no column \w+(, \w+)* and has old, which the run's files", told[0])


def test_a_file_that_will_be_removed_says_nothing(spark, tmp_path):
    spark.createDataFrame([("a", 1)], "key string, x int").write.parquet(f"{tmp_path}/out")
    schema = spark.createDataFrame([], "key string, x bigint").schema
    check_fits(spark, tmp_path / "out", schema, "overwrite")


@pytest.mark.parametrize(("kind", "fits"), [(pa.int64(), True), (pa.int32(), False), (pa.uint64(), True)])
def test_a_file_of_another_writer_is_read_as_spark_would(spark, tmp_path, kind, fits):
    """Of a type that Spark has not nothing is said."""
    (tmp_path / "p=1").mkdir()
    pq.write_table(pa.table({"key": ["a"], "x": pa.array([1], kind)}), tmp_path / "p=1/a.parquet")
    schema = spark.createDataFrame([], "key string, x bigint, p bigint").schema
    if fits:
        check_fits(spark, tmp_path, schema, partition_by=("p",))
    else:
        with pytest.raises(ConfigurationError, match="x is bigint here and int in"):
            check_fits(spark, tmp_path, schema, partition_by=("p",))


def test_the_last_file_is_looked_at_as_well(spark, tmp_path):
    pq.write_table(pa.table({"x": pa.array([1], pa.int64())}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": pa.array(["1"])}), tmp_path / "z.parquet")
    with pytest.raises(ConfigurationError, match=r"z\.parquet"):
        check_fits(spark, tmp_path, spark.createDataFrame([], "x bigint").schema, key="dead_letter")
