"""Files that are the input as it is are staged by copying them; others are written, and nobody sees a difference."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from batch_transform.config.loading import load
from batch_transform.core.errors import ConfigurationError, LedgerFenced
from batch_transform.core.framing import JSON_LINES
from batch_transform.core.object_store import PreconditionFailed
from batch_transform.core.sending.object_sizes import is_large
from batch_transform.exports.arrow import ArrowExport
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.registry import output_formats
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.commands.plan import plan
from batch_transform.pipeline.commands.plan_surroundings import NOTHING_AROUND
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.tables.copied_source import CopiedInput
from batch_transform.spark import hadoop_files
from batch_transform.spark.copy_rules import encrypts_by_itself, is_todays_calendar, may_be_copied
from batch_transform.spark.input_reading import scan_of
from batch_transform.spark.merge_way import way_named
from batch_transform.spark.record_rules import record_rule
from batch_transform.spark.settings import session_settings
from batch_transform.spark.spark_errors import SPARK_ERRORS
from batch_transform.spark.staged_rows import input_columns, read_staged
from batch_transform.spark.staging import stage
from batch_transform.spark.zip_merge import with_outcomes
from support.runs import run_file, silent
from support.tables import assert_same_bag

pytestmark = pytest.mark.spark

ROWS = 4_000
AT = dt.datetime(2024, 5, 1, 12, tzinfo=dt.timezone.utc)


def table_of(rows: int, start: int = 0) -> pa.Table:
    """Returns rows of many types, with nulls in each."""
    numbers = range(start, start + rows)
    some = [None if i % 7 == 0 else i for i in numbers]
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "key": [f"k{i}" for i in numbers],
            "small": pa.array(some, pa.int32()),
            "text": [None if i is None else f'ü "{i}"' for i in some],
            "part": pa.array([None if i is None else i / 3 for i in some], pa.float64()),
            "price": pa.array([None if i is None else Decimal(i).scaleb(-2) for i in some], pa.decimal128(12, 2)),
            "at": pa.array([None if i is None else AT for i in some], pa.timestamp("us", "UTC")),
            "day": pa.array([None if i is None else AT.date() for i in some], pa.date32()),
            "list": [None if i is None else [i, i + 1] for i in some],
            "inner": [None if i is None else {"a": i, "b": None} for i in some],
            "bytes": pa.array([None if i is None else bytes([i % 256]) for i in some], pa.binary()),
        }
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """Files of several row groups, in a folder whose name wants care."""
    folder = tmp_path_factory.mktemp("a table") / "100 % of ü"
    folder.mkdir()
    for part in range(4):
        pq.write_table(table_of(ROWS // 4, part * ROWS // 4), folder / f"part {part}.parquet", row_group_size=300)
    return folder


def staged(spark, df, folder, **rule):
    asked = {"format": "jsonlines", "columns": None, "sql": None, **rule}
    made = record_rule(spark, df.schema, **asked)
    scan = scan_of(df)
    is_todays = is_todays_calendar(spark, df.schema)
    files = CopiedInput(scan.files, tuple(df.columns), is_todays, lambda place: open_tree(place, None))
    return stage(df, made, f"{folder}/staged", scan, files=files), made


def read(spark, folder):
    return spark.read.parquet(str(folder))


def test_files_are_copied_byte_by_byte_and_their_rows_numbered_by_place(spark, table, tmp_path):
    df = read(spark, table)
    found, _ = staged(spark, df, tmp_path)
    assert found.is_copied
    assert [Path(file.path).read_bytes() for file in found.files] == [
        path.read_bytes() for path in sorted(table.glob("*.parquet"))
    ]
    rows = read_staged(spark, found)
    numbers = [row[0] for row in rows.select(rows.columns[0]).orderBy(rows.columns[0]).collect()]
    assert numbers == [number for file in found.files for number in range(file.first, file.first + file.rows)]
    in_order = rows.orderBy(rows.columns[0]).select(*input_columns(rows))
    assert [row["id"] for row in in_order.collect()] == list(range(ROWS))
    assert in_order.schema == df.schema
    assert_same_bag(in_order, df)


def test_copies_have_the_records_that_written_rows_have(spark, table, tmp_path):
    df = read(spark, table)
    copied, rule = staged(spark, df, tmp_path / "copied")
    written = stage(df, rule, f"{tmp_path}/written", scan_of(df))
    assert copied.is_copied
    assert not written.is_copied
    lines = [rule.lines(read_staged(spark, each), JSON_LINES).select("line") for each in (copied, written)]
    assert_same_bag(*lines)
    assert copied.json_bytes == pytest.approx(written.json_bytes, rel=0.1)  # by the first thousand
    assert not is_large(copied.largest)


def test_files_that_are_cut_into_several_partitions_are_numbered_once(spark, table, tmp_path):
    with session_settings(
        spark, {"spark.sql.files.maxPartitionBytes": "30000", "spark.sql.files.openCostInBytes": "1"}
    ):
        df = read(spark, table)
        found, _ = staged(spark, df, tmp_path)
        rows = read_staged(spark, found)
        assert found.is_copied
        assert rows.rdd.getNumPartitions() > len(found.files)
        assert rows.select(rows.columns[0]).distinct().count() == ROWS


def test_a_column_of_our_name_or_of_spark_is_the_users(spark, tmp_path):
    names = ["__row_number", "_metadata", "__record_bytes", "a`b", "c.d"]
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({name: list(range(9)) for name in names}), tmp_path / "in" / "one.parquet")
    df = read(spark, tmp_path / "in")
    found, _ = staged(spark, df, tmp_path)
    assert found.is_copied
    rows = read_staged(spark, found)
    assert_same_bag(rows.select(*input_columns(rows)), df)


def one(folder: Path, table: pa.Table, **options) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "one.parquet", **options)
    return folder


def test_a_file_that_has_rotted_is_found_by_the_checksums_beside_it(spark, tmp_path):
    spark.range(1_000).select(F.col("id").cast("double").alias("x")).coalesce(1).write.option(
        "compression", "none"
    ).option("parquet.enable.dictionary", "false").parquet(str(tmp_path / "in"))
    (file,) = (tmp_path / "in").glob("*.parquet")
    assert staged(spark, read(spark, tmp_path / "in"), tmp_path / "first")[0].is_copied
    body = bytearray(file.read_bytes())
    body[2_000] ^= 1  # a bit of a number
    file.write_bytes(body)
    with pytest.raises(SPARK_ERRORS, match="Checksum"):
        staged(spark, read(spark, tmp_path / "in"), tmp_path / "second")


def texts(rows: int, size: int) -> pa.Array:
    """Returns texts that no dictionary makes small."""
    return pa.array([f"{number:04}" * (size // 4) for number in range(rows)])


OTHERS = {
    "other columns": lambda rows: rows.append_column("more", rows["id"]),
    "another type": lambda rows: rows.set_column(2, "small", rows["small"].cast(pa.int16())),
    "large records": lambda rows: rows.set_column(3, "text", texts(rows.num_rows, 20_000)),
    "larger records": lambda rows: rows.set_column(3, "text", texts(rows.num_rows, 8_000)),
}


@pytest.mark.parametrize("other", OTHERS)
def test_files_that_are_not_alike_are_written(spark, tmp_path, other):
    one(tmp_path / "in", table_of(100))
    pq.write_table(OTHERS[other](table_of(100)), tmp_path / "in" / "two.parquet")
    df = read(spark, tmp_path / "in")
    found, _ = staged(spark, df, tmp_path)
    assert not found.is_copied
    rows = read_staged(spark, found)
    assert_same_bag(rows.select(*input_columns(rows)), df)
    assert not list((tmp_path / "staged").rglob("part-0.parquet"))


def test_files_that_change_while_they_are_copied_are_read_by_spark(spark, tmp_path, monkeypatch):
    df = read(spark, one(tmp_path / "in", table_of(100)))

    def changed(self, source, file, name):
        raise PreconditionFailed("read", name, "changed", "another one")

    monkeypatch.setattr(LocalTree, "copy_in", changed)
    found, _ = staged(spark, df, tmp_path)
    assert not found.is_copied
    assert found.rows == 100


def test_files_that_the_other_reader_alone_takes_are_written(spark, tmp_path):
    """Our own jobs would not read them: neither the check of the output nor the merge, after jobs were paid for."""
    rows = pa.table({"id": list(range(99)), "part": [number / 7 for number in range(99)]})
    encoded = {"column_encoding": {"part": "BYTE_STREAM_SPLIT"}, "use_dictionary": False}
    df = read(spark, one(tmp_path / "in", rows, **encoded))
    rule = record_rule(spark, df.schema, "jsonlines", ["id"], None)
    with session_settings(spark, {"spark.sql.parquet.enableVectorizedReader": "false"}):
        assert not may_be_copied(spark, df.schema, [], rule, "file:/somewhere")
        found = stage(df, rule, f"{tmp_path}/staged", scan_of(df))
        expected = [row["part"] for row in df.orderBy("id").collect()]
    staged_rows = read_staged(spark, found)
    assert [row["part"] for row in staged_rows.orderBy(staged_rows.columns[0]).collect()] == expected


def test_a_session_whose_aggregates_do_not_tell_their_groups_is_staged(spark, tmp_path):
    with session_settings(spark, {"spark.sql.retainGroupColumns": "false"}):
        found, _ = staged(spark, read(spark, one(tmp_path / "in", table_of(100))), tmp_path)
    assert found.is_copied
    assert found.rows == 100


def test_a_session_that_encrypts_what_it_writes_is_seen(spark):
    place, key = "s3a://staged/rows/r", "encryption.algorithm"
    assert not encrypts_by_itself(spark, place)
    with session_settings(spark, {f"spark.hadoop.fs.s3a.{key}": "SSE-KMS"}):
        assert encrypts_by_itself(spark, place)
    with session_settings(spark, {f"spark.hadoop.fs.s3a.bucket.staged.{key}": "SSE-KMS"}):
        assert encrypts_by_itself(spark, place)
        assert not encrypts_by_itself(spark, "s3a://other/rows/r")
        assert not encrypts_by_itself(spark, "file:/staged")


_EMR = "<c><property><name>{}</name><value>{}</value></property></c>"


def test_a_cluster_that_encrypts_what_is_written_is_seen_by_its_files(spark, tmp_path, monkeypatch):
    """In `spark.conf` there is nothing of what Hadoop's files say."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    core, emrfs, place = tmp_path / "core-site.xml", tmp_path / "emrfs-site.xml", "s3a://staged/rows/r"
    monkeypatch.setattr(hadoop_files, "_EMRFS", emrfs)
    unreadable = [f'<?xml version="1.0" encoding="{name}"?><c/>' for name in ("GB2312", "none")]
    for text in ("", "<configuration></configuration>", "<configuration><property/></configuration>", *unreadable):
        core.write_text(text)
        emrfs.write_text(_EMR.format("fs.s3.enableServerSideEncryption", "false"))
        assert not encrypts_by_itself(spark, place)
    for name in ("fs.s3.enableServerSideEncryption", "fs.s3.cse.enabled"):
        emrfs.write_text(_EMR.format(name, "true"))
        assert encrypts_by_itself(spark, place)
    emrfs.unlink()
    said = "<property><name>fs.s3a.{}encryption.algorithm</name><value>SSE-KMS</value></property>"
    core.write_text(f"<configuration>{said.format('')}</configuration>")
    assert encrypts_by_itself(spark, place)
    core.write_text(f"<configuration>{said.format('bucket.staged.')}</configuration>")
    assert encrypts_by_itself(spark, place)
    assert not encrypts_by_itself(spark, "s3a://other/rows/r")


def test_rows_that_the_session_holds_are_staged_and_not_its_files(spark, tmp_path):
    """As Spark would take them, whatever has become of the file meanwhile."""
    df = read(spark, one(tmp_path / "in", pa.table({"id": list(range(9))}))).cache()
    try:
        assert df.count() == 9
        one(tmp_path / "in", pa.table({"id": list(range(100, 109))}))
        found, _ = staged(spark, read(spark, tmp_path / "in"), tmp_path)
        rows = read_staged(spark, found)
        assert not found.is_copied
        assert sorted(row["id"] for row in rows.collect()) == list(range(9))
    finally:
        df.unpersist()


def test_many_small_files_are_gathered(spark, tmp_path):
    (tmp_path / "in").mkdir()
    for part in range(40):
        pq.write_table(table_of(10, part * 10), tmp_path / "in" / f"{part}.parquet")
    found, _ = staged(spark, read(spark, tmp_path / "in"), tmp_path)
    assert not found.is_copied
    assert len(found.files) < 40


def test_a_partitioned_table_is_written(spark, tmp_path):
    read(spark, one(tmp_path / "plain", table_of(100))).write.partitionBy("small").parquet(str(tmp_path / "in"))
    found, _ = staged(spark, read(spark, tmp_path / "in").coalesce(2), tmp_path)
    assert not found.is_copied


@pytest.mark.parametrize(
    ("of", "settings", "options", "may"),
    [
        ("id long, text string", {}, [], True),
        ("id long, inner struct<a: array<struct<b: date>>>", {}, ["pathGlobFilter"], True),
        ("id long, text string", {}, ["ignoreCorruptFiles"], False),
        ("id long, text string", {}, ["datetimeRebaseMode"], False),
        ("id long, text string", {"spark.sql.files.ignoreCorruptFiles": "true"}, [], False),
        ("id long, text string", {"spark.sql.parquet.binaryAsString": "true"}, [], False),
        ("id long, text string", {"spark.sql.parquet.int96TimestampConversion": "true"}, [], False),
        ("id long, text string", {"spark.sql.parquet.enableVectorizedReader": "false"}, [], False),
        ("id long, text string", {"spark.sql.parquet.enableNestedColumnVectorizedReader": "false"}, [], False),
        ("id long, text string", {"parquet.crypto.factory.class": "a.Factory"}, [], False),
        ("id long NOT NULL, text string", {}, [], False),
        ("id long, text string COMMENT 'told'", {}, [], False),
        ("id long, text varchar(9)", {}, [], False),
        ("id long, text string COLLATE UTF8_LCASE", {}, [], False),
        ("id long, span interval day to second", {}, [], False),
    ],
)
def test_a_schema_or_session_for_which_a_file_is_not_all_is_not_copied(spark, of, settings, options, may):
    from pyspark.sql.types import StructType

    schema = StructType.fromDDL(of)
    rule = record_rule(spark, StructType.fromDDL("id long"), "jsonlines", ["id"], None)
    with session_settings(spark, settings):
        assert may_be_copied(spark, schema, options, rule, "file:/somewhere") is may
        assert may_be_copied(spark, schema, options, rule, "s3a://bucket/somewhere") is may


def test_a_map_that_no_record_has_would_not_be_read(spark):
    from pyspark.sql.types import StructType

    schema = StructType.fromDDL("id long, pairs map<string, long>")
    given = {"format": "jsonlines", "sql": None}
    rules = [record_rule(spark, schema, columns=columns, **given) for columns in (["id"], ["id", "pairs"])]
    assert [may_be_copied(spark, schema, [], rule, "s3a://bucket") for rule in rules] == [False, True]


def test_delta_is_copied_as_long_as_its_files_say_all(spark, tmp_path):
    path = str(tmp_path / "plain")
    spark.range(10).write.format("delta").save(path)
    assert output_formats()["delta"].files_hold_all(spark, path)
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    assert not output_formats()["delta"].files_hold_all(spark, path)
    assert output_formats()["parquet"].files_hold_all(spark, path)
    assert not output_formats()["orc"].files_hold_all(spark, path)
    assert not output_formats()["delta"].files_hold_all(spark, str(tmp_path / "nowhere"))


# Runs, from a run file to the published table.


def opened(spark, world, folder, name, **changes):
    """Returns a driver of a run over `folder`/in."""
    place = folder / f"{name}.yml"
    place.write_text(yaml.safe_dump(run_file(world, name, **changes)).replace("{folder}", str(folder)))
    return open_run(spark, load(place), world.access, silent)


def run(spark, world, folder, name, **changes):
    """Returns where a run over `folder` published, and how it staged its rows."""
    output = {"path": f"{{folder}}/{name}", "format": changes["input"].get("format", "parquet")}
    own = {"staging": f"{folder}/{name}-staging", "output": output}
    driver = opened(spark, world, folder, f"{name}-{uuid.uuid4().hex[:8]}", **own | changes)
    driver.run()
    return folder / name, driver.state.staged


@pytest.mark.slow
@pytest.mark.parametrize("format", ["parquet", "delta"])
def test_a_run_over_copies_publishes_what_a_run_over_written_rows_does(spark, world, tmp_path, format):
    rows = read(spark, one(tmp_path / "rows", table_of(500)))
    rows.write.format(format).save(str(tmp_path / "in"))
    given = {"path": "{folder}/in", "format": format}
    copied, by = run(spark, world, tmp_path, "copied", input=given)
    assert by.is_copied
    written, by = run(spark, world, tmp_path, "written", input=given | {"where": "id >= 0"})
    assert not by.is_copied
    found = [spark.read.format(format).load(str(place)) for place in (copied, written)]
    assert_same_bag(*found)
    assert_same_bag(found[0].drop("echo"), rows)


@pytest.mark.slow
@pytest.mark.long
def test_what_delta_has_deleted_or_renamed_is_not_staged_again(spark, world, tmp_path):
    path = str(tmp_path / "in")
    spark.range(500).selectExpr("id", "string(id) AS key", "id * 2 AS twice").coalesce(1).write.format("delta").save(
        path
    )
    told = {"enableDeletionVectors": "true", "columnMapping.mode": "name", "minReaderVersion": 3, "minWriterVersion": 7}
    features = ", ".join(f"'delta.{key}' = '{value}'" for key, value in told.items())
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ({features})")
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id % 10 = 3")
    spark.sql(f"ALTER TABLE delta.`{path}` RENAME COLUMN twice TO doubled")
    rows = spark.read.format("delta").load(path)
    place, by = run(spark, world, tmp_path, "out", input={"path": path, "format": "delta"})
    assert not by.is_copied
    assert_same_bag(spark.read.format("delta").load(str(place)).drop("echo"), rows)


@pytest.mark.slow
def test_copies_that_are_gone_are_made_again(spark, world, tmp_path):
    one(tmp_path / "in", table_of(500))
    name = f"gone-{uuid.uuid4().hex[:8]}"
    driver = opened(spark, world, tmp_path, name)
    assert driver.step()
    (file,) = driver.state.staged.files
    Path(file.path.removeprefix("file:")).unlink()
    driver.ctx.lease.release()
    again = opened(spark, world, tmp_path, name)
    again.run()
    assert_same_bag(read(spark, tmp_path / "out").drop("echo"), read(spark, tmp_path / "in"))


def hurt(file: Path, column: int) -> None:
    """Makes the values of a column unreadable, those of the file's last row group."""
    found = pq.read_metadata(file)
    place = found.row_group(found.num_row_groups - 1).column(column)
    body = bytearray(file.read_bytes())
    start = place.dictionary_page_offset or place.data_page_offset
    body[start + 40 : start + place.total_compressed_size] = bytes(place.total_compressed_size - 40)
    file.write_bytes(body)


@pytest.mark.slow
@pytest.mark.parametrize("column", ["key", "text"])
def test_a_page_that_cannot_be_read_is_found_before_anything_is_paid_for(spark, world, tmp_path, column):
    """Also one of a column that no record has: it would be met by the merge alone."""
    rows = table_of(4_000)
    file = one(tmp_path / "in", rows, compression="gzip", row_group_size=2_000) / "one.parquet"
    whole = file.read_bytes()
    hurt(file, rows.column_names.index(column))
    name = f"broken-{column}-{uuid.uuid4().hex[:8]}"
    driver = opened(spark, world, tmp_path, name)
    assert driver.step()
    copies = [Path(each.path.removeprefix("file:")) for each in driver.state.staged.files]
    assert driver.state.staged.is_copied
    with pytest.raises(ConfigurationError, match=r"in/one\.parquet"):  # the user's file, and not a copy of it
        driver.run()
    assert driver.state.staged is None
    assert not driver.state.jobs
    assert not any(copy.exists() for copy in copies)
    driver.ctx.lease.release()
    file.write_bytes(whole)
    mended = opened(spark, world, tmp_path, name)
    mended.run()
    assert not mended.state.staged.is_copied
    assert_same_bag(read(spark, tmp_path / "out").drop("echo"), read(spark, tmp_path / "in"))


@pytest.mark.slow
def test_rows_that_have_rotted_are_not_sent_by_whoever_reads_no_checksums(spark, world, tmp_path):
    """Neither the first of them, which are measured, nor near the footer: a copy of them is whole to all but Hadoop."""
    numbers = spark.range(60_000).selectExpr("format_string('row-%06d', id) AS key").coalesce(1)
    told = {"compression": "none", "parquet.enable.dictionary": "false", "parquet.block.size": "65536"}
    told |= {"parquet.block.size.row.check.max": "1000", "parquet.page.write-checksum.enabled": "false"}
    numbers.write.options(**told).parquet(str(tmp_path / "in"))
    (file,) = (tmp_path / "in").glob("*.parquet")
    assert file.read_bytes().count(b"row-030007") == 1
    assert pq.read_metadata(file).num_row_groups > 9
    file.write_bytes(file.read_bytes().replace(b"row-030007", b"row-930007"))
    driver = opened(spark, world, tmp_path, f"rotted-{uuid.uuid4().hex[:8]}")
    assert driver.step()
    assert driver.state.staged.is_copied
    with pytest.raises(ConfigurationError, match="Checksum"):
        driver.run()
    assert not driver.state.jobs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("record", "bad"),
    [
        ({"columns": ["key"]}, "x" * 20_000),  # large
        ({"columns": ["key"], "format": "text"}, "two\nlines"),  # a fault
    ],
)
def test_a_record_that_the_first_rows_do_not_tell_of_has_rows_written(spark, world, tmp_path, record, bad):
    keys = [f"k{number}" for number in range(4_000)]
    one(tmp_path / "in", pa.table({"key": [*keys, bad]}))
    driver = opened(spark, world, tmp_path, f"late-{uuid.uuid4().hex[:8]}", record=record)
    assert driver.step()
    assert driver.state.staged.is_copied
    if "\n" in bad:
        with pytest.raises(ConfigurationError, match="a newline in key"):
            driver.run()
        assert not driver.state.jobs
    else:
        driver.run()
        assert not driver.state.staged.is_copied
        assert_same_bag(read(spark, tmp_path / "out").drop("echo"), read(spark, tmp_path / "in"))


@pytest.mark.slow
def test_a_driver_that_another_one_has_relieved_leaves_the_copies_to_it(spark, world, tmp_path, monkeypatch):
    """Jobs may be planned over them by then, and rows that jobs are paid for cannot be staged again."""
    one(tmp_path / "in", table_of(100))
    driver = opened(spark, world, tmp_path, f"relieved-{uuid.uuid4().hex[:8]}")
    assert driver.step()
    (copy,) = driver.state.staged.files

    def relieved(self, staged, rules):
        driver.ctx.lease.release()
        raise ConfigurationError("the records cannot be written")

    monkeypatch.setattr(type(driver.ctx.tables), "export", relieved)
    with pytest.raises(LedgerFenced):
        driver.run()
    assert Path(copy.path.removeprefix("file:")).exists()


@pytest.mark.slow
def test_for_a_way_that_measures_no_record_rows_are_written(spark, world, tmp_path):
    """How large records are decides how the merge reads and writes them, when jobs are paid for."""
    one(tmp_path / "in", pa.table({"key": [*(f"k{number}" for number in range(1_500)), "x" * 20_000]}))
    driver = opened(spark, world, tmp_path, f"rows-{uuid.uuid4().hex[:8]}", export="rows")
    assert driver.step()
    assert not driver.state.staged.is_copied
    assert is_large(driver.state.staged.largest)


@pytest.mark.slow
@pytest.mark.parametrize("nested", [False, True])
def test_first_rows_that_are_smaller_than_the_rest_do_not_make_small_objects(spark, world, tmp_path, nested):
    """A plan tells how many there will be; there were sixty times as many."""
    texts = [None] * 1_000 + [f"{number:06}" * 100 for number in range(9_000)]
    values = [None if text is None else {"a.b": text} for text in texts] if nested else texts
    one(tmp_path / "in", pa.table({"key.s": values, "more": texts}))
    driver = opened(spark, world, tmp_path, f"first-{uuid.uuid4().hex[:8]}", record={"columns": ["key.s"]})
    assert driver.step()
    assert driver.state.staged.is_copied
    assert 5_400_000 < driver.state.staged.json_bytes < 6_000_000


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(1, 8_000), (8_000, 1)])
def test_objects_are_cut_by_what_records_take_and_not_by_the_first_of_them(spark, world, tmp_path, sizes):
    """A footer tells of a dictionary's values once, however many rows have them: each record was an object."""
    first, others = ([f"{number}" * size for number in range(5)] for size in sizes)
    one(tmp_path / "in", pa.table({"key": [*(first * 200), *(others * 600)]}))
    read_by = {"copied": {"path": "{folder}/in"}, "written": {"path": "{folder}/in", "where": "key <> ''"}}
    objects = {}
    for name, given in read_by.items():
        driver = opened(spark, world, tmp_path, f"{name}-{uuid.uuid4().hex[:8]}", input=given)
        assert driver.step()
        assert driver.state.staged.is_copied is (name == "copied")
        assert driver.step()
        objects[name] = driver.state.spans.rows
    assert objects["copied"] == pytest.approx(objects["written"], rel=0.5)


@pytest.mark.slow
def test_rows_that_one_task_would_export_and_merge_are_repartitioned_as_a_plan_tells(spark, world, tmp_path):
    """The first thousand tell of no partition that is too large, and neither does a footer."""
    one(tmp_path / "in", pa.table({"key": [*("x" * 1_000), *([f"{number}" * 7_900 for number in range(5)] * 4_000)]}))
    name = f"uneven-{uuid.uuid4().hex[:8]}"
    driver = opened(spark, world, tmp_path, name)
    assert driver.step()
    assert driver.state.staged.is_copied
    assert driver.step()
    assert driver.state.staged is None
    assert not [key for key in world.objects(name) if "/input/" in key]
    assert driver.step()
    planned = plan(spark, load(tmp_path / f"{name}.yml"), silent, NOTHING_AROUND)
    assert len(driver.state.staged.files) == planned["staged_partitions"] == 3


@pytest.mark.slow
@pytest.mark.parametrize(("way", "limit"), [("zip", 2**31 - 1), ("join", 32_000_000)])
def test_where_answers_go_to_python_their_batches_have_a_limit_of_bytes(
    spark, world, tmp_path, monkeypatch, way, limit
):
    """Row numbers need none. Answers are as large as they are: ten thousand of 300 kB are more than Arrow holds."""
    merging, seen = type(way_named(way)), []

    def outcomes(self, merge):
        seen.append(int(spark.conf.get("spark.sql.execution.arrow.maxBytesPerBatch").rstrip("b")))
        return with_outcomes(merge.spark, merge.staged, merge.source, merge.shape)

    monkeypatch.setattr(merging, "spark_reads_outputs", False)  # Spark has no file system for S3 here
    monkeypatch.setattr(merging, "outcomes", outcomes)
    one(tmp_path / "in", table_of(100))
    opened(spark, world, tmp_path, f"{way}-{uuid.uuid4().hex[:8]}", merge=way).run()
    assert seen == [limit]


@pytest.mark.slow
def test_what_nobody_knows_of_copies_has_rows_written(spark, world, tmp_path, monkeypatch):
    """Else each process that goes on would read the same copies, whatever becomes of the input."""
    one(tmp_path / "in", table_of(100))
    driver, export = opened(spark, world, tmp_path, f"unknown-{uuid.uuid4().hex[:8]}"), ArrowExport.export

    def broken(self, given):
        if given.staged.is_copied:
            raise PySparkException("nobody knows it")
        return export(self, given)

    monkeypatch.setattr(ArrowExport, "export", broken)
    driver.run()
    assert driver.state.copies_unfit
    assert_same_bag(read(spark, tmp_path / "out").drop("echo"), read(spark, tmp_path / "in"))
