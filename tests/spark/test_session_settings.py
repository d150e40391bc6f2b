"""No setting of a user's session changes a result, and all of them are as they were when `score` returns."""

from __future__ import annotations

import json
import threading

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import ConfigurationError
from batch_transform.spark.settings import OWN_SETTINGS, session_settings
from support.rows import UNSENDABLE, table
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]

USUAL = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
}
ODD = {
    "spark.sql.session.timeZone": "Asia/Kathmandu",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.files.ignoreCorruptFiles": "true",
    "spark.sql.files.ignoreMissingFiles": "true",
    "spark.sql.files.maxRecordsPerFile": "7",
    "spark.sql.files.maxPartitionBytes": "4096",
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.sql.legacy.timeParserPolicy": "LEGACY",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY",
    "spark.sql.parquet.datetimeRebaseModeInRead": "LEGACY",
    "spark.sql.parquet.int96RebaseModeInWrite": "LEGACY",
    "spark.sql.parquet.outputTimestampType": "INT96",
    "spark.sql.parquet.writeLegacyFormat": "true",
    "spark.sql.parquet.mergeSchema": "true",
    "spark.sql.parquet.binaryAsString": "true",
    "spark.sql.parquet.int96AsTimestamp": "false",
    "spark.sql.parquet.fieldId.read.enabled": "true",
    "spark.sql.sources.useV1SourceList": "",
    "spark.sql.sources.default": "csv",
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.ansi.enforceReservedKeywords": "true",
    "spark.sql.function.concatBinaryAsString": "true",
    "spark.sql.execution.pandas.structHandlingMode": "row",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
    "spark.sql.parquet.enableVectorizedReader": "false",
    "spark.sql.parquet.fieldId.write.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "3",
    "spark.sql.execution.arrow.useLargeVarTypes": "true",
    "spark.sql.jsonGenerator.ignoreNullFields": "true",
    "spark.sql.retainGroupColumns": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "5",
}


@pytest.fixture(scope="module")
def source(spark, tmp_path_factory):
    """An input on disk, written before any setting is changed."""
    path = str(tmp_path_factory.mktemp("source") / "rows")
    with session_settings(spark, OWN_SETTINGS):
        table(spark, 60, 11).write.parquet(path)
    return spark.read.parquet(path)


def records(world, run_id):
    """All records of a run, as they were sent, by their key."""
    bodies = b"".join(world.body(key) for key in world.objects(f"rows/{run_id}/input/"))
    return {json.loads(line)["key"]: line for line in bodies.split(b"\n") if line}


def scored_under(spark, world, source, folder, settings):
    """The result, and the records, of a run in a session with these settings."""
    columns = [name for name in source.columns if name != UNSENDABLE]
    with session_settings(spark, settings):
        result = score(source, **world.arguments(folder, columns=columns))
        left = {key: spark.conf.get(key) for key in settings}
    assert left == settings
    return result, records(world, result.report["run_id"])


def test_settings_change_nothing_and_are_put_back(spark, world, source, tmp_path):
    usual, sent_usually = scored_under(spark, world, source, tmp_path / "usual", USUAL)
    odd, sent_oddly = scored_under(spark, world, source, tmp_path / "odd", ODD)
    assert sent_oddly == sent_usually
    with session_settings(spark, OWN_SETTINGS):
        assert_same_rows(odd.df, usual.df)
        assert_same_rows(odd.df.drop("echo"), source)
        assert odd.df.where(~F.col("echo").eqNullSafe(F.col("key"))).count() == 0


def test_settings_are_put_back_after_an_error(spark, world, tmp_path):
    df = spark.range(3)  # with its first table a session of Delta's sets one of these itself
    before = {key: spark.conf.get(key, None) for key in OWN_SETTINGS}
    assert before["spark.sql.session.timeZone"] == "America/St_Johns"
    with pytest.raises(ConfigurationError):
        score(df, **world.arguments(tmp_path, "no-such-model"))
    assert {key: spark.conf.get(key, None) for key in OWN_SETTINGS} == before


def test_two_threads_take_turns_in_a_session_and_its_settings_are_put_back(spark, world, tmp_path):
    before = dict(row for row in spark.sql("SET").collect())
    began, heard, ended = threading.Event(), [], []

    def run(name, listener):
        df = spark.range(3).select(F.col("id").cast("string").alias("key"))
        score(df, listener=listener, **world.arguments(tmp_path / name))
        ended.append(name)

    def hear(event):
        heard.append(event.text)
        began.set()

    second = threading.Thread(target=run, args=("second", hear))

    def first(_event):
        if second.ident is None:
            second.start()
            assert began.wait(60)

    run("first", first)
    second.join()
    assert heard[0].startswith("another thread's run is at work in this Spark session")
    assert ended == ["first", "second"]
    assert dict(row for row in spark.sql("SET").collect()) == before


def test_a_corrupt_file_of_the_input_is_the_sessions_to_ignore(spark, world, tmp_path):
    spark.range(100, numPartitions=4).select(F.col("id").cast("string").alias("key")).write.parquet(f"{tmp_path}/in")
    victim = sorted(tmp_path.glob("in/part-*"))[1]
    victim.write_bytes(victim.read_bytes()[:-40])
    (tmp_path / "in" / f".{victim.name}.crc").unlink()
    with session_settings(spark, {"spark.sql.files.ignoreCorruptFiles": "true"}):
        df = spark.read.schema("key string").parquet(f"{tmp_path}/in")
        assert score(df, **world.arguments(tmp_path / "ignored")).report["rows_in"] == df.count() == 75
    with pytest.raises(ConfigurationError, match=r"its rows cannot be staged: .*FAILED_READ_FILE"):
        score(df, **world.arguments(tmp_path / "read"))
    assert not (tmp_path / "read" / "out").exists()
