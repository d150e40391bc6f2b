"""Formats whose files Spark writes elsewhere and the driver copies into place: what they have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from batch_transform.core.errors import ConfigurationError, GateRefused
from batch_transform.core.near_names import listed
from batch_transform.core.object_names import is_data_file, partition_of
from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.publishing.file_publication import Mode, Publication, TreeFile
from batch_transform.core.publishing.partition_spellings import DATE, WHOLE_NUMBER, spelled_otherwise
from batch_transform.core.report_histograms import PredictionRange
from batch_transform.core.reserved_columns import names_not_in
from batch_transform.outputs import copying
from batch_transform.outputs.claims import give_back
from batch_transform.outputs.file_tree import THREADS, Tree
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.port import Capabilities, OutputFormat, OutputTable, PublishingRun
from batch_transform.outputs.tree_of_location import SCHEMES, open_tree

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

_BESIDE_OTHERS: tuple[Mode, ...] = ("append", "overwrite_partitions")  # beside whose files others stay


def file_format(name: str, title: str) -> Capabilities:
    """Returns what a format of files can that the driver copies."""
    return Capabilities(name, title, commits=False, schemes=SCHEMES)


class FileFormat(OutputFormat):
    """A format of files that tell their rows and columns without being read.

    Attributes:
        merged_by_workers: whether they may write a result themselves, as its files are like those of staged rows.
    """

    merged_by_workers: ClassVar[bool] = False

    @abstractmethod
    def file_rows(self, tree: Tree, files: Iterable[TreeFile], threads: int = THREADS) -> dict[str, int]:
        """Returns name -> rows by the files' own footers.

        Raises:
            GateRefused: a file is of no such format.
            StoreFailure: it cannot be read, or is not the version that was listed.
        """

    def data_files(self, tree: Tree) -> tuple[TreeFile, ...]:
        """Returns the files of a tree that hold data, with their rows; raises as `file_rows`."""
        listed = [file for file in tree.list() if is_data_file(file.name)]
        rows = self.file_rows(tree, listed)
        return tuple(replace(file, rows=rows[file.name]) for file in listed)

    def ranges(self, tree: Tree, files: Iterable[TreeFile], known: Collection[str]) -> list[PredictionRange]:
        """Returns what the footers tell of numeric columns, but for those of `known`; none: they tell nothing."""
        return []

    def column_names(self, tree: Tree, file: TreeFile) -> tuple[str, ...] | None:
        """Returns the columns of a file by its footer, those in names of folders apart; None: its footer says none."""
        return None

    def arrow_schema(self, tree: Tree, file: TreeFile) -> pa.Schema | None:
        """Returns the columns of a file by its footer, as Arrow reads them; None: its footer says none."""
        return None

    @abstractmethod
    def file_schema(self, spark: SparkSession, tree: Tree, file: TreeFile, path: str) -> StructType | None:
        """Returns a file's columns as Spark reads them, None for types that Spark has not; raises as `file_rows`.

        Args:
            spark: the session.
            tree: where the file lies.
            file: it.
            path: the same for Spark.
        """

    def writer_options(self, *, large: bool) -> Mapping[str, str]:
        """Returns what its writer is told, beside what that of staged rows is; `large`: records are so."""
        return {}

    def writer_settings(self, *, large: bool) -> Mapping[str, str]:
        """Returns what its writer takes from the session, and knows no option for."""
        return {}

    def preflight(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, columns: tuple[str, ...]
    ) -> None:
        """Refuses what `check_place` does, which needs no Spark."""
        self.check_place(store, table)

    def check_place(self, store: ObjectStore | None, table: OutputTable) -> None:
        """Refuses data files in mode error, other partitions, a table that commits, and a place that is not writable.

        Raises:
            ConfigurationError: one of them.
        """
        copying.check_target(table.mode, open_tree(table.location, store), table.partition_by, table.run_id)

    def look_at(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, columns: tuple[str, ...]
    ) -> None:
        """Refuses what `check_place` does, but for a place of a store, where only writing tells whether it may be."""
        target = open_tree(table.location, store)
        how = table.mode, target, table.partition_by, table.run_id
        (copying.check_target if isinstance(target, LocalTree) else copying.check_held)(*how)

    def check_fits(
        self, spark: SparkSession, store: ObjectStore | None, table: OutputTable, schema: StructType, *, complete: bool
    ) -> list[str]:
        """Returns that a table will have columns in some of its files alone, by the first and the last that stay.

        Raises:
            ConfigurationError: a column of another type: Spark reads such a table with an error, or wrongly.
        """
        from pyspark.sql.types import StructType

        from batch_transform.outputs.column_types import type_differences

        chosen = {name.lower() for name in table.partition_by}
        ours = StructType([field for field in schema.fields if field.name.lower() not in chosen])
        target = open_tree(table.location, store)
        data = [file for file in target.list() if is_data_file(file.name)] if table.mode in _BESIDE_OTHERS else []
        faults, warnings = list(_kept_beside(target, data, table, schema)), list[str]()
        for file in _ends(data):
            place = f"{target.location}/{file.name}"
            try:
                theirs = self.file_schema(spark, target, file, f"{table.path}/{file.name}")
                names = self.column_names(target, file) if theirs is None else theirs.names
            except (GateRefused, StoreFailure) as err:
                why = err.what if isinstance(err, GateRefused) else str(err)
                raise ConfigurationError(
                    f"{table.key}: its columns cannot be looked at: {why}; mend or move that file, or write to another "
                    "place"
                ) from err
            if theirs is not None:
                faults += [
                    f"{table.key}: {difference}, which is there already; cast it in the input (or in "
                    "prediction.schema), or write to another place"
                    for difference in type_differences(ours, theirs, place, exact=True)
                ]
            if complete and names is not None:
                where = f"{place}{', if it stays,' if table.mode == 'overwrite_partitions' else ''}"
                warnings += _in_some_files(table.key, where, ours.names, names, schema.names)
        if faults:
            raise ConfigurationError(faults)
        return warnings[:1]

    def publications(self, run: PublishingRun) -> list[Publication]:
        """Returns the files to copy once both tables are merged, and counted, beside their targets.

        Raises:
            ConfigurationError: a target cannot take them; none is the run's own then.
        """
        tables, planned = run.write(self), list[Publication]()
        try:
            planned.extend(map(run.planned, tables))
        except ConfigurationError:
            give_back_targets(run, planned)
            raise
        return planned

    def publish(self, run: PublishingRun, publications: Sequence[Publication]) -> None:
        """Copies what is not there yet, and removes what is not to stay."""
        for publication in reversed(publications):
            run.renew()
            source, target = run.open_tree(publication.source), run.open_tree(publication.target)
            copying.publish(publication, source, target, permit=run.permit)


def _ends(data: Iterable[TreeFile]) -> list[TreeFile]:
    """The first and the last of the files that stay beside those of a run."""
    ordered = sorted(data, key=lambda file: file.name)
    return list({file.name: file for file in (ordered[:1] + ordered[-1:])}.values())


def _kept_beside(target: Tree, data: Iterable[TreeFile], table: OutputTable, schema: StructType) -> Iterator[str]:
    """Yields a fault for a partition that would stay beside the one that replaces it, under another spelling."""
    from pyspark.sql.types import DateType, IntegralType

    if table.mode != "overwrite_partitions":
        return
    chosen = {name.lower() for name in table.partition_by}
    fields = {field.name.lower(): field.dataType for field in schema.fields if field.name.lower() in chosen}
    spellings = {name: WHOLE_NUMBER for name, kind in fields.items() if isinstance(kind, IntegralType)}
    spellings |= {name: DATE for name, kind in fields.items() if isinstance(kind, DateType)}
    found = spelled_otherwise((partition_of(file.name) for file in data), spellings)
    if found is not None:
        partition, name = found
        yield (
            f"{table.key}: {target.location}/{partition} spells {name}, which is {fields[name.lower()].simpleString()} "
            f"here, otherwise than Spark writes it (7, 2024-05-01), and mode: {table.mode} would leave it beside the "
            "partition that replaces it: readers take both for one. Rename the folder, or make the column text in the "
            "input, spelled as it is there"
        )


def _in_some_files(
    key: str, file: str, ours: Sequence[str], theirs: Sequence[str], with_folders: Sequence[str]
) -> Iterator[str]:
    """Yields that a file has other columns than the run's own, if it has; those of folders are no difference."""
    lacking = names_not_in(ours, theirs, case_sensitive=False)
    more = names_not_in(theirs, with_folders, case_sensitive=False)
    if not lacking and not more:
        return
    has_not = [f"has no column {listed(lacking)}"] if lacking else []
    has = [f"has {listed(more)}, which the run's files have not"] if more else []
    yield (
        f"{key}: the table is there with other columns: {file} {' and '.join(has_not + has)}. A reader that merges no "
        "schemas (Spark's option mergeSchema) takes the columns of one file for those of all, and may show none of "
        f"{'these' if len(lacking) + len(more) > 1 else 'it'}; write to another place if that is not meant"
    )


def give_back_targets(run: PublishingRun, publications: Iterable[Publication]) -> None:
    """Ends the run's claims to the targets of publications that are not carried out now; LedgerFenced as `permit`."""
    for publication in publications:
        run.permit()
        give_back(publication.mode, run.open_tree(publication.target))
