"""Which model scored a row, where the jobs of a run were not all created with the same one."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch_transform.spark.zip_merge import ORIGIN_TYPE


def model_of_rows(outcomes: DataFrame, labels: Mapping[str, str]) -> str | Column:
    """Returns what provenance says of the model of each row.

    Args:
        outcomes: the staged rows with their outcomes, the last column, which tells each row's job.
        labels: of each job's model; mostly they are all the same.
    """
    distinct = sorted(set(labels.values()))
    if len(distinct) <= 1:
        return "".join(distinct)
    job = F.col(outcomes.columns[-1])[ORIGIN_TYPE.names[0]]
    pairs = [F.lit(text) for label in labels.items() for text in label]
    return F.element_at(F.create_map(*pairs), job)
