"""What only predictions can violate never ends a run for good: it is published elsewhere, and nothing is paid again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_transform import score
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.state import actions as act
from batch_transform.pipeline.checks import preflight
from batch_transform.pipeline.loop import driver
from batch_transform.pipeline.loop.handlers import publish as publish_handlers
from batch_transform.pipeline.tables.spark_tables import SparkTables
from support.emulated import BUCKET
from support.sampling import one_in

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]


def keys(spark):
    return spark.createDataFrame([(n, f"k{n}") for n in range(4)], "id int, key string")


@pytest.fixture
def refused(spark, world, tmp_path):
    """A run that is scored, and whose table refuses a prediction; its arguments."""
    place = f"{tmp_path}/strict"
    spark.sql(f"CREATE TABLE delta.`{place}` (id INT, key STRING, echo STRING) USING delta")
    spark.sql(f"ALTER TABLE delta.`{place}` ADD CONSTRAINT c CHECK (echo <> 'k2')")
    arguments = world.arguments(
        tmp_path, output={"path": place, "format": "delta", "mode": "append"}, dead_letter={"path": f"{tmp_path}/dead"}
    )
    check_refused(spark, arguments)
    return arguments


def check_refused(spark, arguments):
    with pytest.raises(ServiceFailure, match="with another output") as ended:
        score(keys(spark), **arguments)
    assert "strict" in str(ended.value)
    assert "a row breaks what the table demands: CHECK constraint c" in str(ended.value)
    assert "k2 " not in str(ended.value)


@pytest.mark.parametrize("format", one_in(2, ["parquet", "delta"]))
def test_another_output_is_checked_against_the_staged_rows_and_takes_what_was_scored(
    spark, world, tmp_path, refused, format
):
    jobs = world.jobs(refused["run_id"])
    check_refused(spark, refused)  # again: the same end, and nothing paid
    positive = f"{tmp_path}/positive"
    spark.sql(f"CREATE TABLE delta.`{positive}` (id INT, key STRING, echo STRING) USING delta")
    spark.sql(f"ALTER TABLE delta.`{positive}` ADD CONSTRAINT c CHECK (id > 0)")
    with pytest.raises(ConfigurationError, match="1 row cannot be published"):  # by what was staged
        score(keys(spark), **{**refused, "output": {"path": positive, "format": "delta", "mode": "append"}})
    other = {"path": f"{tmp_path}/other", "format": format, "mode": "append"}
    changed = {**refused, "output": other, "dead_letter": {"path": f"{tmp_path}/dead2"}}
    assert score(keys(spark), **changed).report["status"] == "published"
    assert world.jobs(refused["run_id"]) == jobs
    stored = spark.read.format(format).load(f"{tmp_path}/other")
    assert sorted((row.key, row.echo) for row in stored.collect()) == [(f"k{n}", f"k{n}") for n in range(4)]
    assert spark.read.format("delta").load(f"{tmp_path}/strict").count() == 0


def test_a_table_that_was_mended_takes_what_was_scored(spark, world, tmp_path, refused):
    jobs = world.jobs(refused["run_id"])
    spark.sql(f"ALTER TABLE delta.`{tmp_path}/strict` DROP CONSTRAINT c")
    assert score(keys(spark), **refused).report["status"] == "published"
    assert world.jobs(refused["run_id"]) == jobs
    assert spark.read.format("delta").load(f"{tmp_path}/strict").count() == 4


@pytest.mark.long
def test_other_columns_of_predictions_fit(spark, world, tmp_path, refused):
    changed = {**refused, "prediction": {"schema": "echo string", "sql": ["concat(echo, '!') AS echo"]}}
    assert score(keys(spark), **changed).report["status"] == "published"
    stored = spark.read.format("delta").load(f"{tmp_path}/strict")
    assert sorted(row.echo for row in stored.collect()) == [f"k{n}!" for n in range(4)]


@pytest.mark.long
def test_a_result_that_was_committed_is_published_nowhere_else(spark, world, tmp_path, monkeypatch):
    """The driver dies between the commit and the step that says so."""
    output = {"path": f"{tmp_path}/out", "format": "delta", "mode": "append"}
    arguments = world.arguments(tmp_path, output=output)
    real = SparkTables.commit

    def dies(tables, state, kind, how):
        rows = real(tables, state, kind, how)
        if kind == "result":
            raise ServiceFailure("killed")
        return rows

    monkeypatch.setattr(SparkTables, "commit", dies)
    with pytest.raises(ServiceFailure, match="killed"):
        score(keys(spark), **arguments)
    monkeypatch.undo()
    with pytest.raises(ConfigurationError, match=r"has published its result in .*/out already"):
        score(keys(spark), **{**arguments, "output": {**output, "path": f"{tmp_path}/other"}})
    assert not (tmp_path / "other").exists()
    assert score(keys(spark), **arguments).report["status"] == "published"
    assert spark.read.format("delta").load(f"{tmp_path}/out").count() == 4


def test_a_merge_by_join_that_spark_cannot_read_is_refused_at_first(spark, world, tmp_path, monkeypatch):
    arguments = world.arguments(tmp_path, merge="join")
    real = preflight.check_spark_reads
    monkeypatch.setattr(
        "batch_transform.pipeline.checks.all_checks.check_spark_reads",
        lambda session, places, *rest: real(session, replace(places, s3_scheme="nofs"), *rest),
    )
    before = world.objects()
    with pytest.raises(ConfigurationError, match=r"merge: join has Spark read .*nofs://.*set merge: zip"):
        score(keys(spark), **arguments)
    assert world.objects() == before
    assert world.jobs(arguments["run_id"]) == []


@pytest.mark.long
def test_rows_of_committed_dead_letters_stay_dead_though_their_answers_are_lost(spark, world, tmp_path, monkeypatch):
    """The dead letters are committed, the result is not, all outputs are lost, and other rows die than before."""
    output = {"path": f"{tmp_path}/out", "format": "delta", "mode": "overwrite"}
    arguments = world.arguments(tmp_path, output=output, errors={"max_rows": 4})
    real = SparkTables.commit

    def dies(tables, state, kind, how):
        if kind == "result":
            raise ServiceFailure("killed")
        return real(tables, state, kind, how)

    monkeypatch.setattr(SparkTables, "commit", dies)
    with world.faults(_refused("k1")), pytest.raises(ServiceFailure, match="killed"):
        score(keys(spark), **arguments)
    monkeypatch.undo()
    for key in world.objects(f"rows/{arguments['run_id']}/output/"):
        world.client("s3").delete_object(Bucket=BUCKET, Key=key)
    with world.faults(_refused("k2")):
        assert score(keys(spark), **arguments).report["rows_dead_letter"] == 2
    tables = [spark.read.format("delta").load(f"{tmp_path}/{name}") for name in ("out", "out_dead_letter")]
    assert [sorted(row.key for row in table.collect()) for table in tables] == [["k0", "k3"], ["k1", "k2"]]
    assert {row.error["class"] for row in tables[1].collect()} == {"rejected by the model"}


def _refused(key):
    return {"fault": "status", "status": 400, "record": f'"key":"{key}"'}


@pytest.mark.parametrize("format", ["parquet", "delta"])
def test_who_was_second_at_an_output_that_must_be_new_is_told_how_what_was_scored_is_published(
    spark, world, tmp_path, monkeypatch, format
):
    """Each resumption met the same refusal, which said that nothing was done and nothing is paid."""
    arguments = world.arguments(tmp_path, output={"path": f"{tmp_path}/out", "format": format})
    real = publish_handlers.intend

    def first(ctx, state, action):
        keys(spark).write.format(format).save(f"{tmp_path}/out")
        return real(ctx, state, action)

    monkeypatch.setitem(driver._HANDLERS, act.Intend, first)
    with pytest.raises(ServiceFailure, match="is scored") as ended:
        score(keys(spark), **arguments)
    monkeypatch.undo()
    way = "To publish in another place, without scoring again: the same call of score() with another output"
    assert way in ended.value.ways
    refusal = ServiceFailure if format == "delta" else ConfigurationError  # which has set out to commit
    with pytest.raises(refusal, match=r"output\.mode is error") as again:
        score(keys(spark), **arguments)
    assert way in again.value.ways
    jobs = world.jobs(arguments["run_id"])
    result = score(keys(spark), **{**arguments, "output": {"path": f"{tmp_path}/other", "format": format}})
    assert sorted(row.echo for row in result.df.collect()) == ["k0", "k1", "k2", "k3"]
    assert world.jobs(arguments["run_id"]) == jobs
