"""Zip and join give the same table, on many staged files and on files that Spark splits; a filter changes nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StructField, StructType

from batch_transform import score
from batch_transform.core.reserved_columns import OUTCOME, ROW_NUMBER
from batch_transform.core.run_state import RunState
from batch_transform.pipeline.context import RunContext
from batch_transform.spark.dead_letters import dead_letters
from batch_transform.spark.join_merge import with_outcomes_joined
from batch_transform.spark.settings import OWN_SETTINGS, STAGED_OPTIONS, session_settings
from batch_transform.spark.staged_rows import read_staged
from batch_transform.spark.zip_merge import MergeSource, iterator_udf, select_result, with_outcomes
from support.runs import reopened
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 2_500
# Some rows of an object that is not used, and one row whose answer cannot be read.
MARKS = {700: "fewer!", 1_500: "glued-even!", 2_222: "refused!"}


@dataclass(frozen=True)
class Gated:
    """A finished run, of which the merge can be done again and again."""

    ctx: RunContext
    state: RunState
    published: DataFrame
    outputs: str

    @property
    def source(self) -> MergeSource:
        (part,) = self.state.gate.parts
        return MergeSource(self.ctx.places.layout, part.key, self.ctx.tables.connect)

    @property
    def leaves(self) -> Any:
        return self.ctx.ledger.read_part(self.state.gate.parts[0])

    def zipped(self) -> DataFrame:
        return with_outcomes(self.ctx.tables.spark, self.state.staged, self.source, self.ctx.tables.shape)

    def joined(self) -> DataFrame:
        return with_outcomes_joined(
            self.ctx.tables.spark, self.state.staged, self.leaves, self.local_output, self.ctx.tables.shape
        )

    def local_output(self, job: str, name: str) -> str:
        return f"{self.outputs}/{job}/{name}.out"

    def result(self, outcomes: DataFrame) -> DataFrame:
        return select_result(outcomes, self.ctx.tables.shape, run_id="", model="")


@pytest.fixture(scope="module")
def gated(spark, world, tmp_path_factory):
    """A run over more than 20 staged files of several row groups, with small objects, and its outputs on disk."""
    folder = tmp_path_factory.mktemp("run")
    names = F.create_map(*[F.lit(part) for mark in MARKS.items() for part in mark])
    number = F.col("id").cast("string")
    key = F.concat(F.coalesce(names[F.col("id")], F.lit("")), number)
    df = spark.range(ROWS).select(
        key.alias("key"), F.sha2(number, 512).alias("noise"), (F.col("id") % 7).alias("seven")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batch_transform.core.sending.partitioning.PARTITION_BYTES", 18_000)
        patch.setattr("batch_transform.spark.staging.parallelism", lambda spark: 100)  # cores that want work
        patch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 7_000)
        patch.setitem(STAGED_OPTIONS, "parquet.block.size", "2048")
        arguments = world.arguments(folder, "shaped", errors={"max_fraction": 1.0})
        published = score(df, **arguments).df
        driver = reopened(df, world, arguments)
    prefix = f"rows/{arguments['run_id']}/output/"
    for key in world.objects(prefix):
        path = folder / "outputs" / key.removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(world.body(key))
    return Gated(driver.ctx, driver.state, published, f"file:{folder}/outputs")


@pytest.fixture
def settings(spark):
    with session_settings(spark, OWN_SETTINGS):
        yield


@pytest.fixture
def splitting(spark, settings):
    """Spark reads a staged file in several tasks."""
    small = {"spark.sql.files.maxPartitionBytes": "8192", "spark.sql.files.openCostInBytes": "0"}
    with session_settings(spark, small):
        yield


def tasks_per_file(df: DataFrame) -> list[int]:
    """The number of tasks that saw rows of each staged file."""
    seen = df.select(F.input_file_name().alias("file"), F.spark_partition_id().alias("task")).distinct()
    return [row["count"] for row in seen.groupBy("file").count().collect()]


@pytest.mark.long
def test_zip_and_join_give_the_same_table_on_many_staged_files(gated, settings):
    assert len(gated.state.staged.files) > 20
    assert_same_rows(gated.result(gated.zipped()), gated.result(gated.joined()))
    assert_same_rows(gated.result(gated.zipped()), gated.published)


@pytest.mark.long
def test_zip_and_join_give_the_same_table_on_files_that_spark_splits(gated, splitting):
    assert max(tasks_per_file(read_staged(gated.ctx.tables.spark, gated.state.staged))) > 1
    assert_same_rows(gated.result(gated.zipped()), gated.published)
    assert_same_rows(gated.result(gated.joined()), gated.published)


def test_dead_letters_are_the_same_on_files_that_spark_splits(gated, splitting):
    dead = dead_letters(gated.ctx.tables.spark, gated.state.staged, gated.leaves, gated.source)
    dead_keys = [row["key"] for row in dead.select("key").collect()]
    scored_keys = [row["key"] for row in gated.published.select("key").collect()]
    assert len(dead_keys) + len(scored_keys) == len({*dead_keys, *scored_keys}) == ROWS


@pytest.mark.parametrize("ways", ["zipped", "joined"])
def test_every_prediction_is_its_rows_own(gated, settings, ways):
    result = gated.result(getattr(gated, ways)())
    assert result.where(F.col("echo") != F.col("key")).count() == 0
    assert ROWS * 0.8 < result.count() < ROWS


@pytest.mark.parametrize(
    "condition",
    one_in(2, ["seven = 3", f"{OUTCOME}.scored AND seven < 2", f"NOT {OUTCOME}.scored"]),
)
def test_a_filter_before_the_merge_is_written_changes_no_prediction(gated, settings, tmp_path, condition):
    everything = gated.zipped().select("key", "seven", ROW_NUMBER, OUTCOME)
    everything.write.parquet(f"{tmp_path}/all")
    everything.where(condition).write.parquet(f"{tmp_path}/filtered")
    read = gated.ctx.tables.spark.read
    expected = read.parquet(f"{tmp_path}/all").where(condition)
    assert expected.count() > 0
    assert_same_rows(read.parquet(f"{tmp_path}/filtered"), expected)


def test_a_filter_on_the_error_changes_no_dead_letter(gated, settings):
    dead = dead_letters(gated.ctx.tables.spark, gated.state.staged, gated.leaves, gated.source)
    kept = dead.where("error.class = 'unreadable prediction' AND seven >= 0").collect()
    assert [row["key"] for row in kept] == ["glued-even!1500"]
    assert os.path.basename(kept[0]["error"]["object"]) == kept[0]["error"]["object"]


def test_rows_in_another_order_keep_their_predictions(gated, settings):
    shuffled = gated.zipped().repartition(5, "seven").sortWithinPartitions("noise")
    assert_same_rows(gated.result(shuffled), gated.published)


def test_a_batch_may_be_answered_in_several_pieces(spark):
    """As large answers are (`Gatherer.gather`): Spark counts rows, and no batches."""

    def answers(batches):
        for batch in batches:
            pieces = (batch[at : at + 7] for at in range(0, len(batch), 7))
            yield from (pa.StructArray.from_arrays([piece.cast(pa.int64())], ["answer"]) for piece in pieces)

    answer = iterator_udf(answers, StructType([StructField("answer", LongType())]))
    asked = spark.range(0, ROWS, 1, 3)
    assert asked.withColumn("o", answer(F.col("id"))).where("o.answer = id").count() == ROWS
