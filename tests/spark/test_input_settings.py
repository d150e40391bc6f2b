"""Options of an input for which Spark has only a setting of the session: held while it is read, and put back."""

from __future__ import annotations

import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from batch_transform.config.runfile import RunConfig
from batch_transform.config.sections import Input
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.events import Event
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.same_input import read_source
from batch_transform.pipeline.commands.plan import plan
from batch_transform.pipeline.commands.plan_surroundings import NOTHING_AROUND
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.places import Places
from batch_transform.spark.csv_line_breaks import WARNING
from batch_transform.spark.input_settings import input_session, reader_options
from batch_transform.spark.spark_errors import told_as
from support.runs import silent

pytestmark = pytest.mark.spark

PLACES = Places(S3Uri("b", ""), "", "s3a")
BINARY, NANOS = "spark.sql.parquet.binaryAsString", "spark.sql.legacy.parquet.nanosAsLong"
MOMENT = 1714521600123456789


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files as Impala and pandas write them: text without a type, timestamps of nanoseconds."""
    path = tmp_path_factory.mktemp("settings")
    pq.write_table(pa.table({"key": pa.array([b"a", b"b"])}), path / "binary.parquet")
    moments = pa.array([MOMENT], pa.timestamp("ns", "UTC"))
    (path / "mixed").mkdir()
    for name in ("nanos.parquet", "mixed/z.parquet"):
        pq.write_table(pa.table({"at": moments}), path / name)
    pq.write_table(pa.table({"at": moments.cast(pa.timestamp("us", "UTC"), safe=False)}), path / "mixed" / "a.parquet")
    return path


def read(spark, folder, name, **options):
    given = Input(path=str(folder / name), options=options)
    with input_session(spark, given.format, given.options):
        df = read_source(spark, given, PLACES, None).df
        return df.dtypes, df.collect()


@pytest.mark.parametrize("option", ["binaryAsString", "BINARYASSTRING", BINARY])
def test_a_setting_is_held_for_one_input_and_put_back(spark, folder, option):
    before = spark.conf.get(BINARY)
    types, rows = read(spark, folder, "binary.parquet", **{option: "true"})
    assert (types, [row["key"] for row in rows]) == ([("key", "string")], ["a", "b"])
    assert spark.conf.get(BINARY) == before == "false"
    assert read(spark, folder, "binary.parquet")[0] == [("key", "binary")]


def test_what_the_session_has_set_itself_is_there_again(spark, folder):
    spark.conf.set(NANOS, "true")
    try:
        with pytest.raises(RuntimeError, match="false"), input_session(spark, "parquet", {"nanosAsLong": "false"}):
            raise RuntimeError(spark.conf.get(NANOS))
        assert spark.conf.get(NANOS) == "true"
    finally:
        spark.conf.unset(NANOS)


@pytest.mark.parametrize(
    "options",
    [
        {"mergeSchema": "true"},
        {"datetimeRebaseMode": "CORRECTED", "int96RebaseMode": "LEGACY"},
        {"ignoreCorruptFiles": "true", "pathGlobFilter": "*.parquet"},
    ],
)
def test_what_a_reader_has_an_option_for_is_left_to_it(spark, options):
    assert reader_options("parquet", options) == options
    with input_session(spark, "parquet", options):
        assert spark.conf.get("spark.sql.parquet.mergeSchema") == "false"


def test_a_setting_of_another_formats_reader_is_an_option_of_this_one():
    assert reader_options("csv", {"binaryAsString": "true"}) == {"binaryAsString": "true"}
    assert reader_options("parquet", {"binaryAsString": "true", "inferTimestampNTZ": "false"}) == {}
    assert reader_options("csv", {"partitionColumnTypeInference": "false", "header": "true"}) == {"header": "true"}


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            {"binaryAsString": "perhaps"},
            f"binaryAsString: for it Spark has a setting alone, {BINARY}, and this session",
        ),
        (
            {"spark.sql.shuffle.partitions": "7"},
            "spark.sql.shuffle.partitions is no setting of a reader of files; other",
        ),
        ({"spark.sql.parquet.binaryAsStrin": "true"}, "is no setting of a reader of files (did you mean " + BINARY),
    ],
)
def test_what_is_none_is_refused_and_changes_nothing(spark, options, fault):
    with pytest.raises(ConfigurationError) as caught, input_session(spark, "parquet", options):
        pass
    assert str(caught.value).startswith("input.options: ")
    assert fault in str(caught.value)
    assert "perhaps" not in str(caught.value), "values of options may be secret"
    assert (spark.conf.get(BINARY), spark.conf.get("spark.sql.shuffle.partitions")) == ("false", "2")


def test_timestamps_of_nanoseconds_are_refused_with_the_remedy_and_that_is_one(spark, folder):
    with pytest.raises(
        ConfigurationError, match=r"NANOS.* set input\.options: \{nanosAsLong: true\}.*coerce_timestamps"
    ):
        read(spark, folder, "nanos.parquet")
    types, rows = read(spark, folder, "nanos.parquet", nanosAsLong="true")
    assert (types, rows[0]["at"]) == ([("at", "bigint")], MOMENT)


def test_a_second_file_of_nanoseconds_is_told_the_same(spark, folder):
    said = "If the files have timestamps of nanoseconds: set input.options"
    with pytest.raises((ConfigurationError, ServiceFailure), match=said), told_as("input"):
        read(spark, folder, "mixed")


def test_a_run_reads_its_input_under_them_and_everything_else_without(spark, world, folder, tmp_path):
    document = {
        **world.arguments(tmp_path),
        "input": {"path": str(folder / "binary.parquet"), "options": {"binaryAsString": True}},
        "model": {"name": "echo"},
        "prediction": {"schema": "echo string"},
    }
    config = RunConfig.from_document(document)
    assert plan(spark, config, silent, NOTHING_AROUND)["rows_in"] == 2
    driver = open_run(spark, config, world.access, silent)
    report = driver.run().report
    driver.close(report)
    out = spark.read.parquet(str(tmp_path / "out"))
    assert sorted(map(tuple, out.select("key", "echo").collect())) == [("a", "a"), ("b", "b")]
    assert BINARY not in dict(driver.state.staged.settings), "it is the input's, and not the session's"
    assert spark.conf.get(BINARY) == "false"
    assert out.where(F.col("key") == "a").count() == 1


@pytest.mark.parametrize(
    ("text", "options", "keys", "warned"),
    [
        ('key,n\n"a\nb",1\n', {"multiLine": "true"}, ["a\nb"], False),
        ('key,n\n"a\nb",1\n', {}, ["a", 'b"'], True),
        ('key,n\n"a,b",1\n5" pipe,2\n', {}, ["a,b", '5" pipe'], False),
    ],
)
def test_a_line_break_in_a_field_of_csv_is_one_where_that_is_asked(spark, world, tmp_path, text, options, keys, warned):
    """Spark says nothing of it, so the run does, and its plan."""
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "breaks.csv").write_text(text)
    given = {"path": str(tmp_path / "a b"), "format": "csv", "options": {"header": "true", **options}}
    config = RunConfig.from_document(
        {
            **world.arguments(tmp_path),
            "run_id": f"r{uuid.uuid4().hex[:8]}",
            "input": given,
            "model": {"name": "echo"},
            "prediction": {"schema": "echo string"},
        }
    )
    told: list[Event] = []
    plan(spark, config, told.append, NOTHING_AROUND)
    assert [event.text for event in told].count(WARNING) == warned
    told.clear()
    driver = open_run(spark, config, world.access, told.append)
    driver.close(driver.run().report)
    assert [event.text for event in told].count(WARNING) == warned
    assert sorted(row["key"] for row in spark.read.parquet(str(tmp_path / "out")).collect()) == sorted(keys)


@pytest.mark.jars
def test_options_hold_for_a_table_that_is_named_as_well(spark):
    name = f"t_{uuid.uuid4().hex}"
    try:
        for keys in (2, 1):
            spark.range(keys).write.format("delta").mode("overwrite").saveAsTable(name)
        given = Input(table=name, options={"versionAsOf": "0"})
        assert read_source(spark, given, PLACES, None).df.count() == 2
        with pytest.raises(ConfigurationError, match="no such version"):
            read_source(spark, Input(table=name, options={"versionAsOf": "9"}), PLACES, None)
    finally:
        spark.sql(f"DROP TABLE IF EXISTS {name}")
