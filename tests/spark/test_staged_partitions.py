"""In which partitions a table is staged, and what is known of its records without rendering them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from batch_transform.core.framing import JSON_LINES
from batch_transform.core.sending import partitioning
from batch_transform.spark.input_reading import scan_of
from batch_transform.spark.record_measuring import measure
from batch_transform.spark.record_rules import record_rule
from batch_transform.spark.settings import session_settings
from batch_transform.spark.staged_rows import input_columns, read_staged
from batch_transform.spark.staging import stage
from support.sampling import one_in
from support.tables import assert_same_bag

A_PARTITION_FOR_EACH_FILE = {"spark.sql.files.openCostInBytes": str(128 * 1024**2)}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Files of several row groups, and one file that is one row group."""
    folder = tmp_path_factory.mktemp("table")
    rows = pa.table({"id": pa.array(range(20_000)), "text": [f"some text of row {i}" for i in range(20_000)]})
    for part in range(4):
        pq.write_table(rows.slice(part * 5_000, 5_000), folder / f"part-{part}.parquet", row_group_size=1_000)
    (folder.parent / f"{folder.name}-one").mkdir()
    pq.write_table(rows, folder.parent / f"{folder.name}-one" / "one.parquet")
    return folder


def staged(spark, path, tmp_path, df=None, **more):
    df = spark.read.parquet(str(path)) if df is None else df
    rule = record_rule(spark, df.schema, "jsonlines", None, None, **more)
    return df, stage(df, rule, f"{tmp_path}/staged", scan_of(df))


def numbered(spark, staged):
    rows = read_staged(spark, staged)
    return rows.orderBy(rows.columns[0]).select(*input_columns(rows))


def test_a_table_whose_splits_are_well_sized_keeps_its_rows_where_they_are(spark, table, tmp_path):
    df, found = staged(spark, table, tmp_path)
    assert len(found.files) == len(scan_of(df).partition_rows)
    assert numbered(spark, found).collect() == df.collect()  # in their order: nothing was shuffled


def test_a_single_row_group_is_spread_over_the_cores(spark, table, tmp_path, monkeypatch):
    monkeypatch.setattr(partitioning, "PARTITION_BYTES", 200_000)
    df, found = staged(spark, f"{table}-one", tmp_path)
    assert len(scan_of(df).partition_rows) == 1
    assert 4 <= len(found.files) <= 7
    shares = [file.rows for file in found.files]
    assert max(shares) < 1.5 * min(shares)
    assert_same_bag(numbered(spark, found), df)


def test_staged_rows_have_no_dictionaries(spark, tmp_path):
    """Each small row group tries one anew: a third of what staging took of a table of numbers."""
    seven = spark.range(1_000).select(F.format_string("%d of seven", F.col("id") % 7).alias("seven"))
    _, found = staged(spark, None, tmp_path, seven)
    groups = [pq.read_metadata(file.path).row_group(0) for file in found.files]
    assert not any(group.column(i).has_dictionary_page for group in groups for i in range(group.num_columns))


def test_a_small_table_is_not_spread(spark, table, tmp_path):
    _, found = staged(spark, f"{table}-one", tmp_path)
    assert len(found.files) == 1


def test_a_table_that_may_give_other_rows_is_spread_from_what_was_written(spark, table, tmp_path, monkeypatch):
    monkeypatch.setattr(partitioning, "PARTITION_BYTES", 200_000)
    df = spark.read.parquet(f"{table}-one").withColumn("chance", F.rand())
    rule = record_rule(spark, df.schema, "jsonlines", None, None)
    found = stage(df, rule, f"{tmp_path}/staged")
    assert len(found.files) >= 4
    copied = spark.read.parquet(f"{tmp_path}/staged/copy")
    assert_same_bag(numbered(spark, found), copied.select("id", "text", "chance"))


def told_and_made(spark, df, tmp_path, *, is_scan):
    """What `plan` says of the partitions of an input, and the bytes of the files that the run stages."""
    rule = record_rule(spark, df.schema, "jsonlines", None, None)
    told = measure(df, rule, JSON_LINES, 6_000_000).partitions
    found = stage(df, rule, f"{tmp_path}-staged", scan_of(df) if is_scan else None)
    return told, [file.json_bytes for file in found.files]


@pytest.mark.parametrize("is_scan", one_in(2, [True, False]))
def test_uneven_partitions_are_made_even_though_there_are_to_be_as_many(spark, tmp_path, monkeypatch, is_scan):
    monkeypatch.setattr(partitioning, "PARTITION_BYTES", 64_000)
    for part in range(10):
        rows = pa.table({"text": ["x" * 990] * (553 if part == 0 else 8)})
        pq.write_table(rows, tmp_path / f"part-{part}.parquet")
    with session_settings(spark, A_PARTITION_FOR_EACH_FILE):
        told, sizes = told_and_made(spark, spark.read.parquet(str(tmp_path)), tmp_path, is_scan=is_scan)
    assert (told.before, told.after) == (10, 10)
    assert told.why.startswith("uneven")
    assert max(sizes) < 2 * 64_000


@pytest.mark.parametrize("is_scan", one_in(2, [False, True]))
def test_a_file_of_large_records_is_spread_though_it_has_no_more_rows_than_others(
    spark, tmp_path, monkeypatch, is_scan
):
    monkeypatch.setattr(partitioning, "PARTITION_BYTES", 64_000)
    monkeypatch.setattr(partitioning, "MOST_PARTITION_BYTES", 1_024_000)
    for part in range(10):
        rows = pa.table({"text": ["x" * (20_000 if part == 9 else 30)] * 100})
        pq.write_table(rows, tmp_path / f"part-{part}.parquet")
    with session_settings(spark, A_PARTITION_FOR_EACH_FILE):
        told, sizes = told_and_made(spark, spark.read.parquet(str(tmp_path)), tmp_path, is_scan=is_scan)
    assert told.why.startswith("one holds")
    assert len(sizes) == told.after == 32
    assert max(sizes) < 4 * 64_000


def test_a_table_whose_first_records_are_its_largest_is_not_left_in_crumbs(spark, tmp_path, monkeypatch):
    """By the first 1,000 rows it would be 80 MB."""
    monkeypatch.setattr(partitioning, "PARTITION_BYTES", 1_000_000)
    rows = pa.table({"text": ["x" * 4_000] * 1_000 + ["x"] * 19_000})
    pq.write_table(rows, tmp_path / "one.parquet")
    told, sizes = told_and_made(spark, spark.read.parquet(str(tmp_path)), tmp_path, is_scan=True)
    assert len(sizes) == told.after == 5


def test_all_rows_of_one_request_are_one_file(spark, table, tmp_path):
    _, found = staged(spark, table, tmp_path, one_object=True)
    assert [file.rows for file in found.files] == [20_000]


def test_about_how_large_records_are_is_known_without_rendering_them(spark):
    row = {
        "i": 12345,
        "n": -7,
        "x": 0.12345678901234567,
        "s": "some text, 日本語",
        "b": b"bytes of it",
        "d": dt.date(2024, 5, 1),
        "t": dt.datetime(2024, 5, 1, 12, 30, 1, 123456),
        "yes": True,
        "m": Decimal("12345.678"),
        "none": None,
        "deep": {"a": [0.12345678901234, 22.7182818284590, None], "b": {"c": "x", "d": None}},
        "words": ["a", "bc", None],
        "map": {"k": 1},
    }
    schema = (
        "i int, n bigint, x double, s string, b binary, d date, t timestamp, yes boolean, m decimal(18,3), "
        "none string, deep struct<a: array<double>, b: struct<c: string, d: int>>, words array<string>, "
        "map map<string, int>"
    )
    df = spark.createDataFrame([row, dict.fromkeys(row), row], schema)
    for columns in [None, *([name] for name in row)]:
        rule = record_rule(spark, df.schema, "jsonlines", columns, None)
        about = [size for *_, size, _ in rule.measured(df).collect()]
        exact = [len(record.encode()) for record, _ in rule.rendered(df).collect()]
        assert about == pytest.approx(exact, rel=0.3 if columns else 0.1), columns


def test_records_of_one_request_are_measured_exactly(spark):
    df = spark.range(3).select(F.col("id"), (F.col("id") / 3).alias("x"), F.lit('a "quoted" text').alias("s"))
    rule = record_rule(spark, df.schema, "jsonlines", None, None, one_object=True)
    exact = [len(record.encode()) for record, _ in rule.rendered(df).collect()]
    assert [size for *_, size, _ in rule.measured(df).collect()] == exact
