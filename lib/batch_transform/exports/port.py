"""What an export way is given, and what comes back: spans, whose objects lie where the ledger's protocol wants them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from pyspark.sql import SparkSession

from batch_transform.core.framing import Framing
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.record_sizes import ExportedObjects
from batch_transform.core.staged_table import Staged
from batch_transform.core.uris import S3Uri
from batch_transform.records.port import RecordFormat
from batch_transform.spark.record_rules import RecordRule


@dataclass(frozen=True)
class ToExport:
    """What is exported, and where.

    Attributes:
        spark: the session.
        staged: the staged rows.
        rule: how a row becomes a record.
        rules: where objects end.
        framing: of the records in them.
        target: the run's `input/`.
        connect: opens the store in a worker; picklable.
    """

    spark: SparkSession
    staged: Staged
    rule: RecordRule
    rules: CuttingRules
    framing: Framing
    target: S3Uri
    connect: Callable[[], ObjectStore]


class ExportWay(ABC):
    """A way to write staged rows as objects."""

    # Whether it ends at a large record of copied files and at one with a fault; for others no file is copied.
    measures_copies: ClassVar[bool] = False
    # Whether the workers may do it file by file (`spark.file_export`), where it gives equal records.
    takes_files: ClassVar[bool] = False

    def check(self, spark: SparkSession, format: RecordFormat) -> None:  # noqa: B027 - a way may need nothing
        """Checks that it works in this session and for this record format.

        Raises:
            ConfigurationError: it does not.
        """

    @abstractmethod
    def export(self, given: ToExport) -> ExportedObjects:
        """Returns the objects that successful tasks wrote below `target`, and how large their records are.

        Each is a run of row numbers within one staged file and has an object of its own, under a name that no other
        attempt writes. Objects of failed and of speculative task attempts are left where they are: nothing refers to
        them.
        """
