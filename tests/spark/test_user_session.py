"""What the user's session says holds for their input and expressions, in every session that goes on with the run."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import pytest
from pyspark.sql import DataFrameReader
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.pipeline.places import Places
from batch_transform.spark.setting_classes import user_settings
from batch_transform.spark.settings import session_settings
from support.emulated import BUCKET
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]

BERLIN = {
    "spark.sql.session.timeZone": "Europe/Berlin",
    "spark.sql.legacy.timeParserPolicy": "LEGACY",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.legacy.sizeOfNull": "true",
}
ELSEWHERE = {
    "spark.sql.session.timeZone": "Asia/Kathmandu",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.files.ignoreCorruptFiles": "true",
}
# Of a record, in Berlin: an hour, a date that only the legacy parser reads, null where ANSI raises, -1 of a null array.
RECORD_SQL = (
    "named_struct('key', key, 'hour', hour(timestamp_seconds(1714516200)), "
    "'day', to_date('3/7/2024', 'MM/dd/yyyy'), 'none', cast('x' as int), 'size', size(cast(null as array<int>)))"
)
IN_BERLIN = {"hour": 0, "day": "2024-03-07", "none": None, "size": -1}
PREDICTION_SQL = [
    "echo AS said",
    "hour(timestamp_seconds(1714516200)) AS hour",
    "to_date('3/7/2024', 'MM/dd/yyyy') AS day",
    "cast(echo as timestamp) AS at",
]


def keyed(spark, rows=20):
    return spark.range(rows, numPartitions=2).select(F.col("id").cast("string").alias("key"))


def interrupt_at(step):
    def listen(event):
        if event.step == step:
            raise KeyboardInterrupt

    return listen


def interrupted(df, arguments, step):
    with pytest.raises(KeyboardInterrupt):
        score(df, **arguments, listener=interrupt_at(step))


def records(world, run_id):
    """The records of a run, as they were sent, by their key."""
    bodies = b"".join(world.body(key) for key in world.objects(f"rows/{run_id}/input/"))
    return {json.loads(line)["key"]: json.loads(line) for line in bodies.split(b"\n") if line}


def payload(world, run_id, kind):
    """What the step of that kind says."""
    steps = (json.loads(world.body(key)) for key in world.objects(f"runs/{run_id}/ledger/"))
    return next(step["payload"] for step in steps if step["kind"] == kind)


def read_copies_of_outputs(monkeypatch, world, folder):
    """Lets Spark read outputs from disk, as it knows no s3a here."""
    given = Places.spark_path

    def spark_path(places, location):
        if not location.endswith(".out"):
            return given(places, location)
        path = folder / location.removeprefix("s3://")
        path.parent.mkdir(parents=True, exist_ok=True)
        body = b"a probe that is not there yet"
        if "/probe/" not in location:
            body = world.body(location.removeprefix(f"s3://{BUCKET}/"))
        path.write_bytes(body)
        return f"file:{path}"

    monkeypatch.setattr(Places, "spark_path", spark_path)


def test_text_is_read_as_the_session_reads_it(spark, world, tmp_path):
    (tmp_path / "in.csv").write_text("key,t,d\n1,2024-05-01 00:30:00,3/7/2024\n")
    with session_settings(spark, BERLIN):
        reader = spark.read.option("header", True).option("dateFormat", "MM/dd/yyyy")
        df = reader.schema("key string, t timestamp, d date").csv(str(tmp_path / "in.csv"))
        result = score(df, **world.arguments(tmp_path)).df
        assert result.select(F.unix_seconds("t"), F.col("d").cast("string")).collect() == [(1714516200, "2024-03-07")]
        assert_same_rows(result.drop("echo"), df)


def test_the_staged_step_records_the_users_settings_and_no_other(spark, world, tmp_path):
    secret = {"spark.hadoop.fs.s3a.secret.key": "hush", "spark.sql.parquet.outputTimestampType": "INT96"}
    with session_settings(spark, {**BERLIN, **secret}):
        arguments = world.arguments(tmp_path)
        interrupted(keyed(spark), arguments, "export")
    recorded = payload(world, arguments["run_id"], "staged")["settings"]
    assert recorded.items() >= BERLIN.items()
    assert recorded.keys() <= user_settings()


def test_record_sql_means_in_another_session_what_it_meant_where_the_rows_were_staged(spark, world, tmp_path):
    arguments = world.arguments(tmp_path, record={"sql": RECORD_SQL})
    with session_settings(spark, BERLIN):
        interrupted(keyed(spark), arguments, "export")
    with session_settings(spark, ELSEWHERE):
        before = {key: spark.conf.get(key, None) for key in user_settings()}
        interrupted(keyed(spark), arguments, "plan")
        assert {key: spark.conf.get(key, None) for key in user_settings()} == before
    sent = records(world, arguments["run_id"])
    assert sent == {str(key): {"key": str(key), **IN_BERLIN} for key in range(20)}


@pytest.mark.parametrize(("merge", "output"), one_in(2, itertools.product(["zip", "join"], ["parquet", "delta"])))
def test_prediction_sql_means_in_another_session_what_it_meant_before(
    spark, world, tmp_path, merge, output, monkeypatch
):
    arguments = world.arguments(
        tmp_path,
        prediction={"schema": "echo string", "sql": PREDICTION_SQL, "provenance": True},
        output={"path": str(tmp_path / "out"), "format": output},
        merge=merge,
    )
    if merge == "join":
        read_copies_of_outputs(monkeypatch, world, tmp_path)
    with session_settings(spark, BERLIN):
        interrupted(keyed(spark), arguments, "gate")
    with session_settings(spark, ELSEWHERE):
        result = score(keyed(spark), **arguments).df
        found = {tuple(row) for row in result.select("hour", F.col("day").cast("string"), "at").collect()}
    assert found == {(0, "2024-03-07", None)}
    assert result.columns == ["key", "said", "hour", "day", "at", "provenance"]


@pytest.mark.parametrize("way", one_in(2, ["arrow_udf", "pandas_udf"]))  # of Spark 4.1 and later, and of 3.5
def test_moments_come_from_python_as_they_are_whatever_zone_the_session_is_in(spark, world, tmp_path, monkeypatch, way):
    if way == "pandas_udf":
        monkeypatch.delattr(F, "arrow_udf")
    df = spark.createDataFrame([("2024-05-01T00:30:00Z",), ("refused!",)], "key string").coalesce(1)
    prediction = {"schema": "echo timestamp", "sql": ["echo AS at"], "provenance": True}
    arguments = world.arguments(tmp_path, "shaped", prediction=prediction, errors={"max_rows": 1})
    with session_settings(spark, ELSEWHERE):
        result = score(df, **arguments)
        ((at, scored),) = result.df.select(F.unix_seconds("at"), F.unix_seconds("provenance.scored_at")).collect()
        (died,) = result.dead_letters.select(F.unix_seconds("error.time")).first()
    assert at == 1714523400
    assert max(abs(time.time() - scored), abs(time.time() - died)) < 1200


def test_a_run_that_recorded_no_settings_goes_on_under_those_it_was_staged_with(spark, world, tmp_path, monkeypatch):
    monkeypatch.setattr("batch_transform.pipeline.tables.spark_tables.settings_to_record", lambda spark: {})
    arguments = world.arguments(
        tmp_path, record={"sql": "named_struct('key', key, 'hour', hour(timestamp_seconds(0)))"}
    )
    with session_settings(spark, BERLIN):
        interrupted(keyed(spark), arguments, "plan")  # once the records are there
    assert {record["hour"] for record in records(world, arguments["run_id"]).values()} == {0}


def test_old_dates_of_record_sql_are_spelled_alike_whatever_parses_the_sessions_dates(spark, world, tmp_path):
    moment = "timestamp'1582-10-10 00:00:00.000001 UTC'"
    values = (
        f"named_struct('key', key, 'd', date'1582-10-10', 't', {moment}, 'n', timestamp_ntz'1582-10-12 23:59:59', "
        f"'all', array(named_struct('d', date'+12000-01-01'), null), 'map', map('k', {moment}), "
        "'early', date_add(date'0001-01-01', -800), 'none', cast(null as timestamp))"
    )

    def sent(settings):
        arguments = world.arguments(tmp_path / settings["spark.sql.ansi.enabled"], record={"sql": values})
        with session_settings(spark, settings):
            interrupted(keyed(spark, 1), arguments, "plan")  # once the records are there
        return records(world, arguments["run_id"])["0"]

    usual = sent(ELSEWHERE)
    assert (usual["d"], usual["t"], usual["early"]) == ("1582-10-10", "1582-10-10T00:00:00.000001Z", "-0002-10-24")
    assert sent(BERLIN) == usual


def test_the_stored_result_reads_alike_in_every_session(spark, world, tmp_path):
    df = spark.sql(
        "SELECT '1' AS key, timestamp'0001-01-01 00:00:00.000001 UTC' AS t, date'0001-01-01' AS d, X'00FF' AS b, "
        "timestamp_ntz'1200-01-01 00:00:00' AS n, date'1500-03-01' AS part"
    )
    arguments = world.arguments(tmp_path, columns=["key"])
    arguments["output"]["partition_by"] = ["part"]
    with session_settings(spark, BERLIN):
        result = score(df, **arguments)
        assert_same_rows(result.df.select(*df.columns), df)
        spark.catalog.clearCache()
        folder = tmp_path / "out"
        assert_same_rows(spark.read.schema(result.df.schema).parquet(str(folder)).select(*df.columns), df)
    odd = {
        **ELSEWHERE,
        "spark.sql.parquet.datetimeRebaseModeInRead": "LEGACY",
        "spark.sql.parquet.int96RebaseModeInRead": "LEGACY",
        "spark.sql.parquet.binaryAsString": "true",
        "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
        "spark.sql.parquet.mergeSchema": "true",
    }
    with session_settings(spark, odd):
        assert_same_rows(score(df, **arguments).df.select(*df.columns), df)


def test_text_of_fixed_length_is_padded_as_the_session_of_the_input_pads_it(spark, world, tmp_path):
    keyed(spark, 1).withColumn("code", F.lit("ab")).coalesce(1).write.parquet(f"{tmp_path}/in")
    spark.sql(f"CREATE TABLE padded (key STRING, code CHAR(5)) USING parquet LOCATION 'file:{tmp_path}/in'")
    arguments = world.arguments(tmp_path, record={"sql": "struct(key, code)"})
    try:
        with session_settings(spark, {"spark.sql.readSideCharPadding": "false"}):
            df = spark.table("padded")
            assert df.first()["code"] == "ab"
            assert score(df, **arguments).df.first()["code"] == "ab"
        assert score(df, **arguments).df.schema["code"].metadata == df.schema["code"].metadata != {}
        assert score(df, **arguments).df.first()["code"] == "ab"
    finally:
        spark.sql("DROP TABLE padded")
    assert records(world, arguments["run_id"]) == {"0": {"key": "0", "code": "ab"}}


def test_variants_and_binaries_pass_through_a_session_that_reads_binaries_as_text(spark, world, tmp_path):
    df = keyed(spark, 1).select("key", F.expr("parse_json('{\"a\": 1}') AS document"), F.expr("X'00FF' AS bytes"))
    prediction = {"schema": "echo string", "sql": ["upper(echo) AS said"]}
    arguments = world.arguments(tmp_path, record={"sql": "struct(key, document, bytes)"}, prediction=prediction)
    with session_settings(spark, {"spark.sql.parquet.binaryAsString": "true"}):
        result = score(df, **arguments).df
        assert result.schema["bytes"].dataType == df.schema["bytes"].dataType
    assert_same_rows(result.drop("said"), df)
    assert records(world, arguments["run_id"])["0"]["document"] == {"a": 1}


def test_columns_are_staged_apart_though_their_field_ids_are_the_same(spark, world, tmp_path):
    ids = {"parquet.field.id": 1}
    df = keyed(spark).select(
        F.col("key").alias("key", metadata=ids), F.concat(F.lit("x"), "key").alias("other", metadata=ids)
    )
    with session_settings(spark, {"spark.sql.parquet.fieldId.read.enabled": "true"}):
        assert_same_rows(score(df, **world.arguments(tmp_path)).df.drop("echo"), df)


def test_an_output_that_is_gone_is_no_loss_of_rows_though_the_session_ignores_missing_files(
    spark, world, tmp_path, monkeypatch
):
    read_copies_of_outputs(monkeypatch, world, tmp_path)
    given = DataFrameReader.text

    def gone(reader, paths, **how):
        texts = given(reader, paths, **how)
        if "/probe/" not in paths[0]:
            Path(paths[0].removeprefix("file:")).unlink()
        return texts

    monkeypatch.setattr(DataFrameReader, "text", gone)
    prediction = {"schema": "echo string", "sql": ["upper(echo) AS said"]}
    arguments = world.arguments(tmp_path, prediction=prediction, merge="join")
    ignoring = session_settings(spark, {"spark.sql.files.ignoreMissingFiles": "true"})
    with ignoring, pytest.raises(ServiceFailure, match="FAILED_READ_FILE"):
        score(keyed(spark), **arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "prediction", one_in(2, ["echo string", {"schema": "echo string", "sql": ["upper(echo) AS said"]}])
)
def test_columns_that_differ_in_case_only_come_whole_where_the_session_tells_them_apart(
    spark, world, tmp_path, prediction
):
    output = {"path": str(tmp_path / "out"), "partition_by": ["part"]}
    arguments = world.arguments(tmp_path, prediction=prediction, output=output, columns=["key", "KEY"])
    with session_settings(spark, {"spark.sql.caseSensitive": "true"}):
        df = keyed(spark).select("key", F.lit("b").alias("KEY"), F.lit(1).alias("part"), F.lit(2).alias("Part"))
        assert_same_rows(score(df, **arguments).df.select(*df.columns), df)
    assert records(world, arguments["run_id"])["7"] == {"key": "7", "KEY": "b"}


def test_columns_that_differ_in_case_only_are_refused_before_any_work(spark, world, tmp_path):
    with session_settings(spark, {"spark.sql.caseSensitive": "true"}):
        df = spark.createDataFrame([("1", "b", "c")], "key string, a string, A string")
    arguments = world.arguments(tmp_path)
    with pytest.raises(ConfigurationError, match="but for upper and lower case"):
        score(df, **arguments)
    assert not world.objects(f"runs/{arguments['run_id']}/")
