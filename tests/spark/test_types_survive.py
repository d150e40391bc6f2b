"""Every Spark type that Parquet keeps goes through a run unchanged, each row with its own prediction."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.reserved_columns import quoted
from support.rows import UNSENDABLE, table
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 200


@pytest.fixture(scope="module", params=one_in(3, [1, 2, 3]))
def scored(request, spark, world, tmp_path_factory):
    """Input and result; two rows hold 2 MB of text."""
    df = table(spark, ROWS, request.param)
    big = F.expr("repeat('\u2028é', 400000)")
    df = df.withColumn("text", F.when(F.col("key").rlike("^(7|8):"), big).otherwise(F.col("text"))).cache()
    columns = [name for name in df.columns if name != UNSENDABLE]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("batch_transform.core.sending.partitioning.PARTITION_BYTES", 400_000)
        patch.setattr("batch_transform.spark.staging.parallelism", lambda spark: 100)  # cores that want work
        patch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 20_000)
        arguments = world.arguments(tmp_path_factory.mktemp("run"), columns=columns)
        yield df, score(df.repartition(3), **arguments)
    df.unpersist()


def test_the_input_columns_come_out_as_they_went_in(scored):
    df, result = scored
    assert df.count() > ROWS / 2
    assert_same_rows(result.df.drop("echo"), df)


def test_each_row_has_its_own_prediction(scored):
    df, result = scored
    assert result.df.where(~F.col("echo").eqNullSafe(F.col("key"))).count() == 0
    assert result.report["rows_scored"] == df.count()
    assert result.df.columns == [*df.columns, "echo"]


def test_the_records_lay_in_many_objects(scored, world):
    _, result = scored
    assert sum(job["objects"] for job in result.report["jobs"]) > 5
    assert len(world.objects(f"rows/{result.report['run_id']}/input/")) > 5
    assert quoted("a`b") == "`a``b`"
