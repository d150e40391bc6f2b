"""The port of an output format: what is asked of it before anything is paid for, how it publishes, what is read back.

A format is published in one of two ways. Files are merged beside their target and copied into place from a recorded
list (`copied_files.FileFormat`), or the format commits what it writes by itself (`TableFormat`). Both are imported
where there is no Spark, so their modules import pyspark only where they use it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from batch_transform.core.object_store import ObjectStore
from batch_transform.core.plain_paths import escaped
from batch_transform.core.publishing.file_publication import KINDS, Kind, Mode, Publication
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.written_tables import WrittenTable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructField, StructType

    from batch_transform.outputs.copied_files import FileFormat


@dataclass(frozen=True)
class Capabilities:
    """What a format can, as the checks of a configuration ask it.

    Attributes:
        name: as `output.format` has it, and Spark.
        title: as people write it.
        commits: whether it commits what it writes; else files are merged beside their target and copied there.
        takes_tables: whether a table may be named, and not only a path.
        schemes: of the paths that it is published to, '' for a plain one; None: wherever Spark writes.
        replaces_where: whether `output.replace_where` goes with it.
        partition_types: whether partition columns of any type come back; else from the names of folders.
        log_folder: the folder of a table that makes it one of this format; '' if none does.
        odd_names: which of its tables take names that the others refuse; '' if none does.
    """

    name: str
    title: str
    commits: bool
    takes_tables: bool = False
    schemes: frozenset[str] | None = None
    replaces_where: bool = False
    partition_types: bool = False
    log_folder: str = ""
    odd_names: str = ""


@dataclass(frozen=True)
class OutputTable:
    """One of the two tables of a run: where it goes, and how it is written.

    Attributes:
        mode: what becomes of the rows that are there.
        path: URI for Spark; None where `table` is given.
        table: `catalog.schema.name`; None where `path` is given.
        partition_by: columns of a table that is made new.
        replace_where: with mode overwrite, the predicate of the rows that are replaced.
        location: the path as the run file names it.
        key: its section of the run file.
        run_id: of the run.
    """

    mode: Mode
    path: str | None = None
    table: str | None = None
    partition_by: tuple[str, ...] = ()
    replace_where: str | None = None
    location: str = ""
    key: str = "output"
    run_id: str = ""


@dataclass(frozen=True)
class TableRule:
    """What a table demands of each row.

    Attributes:
        holds: SQL; a row for which it is not true is refused.
        told: the rule in words: "the table t demands CHECK positive".
    """

    holds: str
    told: str


@dataclass(frozen=True)
class Packages:
    """What a plain Spark needs for a format: the version of the package `python`, else by Spark's line ("4.2")."""

    versions: Mapping[str, str] = field(default_factory=dict)
    coordinate: Callable[[str], str] = str  # of a version; with {line} and {scala}
    python: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def groups(self) -> list[str]:
        """Maven's groups of the coordinates."""
        return sorted({self.coordinate(version).partition(":")[0] for version in self.versions.values()})


class PublishingRun(Protocol):
    """A run as a format sees it that publishes its tables."""

    def write(self, how: FileFormat) -> list[WrittenTable]:
        """Returns both tables once they are merged beside their targets, as many rows as the gate has proven."""

    def planned(self, table: WrittenTable) -> Publication:
        """Returns how a table's files are to be copied; from here on its target is the run's own."""

    def commit(self, kind: Kind, how: TableFormat) -> None:
        """Commits a table, or finds that it is committed, with as many rows as the gate has proven."""

    def renew(self) -> None:
        """Renews the lease, before something that cannot be fenced."""

    def permit(self) -> None:
        """Raises LedgerFenced if this driver may change nothing any more."""

    def open_tree(self, location: str) -> Tree:
        """Returns the folder at a location."""


class OutputFormat(ABC):
    """A format of results. It holds no state: what it works on is handed in."""

    can: ClassVar[Capabilities]
    packages: ClassVar[Packages] = Packages()
    settings: ClassVar[Mapping[str, str]] = {}  # of sessions in which its tables are looked at, written or read

    def files_hold_all(self, spark: SparkSession, path: str) -> bool:
        """Returns whether the Parquet files of a table at a path hold its rows as they are, under their names."""
        return False

    @abstractmethod
    def preflight(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, columns: tuple[str, ...]
    ) -> None:
        """Checks a target before any work; not for a run that has begun to publish: its own table may be there.

        Raises:
            ConfigurationError: it cannot take these columns in this mode.
        """

    def is_there(self, spark: SparkSession, table: OutputTable) -> bool:
        """Returns whether a table is there that says itself what it takes (`check_fits`), as no new one might."""
        return False

    @abstractmethod
    def look_at(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, columns: tuple[str, ...]
    ) -> None:
        """Checks, and raises, what `preflight` does, as far as nothing is written for that."""

    @abstractmethod
    def check_fits(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, schema: StructType, *, complete: bool
    ) -> list[str]:
        """Returns warnings, once columns and types fit the table that is there; commits nothing, and leaves nothing.

        Args:
            spark: the session.
            store: S3.
            table: the target.
            schema: the columns that are written.
            complete: whether these are all of them; else their types alone are compared.

        Raises:
            ConfigurationError: they could not be written, or would be other values.
        """

    def refused_names(self, names: Sequence[str]) -> list[str]:
        """Returns those of the names of inferred columns and fields that it does not take."""
        return []

    def name_faults(self, schema: StructType) -> list[str]:
        """Returns a fault for each name that it does not take, or would change, without Spark's saying so in words."""
        return []

    def type_faults(self, written: StructType, read: StructType) -> list[str]:
        """Returns a fault for each column of a table of `written` that is another one where Spark reads `read`."""
        return []

    def row_rules(self, spark: SparkSession, table: OutputTable, schema: StructType) -> list[TableRule]:
        """Returns what is demanded of each row of these columns that is written to a table."""
        return []

    def absent_columns(self, spark: SparkSession, table: OutputTable, columns: tuple[str, ...]) -> list[StructField]:
        """Returns the columns of a table that is there which are null in each row of these columns."""
        return []

    def warnings(self, spark: SparkSession, tables: Sequence[OutputTable], schema: StructType) -> list[str]:
        """Returns what may go wrong without an error with these targets, or the result's columns."""
        return []

    @abstractmethod
    def publications(self, run: PublishingRun) -> list[Publication]:
        """Returns what is recorded before `publish`: the files to copy, for each of KINDS; none for a commit.

        Raises:
            ConfigurationError: a target cannot take it.
        """

    @abstractmethod
    def publish(self, run: PublishingRun, publications: Sequence[Publication]) -> None:
        """Carries out what `publications` returned, or its rest, dead letters first; ServiceFailure can be resumed."""

    def committed(self, spark: SparkSession, table: OutputTable, name: str) -> int | None:
        """Returns the rows of the commit of this name; None: there is none."""
        return None

    def read(self, spark: SparkSession, table: OutputTable) -> DataFrame:
        """Returns all rows of a table."""
        if table.table:
            return spark.read.table(table.table)
        return spark.read.format(self.can.name).load(escaped(table.path or "", self.can.name))


class TableFormat(OutputFormat):
    """A format that commits what it writes, under a name by which a repeated commit is known."""

    @abstractmethod
    def commit(self, df: DataFrame, table: OutputTable, run_id: str, name: str, sleep: Callable[[float], None]) -> int:
        """Returns the rows that the one commit of this name wrote, now or in an earlier attempt.

        Raises:
            ConfigurationError: the table cannot take them.
            ServiceFailure: other writers won every attempt.
        """

    @abstractmethod
    def named(self, table: OutputTable) -> str:
        """Returns the table as SQL names it."""

    def publications(self, run: PublishingRun) -> list[Publication]:
        """Returns nothing: it is written when it is committed."""
        return []

    def publish(self, run: PublishingRun, publications: Sequence[Publication]) -> None:
        """Commits both tables."""
        for kind in reversed(KINDS):
            run.commit(kind, self)
