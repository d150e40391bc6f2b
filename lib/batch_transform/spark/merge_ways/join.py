"""`merge: join`, the textbook way: Spark reads the outputs and joins them; see `join_merge`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch_transform.spark.merge_way import Merge, MergeWay

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Join(MergeWay):
    """Shuffles both sides; Python workers need no way to S3."""

    name = "join"
    spark_reads_outputs = True

    def outcomes(self, merge: Merge) -> DataFrame:
        """Returns the staged rows with their outcomes, joined by their numbers."""
        from batch_transform.spark.join_merge import with_outcomes_joined

        return with_outcomes_joined(merge.spark, merge.staged, merge.leaves, merge.path, merge.shape)


WAY = Join()
