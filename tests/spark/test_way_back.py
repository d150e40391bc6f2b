"""Dead rows are not lost: they are sent again before publishing, or by a run of their own after it."""

from __future__ import annotations

import shutil

import pytest
import yaml
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.config.loading import load
from batch_transform.core.errors import ConfigurationError, ErrorBudgetExceeded
from batch_transform.pipeline.commands.plan import plan
from batch_transform.pipeline.commands.plan_surroundings import Around
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.s3.store import S3Store
from support import answers
from support.runs import silent
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 40
BAD = {"3", "17", "31"}


def rows(spark):
    """Rows that a JSON object can tell, beside what it cannot."""
    return spark.range(ROWS, numPartitions=2).select(
        F.col("id").cast("string").alias("key"), F.expr("CAST(id AS DECIMAL(20, 7))").alias("exact")
    )


def refusing(body):
    asked = answers.keys(body)
    return (400, b"bad row") if BAD.intersection(asked) else answers.echo(body)


@pytest.fixture
def refuses(world, monkeypatch):
    """A model that refuses some rows; called, it is mended."""
    script = world.models["echo"].script
    monkeypatch.setattr(script, "answer", refusing)
    return lambda: monkeypatch.setattr(script, "answer", answers.echo)


def asked_since(world, first):
    return {key for body in world.models["echo"].bodies[first:] for key in answers.keys(body)}


def test_dead_rows_of_an_unpublished_run_are_sent_again_by_itself_and_by_no_other(spark, world, tmp_path, refuses):
    """By no run over its dead letters, neither before it is published nor after, when it has none."""
    arguments = world.arguments(tmp_path)
    with pytest.raises(ErrorBudgetExceeded, match="retry_dead=True"):
        score(rows(spark), **arguments)
    with pytest.raises(ConfigurationError, match=r"is not published: `resume s3://.* --retry-dead`"):
        open_run(spark, of_dead_letters(arguments, arguments["run_id"]), world.access, silent)
    refuses()
    first = len(world.models["echo"].bodies)
    result = score(rows(spark), **arguments, retry_dead=True)
    assert asked_since(world, first) >= BAD
    assert_same_rows(result.df, rows(spark).withColumn("echo", F.col("key")))
    assert result.dead_letters.count() == 0
    first = len(world.models["echo"].bodies)
    again = score(rows(spark), **arguments, retry_dead=True)  # no row is dead any more
    assert (again.report, asked_since(world, first)) == (result.report, set())
    for run, words in [(arguments["run_id"], "has no dead letter"), ("never", "there is no run")]:
        with pytest.raises(ConfigurationError, match=words):
            plan(spark, of_dead_letters(arguments, run), silent, Around(S3Store(world.client("s3"))))


def of_dead_letters(arguments, run, format="parquet", **changes):
    """The run file of a run over another one's dead letters."""
    document = {
        **arguments,
        "run_id": f"{arguments['run_id']}-again",
        "model": {"name": arguments["model"]},
        "prediction": {"schema": arguments["prediction"]},
        "input": {"dead_letters": run},
        **changes,
    }
    document["output"] = {**arguments["output"], "format": format}
    text = yaml.safe_dump(document)
    return load("run.yml", read=lambda path: text)


def published(spark, world, tmp_path, format):
    """The arguments of a published run with dead letters."""
    output = {"path": str(tmp_path / "out"), "format": format, "mode": "append"}
    arguments = world.arguments(tmp_path, errors={"max_rows": 9}, output=output)
    assert score(rows(spark), **arguments).report["rows_dead_letter"] == len(BAD)
    with pytest.raises(ConfigurationError, match=r"its dead rows stay .* score\(result\.dead_letters\.select\("):
        score(rows(spark), **arguments, retry_dead=True)
    return {**arguments, "output": {"path": output["path"]}}


@pytest.mark.parametrize(("format", "staged"), one_in(2, [("parquet", "there"), ("delta", "gone")]))
def test_dead_letters_of_a_published_run_are_an_input(spark, world, tmp_path, refuses, format, staged):
    arguments = published(spark, world, tmp_path, format)
    dead = spark.read.format(format).load(f"{arguments['output']['path']}_dead_letter")
    before = dead.count()
    if staged == "gone":
        shutil.rmtree(arguments["staging"])
    refuses()
    first = len(world.models["echo"].bodies)
    config = of_dead_letters(arguments, arguments["run_id"], format)
    planned = plan(spark, config, silent, Around(S3Store(world.client("s3"))))
    assert planned["rows_in"] == len(BAD)
    driver = open_run(spark, config, world.access, silent)
    report = driver.run().report
    driver.close(report)
    assert (report["rows_in"], report["rows_scored"]) == (len(BAD), len(BAD))
    assert asked_since(world, first) == BAD
    result = spark.read.format(format).load(arguments["output"]["path"])
    assert_same_rows(result, rows(spark).withColumn("echo", F.col("key")))
    assert spark.read.format(format).load(f"{arguments['output']['path']}_dead_letter").count() == before == len(BAD)


@pytest.mark.long
def test_they_are_those_of_that_run_and_of_no_other(spark, world, tmp_path, refuses):
    arguments = published(spark, world, tmp_path, "delta")
    other = {**arguments, "run_id": f"{arguments['run_id']}-2", "output": {**arguments["output"], "format": "delta"}}
    score(rows(spark), **{**other, "output": {**other["output"], "mode": "append"}})
    shutil.rmtree(arguments["staging"])
    refuses()
    config = of_dead_letters(arguments, f"{arguments['workspace']}/{arguments['run_id']}", "delta")
    assert plan(spark, config, silent, Around(S3Store(world.client("s3"))))["rows_in"] == len(BAD)
