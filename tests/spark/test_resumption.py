"""A run is known by its id: begun again it goes on, or gives back what it published, and never pays twice."""

from __future__ import annotations

import json

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import ConfigurationError
from support.runs import silent
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 300
STEPS = ["stage", "export", "plan", "score", "reconcile", "gate", "merge", "publish"]


def rows(spark, first=0):
    return spark.range(first, first + ROWS, numPartitions=2).select(
        F.col("id").cast("string").alias("key"), F.lit(7).alias("other")
    )


def steps(world, run_id):
    """The kinds of the steps in a run's ledger."""
    return [json.loads(world.body(key))["kind"] for key in world.objects(f"runs/{run_id}/ledger/")]


def interrupt_at(step):
    def listen(event):
        if event.step == step:
            raise KeyboardInterrupt

    return listen


@pytest.fixture(scope="module", params=[2, pytest.param(1, marks=pytest.mark.long)])
def interrupted(request, spark, world, tmp_path_factory):
    """A run that is interrupted once at every step, or every second, after its effect and before its record."""
    arguments = world.arguments(tmp_path_factory.mktemp("run"))
    for step in STEPS[:: request.param]:
        with pytest.raises(KeyboardInterrupt):
            score(rows(spark), **arguments, listener=interrupt_at(step))
    return arguments, score(rows(spark), **arguments)


def test_it_comes_to_the_same_result(spark, interrupted):
    _, result = interrupted
    assert_same_rows(result.df, rows(spark).withColumn("echo", F.col("key")))
    assert result.dead_letters.count() == 0


def test_what_is_done_is_recorded_once(request, world, interrupted):
    arguments, result = interrupted
    kinds = steps(world, arguments["run_id"])
    once = ["opened", "staged", "exported", "gated", "publication", "published", "done"]
    assert [kind for kind in kinds if kind in once] == once
    assert kinds.count("resumed") == len(STEPS[:: request.node.callspec.params["interrupted"]])
    assert kinds.count("job_created") == len(result.report["jobs"])


def test_no_job_is_created_twice(world, interrupted):
    arguments, result = interrupted
    names = [job["name"] for job in result.report["jobs"]]
    assert sorted(world.jobs(arguments["run_id"])) == sorted(names)
    assert len(set(names)) == len(names) <= 2


def test_it_is_published_once(spark, interrupted):
    arguments, result = interrupted
    assert_same_rows(spark.read.parquet(arguments["output"]["path"]), result.df)


@pytest.fixture(scope="module")
def published(spark, world, tmp_path_factory):
    arguments = world.arguments(tmp_path_factory.mktemp("run"), output=None)
    return arguments, score(rows(spark), **arguments)


def test_a_known_run_gives_back_its_stored_result(spark, world, published):
    arguments, result = published
    before = world.objects(f"runs/{arguments['run_id']}"), world.jobs(arguments["run_id"])
    again = score(rows(spark), **arguments, listener=silent)
    assert again.report == result.report
    assert_same_rows(again.df, result.df)
    assert (world.objects(f"runs/{arguments['run_id']}"), world.jobs(arguments["run_id"])) == before


def test_a_known_run_refuses_an_input_of_another_schema(spark, published):
    arguments, _ = published
    with pytest.raises(ConfigurationError, match=r"another schema \(.*other:bigint"):
        score(rows(spark).withColumn("other", F.lit(7).cast("long")), **arguments)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"model": "shaped"}, r"model\.name: was 'echo', now 'shaped'"),
        ({"prediction": "echo string, more int"}, r"prediction\.schema"),
        ({"columns": ["key"]}, r"record\.columns"),
        ({"transform": {"strategy": "SingleRecord"}}, r"transform\.strategy: was 'MultiRecord', now 'SingleRecord'"),
    ],
)
def test_a_known_run_refuses_another_configuration(spark, published, changes, word):
    arguments, _ = published
    with pytest.raises(ConfigurationError, match=word):
        score(rows(spark), **arguments | changes)


def test_what_steers_and_reaches_a_run_may_change(spark, published):
    arguments, result = published
    changed = arguments | {"errors": {"max_rows": 3}, "transform": arguments["transform"] | {"poll_seconds": 9}}
    assert score(rows(spark), **changed).report == result.report


def test_the_embedded_emulator_needs_no_run_id(spark, world, tmp_path):
    arguments = world.arguments(tmp_path, emulator={"models": {"echo": world.models["echo"].url}})
    del arguments["aws"]
    result = score(rows(spark), **arguments | {"run_id": None})
    assert_same_rows(result.df, rows(spark).withColumn("echo", F.col("key")))
    assert result.report["run_id"].startswith("run-")


def test_a_run_that_the_emulator_has_forgotten_is_told_as_that_and_not_as_an_output(spark, world, tmp_path):
    """The same cell of a notebook again, where neither `state` nor an output is named."""
    arguments = world.arguments(tmp_path, emulator={"models": {"echo": world.models["echo"].url}})
    del arguments["aws"], arguments["output"]
    assert score(rows(spark), **arguments).report["status"] == "published"
    with pytest.raises(ConfigurationError, match=r"run_id: the emulator keeps nothing .* choose another run_id"):
        score(rows(spark), **arguments)
