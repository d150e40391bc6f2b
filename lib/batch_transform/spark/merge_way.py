"""The ways in which predictions come back to their rows: the port, and the registry of `spark.merge_ways`.

They are known where there is no Spark, so their modules import pyspark only where they use it.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from batch_transform.core.sending.object_sizes import ToPython
from batch_transform.core.staged_table import Staged

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from batch_transform.spark.prediction_columns import PredictionShape
    from batch_transform.spark.zip_merge import MergeSource

DEFAULT = "zip"
_ROOM = "batch_transform.spark.merge_ways"  # by name: its modules import from this folder


@dataclass(frozen=True)
class Merge:
    """What is merged.

    Attributes:
        staged: the staged rows.
        leaves: the outcome of every row.
        source: where workers find leaves and outputs.
        shape: of the predictions.
        path: how Spark itself names the output for (job, object).
    """

    spark: SparkSession
    staged: Staged
    leaves: pa.Table
    source: MergeSource
    shape: PredictionShape
    path: Callable[[str, str], str]


class MergeWay(ABC):
    """A way to merge.

    Attributes:
        name: as `merge` has it.
        spark_reads_outputs: whether Spark itself reads what the jobs have put on S3.
        to_python: what goes there of each row.
        takes_files: whether the workers may do it file by file (`file_merge`), where it gives the same.
    """

    name: ClassVar[str]
    spark_reads_outputs: ClassVar[bool] = False
    to_python: ClassVar[ToPython] = ToPython.ANYTHING
    takes_files: ClassVar[bool] = False

    @abstractmethod
    def outcomes(self, merge: Merge) -> DataFrame:
        """Returns the staged rows with their outcomes (`zip_merge.outcome_type`) as the last column."""


@functools.cache
def merge_ways() -> Mapping[str, MergeWay]:
    """Returns name -> way, the default first."""
    names = sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(_ROOM).__path__))
    found = [importlib.import_module(f"{_ROOM}.{name}").WAY for name in names]
    return {way.name: way for way in sorted(found, key=lambda way: way.name != DEFAULT)}


def way_named(name: str) -> MergeWay:
    """Returns the way that a checked configuration names."""
    return merge_ways()[name]
