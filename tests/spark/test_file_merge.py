"""A table is the same whether the workers have merged its files or Spark has."""

from __future__ import annotations

import datetime as dt
import errno
import io
import math
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.config.loading import load
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.tables import file_merging, spark_tables
from batch_transform.pipeline.tables.file_merging import merged_by_workers
from support.runs import run_file, silent
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 600
EXTREMES = {
    "key": ["a", "b", "c", "d"],
    "small": [None, -128, 127, 0],
    "short": [-32_768, None, 32_767, 0],
    "int": [-(2**31), 2**31 - 1, None, 0],
    "long": [-(2**63), 2**63 - 1, 0, None],
    "float": [math.nan, -math.inf, None, -0.0],
    "double": [math.nan, math.inf, 5e-324, None],
    "flag": [True, False, None, True],
    "text": ["", "ü\u2028\U0001f600", None, "a\x00b"],
    "raw": [b"", b"\xff\x00", None, b"x"],
    "day": [dt.date(1, 1, 1), dt.date(1582, 10, 10), None, dt.date(9999, 12, 31)],
    "at": [dt.datetime(1500, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59, 999_999), None, dt.datetime(2024, 5, 1)],
    "local": [dt.datetime(1500, 1, 1), dt.datetime(2024, 3, 31, 2, 30), None, dt.datetime(9999, 12, 31)],
}
SCHEMA = (
    "key string, small tinyint, short smallint, int int, long bigint, float float, double double, flag boolean, "
    "text string, raw binary, day date, at timestamp, local timestamp_ntz"
)


@pytest.fixture
def by(monkeypatch):
    """Who has merged each result: the workers, or Spark."""
    found = []

    def watched(*given):
        done = merged_by_workers(*given)
        found.append("Spark" if done is None else "workers")
        return done

    monkeypatch.setattr(spark_tables, "merged_by_workers", watched)
    return found


def extremes(spark):
    return spark.createDataFrame(list(zip(*EXTREMES.values(), strict=True)), SCHEMA).repartition(2)


def both(monkeypatch, merge):
    """What a run publishes whose workers merge its files, and one whose files Spark merges."""
    ours = merge("workers")
    with monkeypatch.context() as patch:
        patch.setattr(spark_tables, "merged_by_workers", lambda *given: None)
        return ours, merge("spark")


def test_every_plain_value_comes_out_as_it_went_in(spark, world, tmp_path, monkeypatch, by):
    rows = extremes(spark)

    def merged(name):
        return score(rows, **world.arguments(tmp_path / name)).df

    ours, theirs = both(monkeypatch, merged)
    assert by == ["workers"]
    assert_same_rows(ours, theirs)
    assert_same_rows(ours.drop("echo"), rows)
    assert ours.schema == theirs.schema


def test_what_only_spark_reads_spark_merges(spark, world, tmp_path, by):
    """Of a page whose checksum is another one Spark gives the rows, and pyarrow none."""
    body, path = io.BytesIO(), tmp_path / "in" / "f.parquet"
    table = pa.table({"key": [f"{number:04}" for number in range(ROWS)]})
    pq.write_table(table, body, write_page_checksum=True, compression="none", use_dictionary=False)
    path.parent.mkdir()
    path.write_bytes(body.getvalue().replace(b"0007", b"9999"))
    with pytest.raises(OSError, match="CRC"):
        pq.read_table(path, page_checksum_verification=True)
    place = tmp_path / "run.yml"
    place.write_text(yaml.safe_dump(run_file(world, f"crc-{uuid.uuid4().hex[:8]}")).replace("{folder}", str(tmp_path)))
    driver = open_run(spark, load(place), world.access, silent)
    driver.run()
    assert driver.state.staged.is_copied
    assert by == ["Spark"]
    assert spark.read.parquet(str(tmp_path / "out")).where("key = echo").count() == ROWS


def test_a_merge_that_fails_leaves_no_file(spark, world, tmp_path, monkeypatch):
    def failing(_, merge):
        Path(merge.target).mkdir()
        (Path(merge.target) / "part-00000.parquet").write_bytes(b"PAR1")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_merging, "merge_files", failing)
    with pytest.raises(Exception, match="No space left on device"):
        score(spark.range(10).selectExpr("string(id) AS key"), **world.arguments(tmp_path))
    assert not list(tmp_path.rglob("part-00000.parquet"))


@pytest.mark.parametrize("column", [None, "said"])
def test_dead_rows_are_left_out_and_predictions_of_any_plain_type_lie_beside_their_rows(
    spark, world, tmp_path, monkeypatch, by, column
):
    key = F.when(F.col("id") % 97 == 5, F.concat(F.lit("refused!"), "id")).otherwise(F.col("id").cast("string"))
    rows = spark.range(ROWS).select(key.alias("key"), (F.col("id") / 3).alias("third")).repartition(3)

    def merged(name):
        given = {"schema": "echo string"} | ({"column": column} if column else {})
        arguments = world.arguments(tmp_path / name, "shaped", prediction=given, errors={"max_fraction": 0.5})
        return score(rows, **arguments)

    ours, theirs = both(monkeypatch, merged)
    assert by == ["workers"]
    assert_same_rows(ours.df, theirs.df)
    assert ours.df.schema == theirs.df.schema
    assert ours.df.count() == ROWS - ours.dead_letters.count() < ROWS
    assert_same_rows(ours.dead_letters.select("key"), theirs.dead_letters.select("key"))


def test_numbers_are_counted_as_spark_counts_them(spark, world, tmp_path, monkeypatch, by):
    """Of some rows, and so few that nothing is sampled."""
    rows = spark.range(100).selectExpr(
        "string(id) AS key", "id % 7 AS n", "if(id % 9 = 0, NULL, double(id)) AS d", "array(id, id + 1) AS near"
    )

    def merged(name):
        given = {"schema": "key string, n long, d double, near array<long>"}
        arguments = world.arguments(tmp_path / name, "lines", prediction={**given, "column": "p"})
        return score(rows.drop("near") if name == "none" else rows, **arguments).report["predictions"]

    ours, theirs = both(monkeypatch, merged)
    assert by == ["Spark"]  # an input of lists is not plain
    plain = rows.drop("near").withColumnRenamed("key", "name")
    schema = {"schema": "name string, n long, d double", "column": "p"}

    def counted(name):
        return score(plain, **world.arguments(tmp_path / f"plain-{name}", "lines", prediction=schema)).report

    ours, theirs = both(monkeypatch, counted)
    assert by[-1] == "workers"
    assert ours["predictions"] == theirs["predictions"]
