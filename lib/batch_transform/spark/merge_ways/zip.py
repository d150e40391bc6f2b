"""`merge: zip`: row numbers go to Python workers, which read the outputs; see `zip_merge`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch_transform.core.sending.object_sizes import ToPython
from batch_transform.spark.merge_way import Merge, MergeWay

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Zip(MergeWay):
    """A Python UDF takes row numbers and gives predictions, so input columns never leave the JVM: no shuffle."""

    name = "zip"
    to_python = ToPython.NUMBER
    takes_files = True

    def outcomes(self, merge: Merge) -> DataFrame:
        """Returns the staged rows with their outcomes, by their numbers."""
        from batch_transform.spark.zip_merge import with_outcomes

        return with_outcomes(merge.spark, merge.staged, merge.source, merge.shape)


WAY = Zip()
