"""Whatever shape an output has, no worker dies, no row gets another row's prediction, every row has one outcome."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import ErrorBudgetExceeded, ServiceFailure
from support.answers import SHAPES
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 800
# What becomes of a row whose answer has the shape, alone in the end: its class; None: it is scored.
CLASSES = {
    "all-null": "unreadable prediction",
    "glued": None,
    "glued-even": "unreadable prediction",
    "blank-between": None,  # alone it is a newline behind the answer, as real servers send it
    "blank-instead": "mismatching output",
    "pretty": "mismatching output",
    "long": None,
    "fewer": "mismatching output",
    "more": "mismatching output",
    "no-json": "unreadable prediction",
    "refused": "model error",
}


def keyed(spark, rows, marks):
    """Rows with keys "0", "1", ...; `marks` puts a shape before some of them."""
    name = F.create_map(*[F.lit(part) for mark in marks.items() for part in mark]) if marks else None
    number = F.col("id").cast("string")
    key = F.concat(F.coalesce(name[F.col("id")], F.lit("")), number) if marks else number
    return spark.range(rows, numPartitions=2).select(key.alias("key"), (F.col("id") * 3).alias("other"))


@pytest.fixture(scope="module")
def scored(spark, world, tmp_path_factory):
    """A run in which each shape comes once, in an object of its own, and all else is well."""
    marks = {40 + 70 * place: f"{shape}!" for place, shape in enumerate(CLASSES)}
    df = keyed(spark, ROWS, marks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 400)
        arguments = world.arguments(tmp_path_factory.mktemp("run"), "shaped", errors={"max_fraction": 1.0})
        result = score(df, **arguments)
        return df, replace(result, df=result.df.cache(), dead_letters=result.dead_letters.cache())


def test_the_shapes_are_those_that_the_model_has():
    assert set(CLASSES) == {*SHAPES, "refused"}


def test_no_row_has_the_prediction_of_another(scored):
    _, result = scored
    assert result.df.where(~F.col("echo").eqNullSafe(F.col("key"))).count() == 0


def test_only_marked_rows_are_dead_and_every_row_has_one_outcome(scored):
    """But for `all-null`, a container that answers `null` for a whole mini-batch when one record is in it."""
    df, result = scored
    dead = result.dead_letters
    assert_same_rows(result.df.drop("echo").unionByName(dead.drop("error")), df)
    objects = dead.groupBy("error.object").agg(F.max(F.col("key").startswith("all-null!")).alias("nulls"))
    unmarked = dead.where(~F.col("key").contains("!")).select("error.object").join(objects, "object")
    assert unmarked.where(~F.col("nulls")).count() == 0
    assert dead.where(F.col("key").contains("!")).count() == sum(kind is not None for kind in CLASSES.values())
    report = result.report
    counted = (report["rows_in"], report["rows_scored"], report["rows_dead_letter"])
    assert counted == (ROWS, result.df.count(), dead.count())
    assert report["rounds"] <= 4


@pytest.mark.parametrize(("shape", "error_class"), CLASSES.items())
def test_a_shape_has_its_class(scored, shape, error_class):
    _, result = scored
    marked = F.col("key").startswith(f"{shape}!")
    found = [row["class"] for row in result.dead_letters.where(marked).select("error.class").collect()]
    assert found == ([] if error_class is None else [error_class])
    assert result.df.where(marked).count() == (error_class is None)


def test_an_error_says_where_it_happened(scored, world):
    _, result = scored
    names = {job["name"] for job in result.report["jobs"]}
    for row in result.dead_letters.select("key", "error.*").dropDuplicates(["class", "message"]).collect():
        assert row["job"] in names
        assert row["message"]
        assert 1 <= row["rounds"] <= 4
        assert row["time"]
        lines = world.body(f"rows/{result.report['run_id']}/input/{row['object']}").split(b"\n")
        assert f'"key":"{row["key"]}"'.encode() in (lines if row["line"] is None else lines[row["line"]])


def test_nothing_but_nulls_crashes_no_worker_and_ends_the_run_at_once_with_one_message(spark, world, tmp_path):
    """Nobody can tell whether it is the schema, or a model that answers errors with a status of 200."""
    arguments = world.arguments(tmp_path, "nulls")
    with pytest.raises(ServiceFailure, match="no answer can be read"):
        score(keyed(spark, 50, {}), **arguments)
    assert len(world.jobs(arguments["run_id"])) == 1
    assert not (tmp_path / "out").exists()


def test_a_larger_budget_publishes_without_another_job(spark, world, tmp_path):
    df = keyed(spark, 30, {7: "glued-even!"})
    arguments = world.arguments(tmp_path, "shaped")
    with pytest.raises(ErrorBudgetExceeded, match="1 of 30 rows"):
        score(df, **arguments)
    jobs = world.jobs(arguments["run_id"])
    result = score(df, **arguments, errors={"max_rows": 1})
    assert (result.df.count(), [row["key"] for row in result.dead_letters.collect()]) == (29, ["glued-even!7"])
    assert world.jobs(arguments["run_id"]) == jobs
