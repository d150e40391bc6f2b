"""A plan of a table that is too large to be rendered: which of its files are opened, and what is told of the others."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.core.estimate import table_size as limits
from batch_transform.core.framing import JSON_LINES
from batch_transform.spark import record_measuring, table_size
from batch_transform.spark.record_measuring import measure, measure_some
from batch_transform.spark.record_rules import record_rule
from batch_transform.spark.table_size import look_at

pytestmark = pytest.mark.spark
FILES, ROWS = 30, 40
MB = 1_000_000


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Files of which some have a blank in their path; of all, six are counted and two are rendered."""
    for place in range(FILES):
        folder = tmp_path / f"table/day=2024-05-{1 + place % 3:02} 00:00"
        folder.mkdir(parents=True, exist_ok=True)
        rows = ROWS + place % 2
        pq.write_table(pa.table({"id": range(rows), "text": ["some words"] * rows}), folder / f"part {place}.parquet")
    monkeypatch.setattr(table_size, "COUNTED_FILES", 6)
    monkeypatch.setattr(table_size, "READ_FILES", 6)
    monkeypatch.setattr(table_size, "RENDERED_FILES", 2)
    monkeypatch.setattr(record_measuring, "RENDERED_FILES", 2)
    monkeypatch.setattr(limits, "RENDERED_ROWS", 10)
    return tmp_path / "table"


def spoiled(df):
    """What a table's files are but for those that are drawn: nothing that anybody could read."""
    names = sorted(df.inputFiles())
    kept = {Path(name).name for name in limits.drawn(names, 6)}
    others = Path(df.inputFiles()[0].removeprefix("file://")).parents[1].rglob("*.parquet")
    spoiled = [path for path in others if path.name.replace(" ", "%20") not in kept]
    for path in spoiled:
        path.write_bytes(b"spoiled" * 100)
    return len(spoiled)


def test_of_many_files_some_are_counted_and_no_other_one_is_opened(spark, table):
    df = spark.read.parquet(str(table))
    assert spoiled(df) == FILES - 6
    looked = look_at(df, is_columnar=True)
    assert (looked.size.files, looked.size.counted, len(looked.parts)) == (FILES, 6, 2)
    assert FILES * ROWS <= looked.size.rows <= FILES * (ROWS + 1)
    assert 0 < looked.size.within < 0.02
    rule = record_rule(spark, df.schema, "jsonlines", ["id", "text"], None)
    found = measure_some(looked, rule, JSON_LINES, 6 * MB)
    assert found.rows == looked.size.rows
    assert found.largest == len('{"id":9,"text":"some words"}\n')
    assert "records by 20 rows" in found.estimated


def test_a_filter_counts_in_what_is_estimated(spark, table):
    looked = look_at(spark.read.parquet(str(table)).where("id >= 10"), is_columnar=True)
    assert FILES * (ROWS - 10) <= looked.size.rows <= FILES * (ROWS - 9)


def test_few_files_are_counted_whole(spark, table):
    day = next(table.iterdir())
    looked = look_at(spark.read.parquet(str(day)).limit(10**9), is_columnar=True)
    df = spark.read.parquet(*map(str, sorted(day.iterdir())[:5]))
    looked = look_at(df, is_columnar=True)
    assert (looked.size.rows, looked.size.within, looked.size.files) == (df.count(), 0.0, 5)


def test_what_is_estimated_is_what_is_measured(spark, table):
    df = spark.read.parquet(str(table))
    rule = record_rule(spark, df.schema, "jsonlines", ["text"], None)
    about, exact = (
        measure_some(look_at(df, is_columnar=True), rule, JSON_LINES, 6 * MB),
        measure(df, rule, JSON_LINES, 6 * MB),
    )
    assert about.json_bytes == pytest.approx(exact.json_bytes, rel=0.02)
    assert about.largest == exact.largest
    assert (about.partitions.before, exact.estimated) == (pytest.approx(exact.partitions.before, abs=2), "")


def test_a_delta_table_is_counted_by_its_log_alone(spark, tmp_path):
    place = tmp_path / "delta"
    spark.range(100, numPartitions=4).write.format("delta").save(str(place))
    df = spark.read.format("delta").load(str(place))
    for path in place.glob("*.parquet"):
        path.write_bytes(b"spoiled" * 100)
    looked = look_at(df, is_columnar=True)
    assert (looked.size.rows, looked.size.source, len(looked.parts)) == (100, "the table's log", 1)


def test_what_tells_no_size_is_measured_whole(spark, table):
    df = spark.read.parquet(str(table))
    assert look_at(spark.createDataFrame([(1,)], "id int"), is_columnar=True) is None
    assert look_at(spark.read.text(str(table)), is_columnar=False) is None  # small: it would be read for that
    joined = df.join(df.select("id").distinct(), "id")
    looked = look_at(joined, is_columnar=True)
    assert looked is None or looked.size.rows == joined.count()
