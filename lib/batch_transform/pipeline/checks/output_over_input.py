"""No place that a run writes may lie over what it reads or keeps: overwriting would delete rows that nobody scored."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame, SparkSession

from batch_transform.config.result import DeadLetter, Output
from batch_transform.config.sections import Input, PathOrTable
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.overlapping_places import Place, Relation, place_of_file, places_read
from batch_transform.core.plain_paths import escaped, has_patterns
from batch_transform.core.run_layout import OWN_FOLDERS
from batch_transform.pipeline.checks.among_runs import APART, Written, among_other_runs, among_runs, is_within, place_at
from batch_transform.pipeline.checks.among_tables import TablesAround
from batch_transform.pipeline.places import Places, Targets
from batch_transform.spark.source_identity import is_of_one_scan, locations_below_caches
from batch_transform.spark.spark_errors import SPARK_ERRORS, told_as
from batch_transform.spark.whole_table import reads_what_is_replaced, table_location

_OVERWRITING = ("overwrite", "overwrite_partitions")
_GLOB = re.compile(r"[*?\[{]")
# How a name of a Delta table ends that says which version of it: `events@v3`, `events@20240501000000000`.
_OF_A_VERSION = re.compile(r"@(?:[vV]\d+|\d{17})/?(?=`?$)")

_BY_VALUES = "that goes by the values of a row alone (a date, and not current_date())"
_REMEDY = (
    "write to another place, or read all of it (output.format, no input.where, no input.options), or replace just "
    f"what is read: output.replace_where in the words of input.where (Delta), {_BY_VALUES}, or mode: "
    "overwrite_partitions with an input.where on the columns of output.partition_by alone"
)

_BESIDE = f"mode: append would put new rows beside those that they are made of; {APART}"
_OF_A_FRAME = (
    "or replace just what is read: mode: overwrite, with output.replace_where (Delta) in the words of the one "
    f"condition of what is read, {_BY_VALUES}, on columns that stay, as of "
    'table.where("day = \'2024-05-01\'").drop("p") where p is a column of predictions'
)


@dataclass(frozen=True)
class Reading:
    """The input of a run.

    Attributes:
        given: as a run file names it; None for a DataFrame that was handed in, of which only its plan tells.
        df: opens it; raises ConfigurationError where it cannot be read.
        added: the columns that the run writes beside the input's, as far as they are known.
    """

    given: Input | None
    df: Callable[[], DataFrame]
    added: Sequence[str] = ()


def overlaps(
    spark: SparkSession, targets: Targets, places: Places, store: ObjectStore | None, reading: Reading
) -> list[str]:
    """Returns a fault for each place of a run that lies where another one lies; looks, and changes nothing."""
    tables = written_tables(targets, lambda name: table_location(spark, name))
    faults = [*run_overlaps(tables, places), *(among_other_runs(tables, places, store) if store is not None else ())]
    faults += _Input(spark, targets, places, reading).faults(tables)
    return faults or list(TablesAround(spark, places, store, targets.format).faults(tables))


def written_tables(targets: Targets, locate: Callable[[str], str | None]) -> list[Written]:
    """Returns the tables of a run; `locate` tells where a named one lies."""

    def written(key: str, target: Output | DeadLetter) -> Written:
        location = target.path or locate(target.table or "")
        return Written(key, target.path or target.table or "", place_at(location) if location else None)

    return [written("output", targets.output), written("dead_letter", targets.dead_letter)]


def run_overlaps(tables: Sequence[Written], places: Places) -> list[str]:
    """Returns a fault for each folder of the run, and each table, that lies in a table to be published."""
    found = [(key, path, place_at(path)) for path, key in places.folders.items()]
    found += [(table.key, table.told, table.place) for table in reversed(tables) if table.place is not None]
    faults = [
        f"{key}: {path} lies in {outer.key}: {outer.told}; {APART}"
        for key, path, place in found
        for outer in tables
        if key != outer.key and is_within(place, outer.place)
    ]
    for table in tables:
        own = [f"{folder}/{name}" for folder in places.folders for name in OWN_FOLDERS]
        lies_in = [folder for folder in own if is_within(table.place, place_at(folder))]
        faults += [
            f"{table.key}: {table.told} lies in {folder}, which is the run's own; {APART}" for folder in lies_in[:1]
        ]
    return [*faults, *among_runs(tables, places)]


@dataclass(frozen=True)
class _Input:
    """What a run reads beside what it writes."""

    spark: SparkSession
    targets: Targets
    places: Places
    reading: Reading

    def faults(self, tables: Sequence[Written]) -> Iterator[str]:
        """Yields a fault for each place that is written where rows are read."""
        read = self._places_read()
        for folder, key in self.places.folders.items():
            if (relation := _meeting(place_at(folder), read)) is not None:
                yield f"{key}: {folder} {relation.value} the input, {self._told}; {APART}"
        undecided = []
        for table in tables:
            relation = _meeting(table.place, read) if table.place is not None else None
            if relation is not None:
                yield from self._fault(table, relation)
            elif self._is_seen_by_its_plan_only:
                undecided.append(table)
        placed = [table for table in undecided if table.place]
        if self.targets.mode in _OVERWRITING and placed:
            yield from self._faults_of_the_plan(placed)
        elif self.targets.mode == "append" and (output := [table for table in placed if table.key == "output"]):
            # New dead letters may well go beside those that are scored again.
            yield from self._faults_of_the_source(output[0])

    def _places_read(self) -> list[Place]:
        given = self.reading.given
        if given is None:
            return []
        if given.table is None:
            paths = [given.path or ""] if has_patterns(given.format) else self._versions(given.path or "")
            return [place for path in paths if path for place in places_read(path, os.path.realpath)]
        location = table_location(self.spark, given.table)
        return [place_at(path) for path in self._versions(location or "")]

    def _versions(self, location: str) -> list[str]:
        """A location that is read, if there is one, and the table of which it is a version; a folder may end as one."""
        table = _OF_A_VERSION.sub("", location)
        if table == location:
            return [location] if location else []
        files, folder = self._files_of_the_plan(), place_at(location)
        is_folder = bool(files) and all(is_within(file, folder) for file in files)
        return [location] if is_folder else [location, table]

    @property
    def _told(self) -> str:
        given = self.reading.given
        return (
            "a DataFrame" if given is None else given.table or given.path or f"the dead letters of {given.dead_letters}"
        )

    @property
    def _is_seen_by_its_plan_only(self) -> bool:
        """Whether the input may read other places than its name tells: a DataFrame, a view, a run's dead letters."""
        return self.reading.given is None or self.reading.given.path is None

    def _fault(self, table: Written, relation: Relation) -> Iterator[str]:
        mode, given = self.targets.mode, self.reading.given
        met = f"{table.key}: {table.told} {relation.value} the input, {self._told}"
        if relation is not Relation.SAME or (given is not None and given.path and _GLOB.search(given.path)):
            yield f"{met}: whoever reads the one would find files of the other; {APART}"
        elif mode == "append":
            yield f"{met}, and {_BESIDE}"
        elif mode in _OVERWRITING and not (table.key == "output" and given and self._is_replaced_as(given)):
            yield f"{met}, and mode: {mode} would delete rows that this run does not read; {_REMEDY}"

    def _is_replaced_as(self, given: Input) -> bool:
        """Whether what the input's name says is what is replaced; of a version it is not that which is there now."""
        is_of_a_version = _OF_A_VERSION.search(given.table or given.path or "") is not None
        return self._reads_what_is_replaced(self.targets.output if is_of_a_version else given)

    def _faults_of_the_plan(self, tables: Iterable[Written]) -> Iterator[str]:
        files = self._files_of_the_plan()
        for table in tables:
            if table.place is None or all(file.to(table.place) is Relation.APART for file in files):
                continue
            if table.key == "output" and self._reads_what_is_replaced(self.targets.output):
                continue
            yield (
                f"{table.key}: {table.told} holds files that the input, {self._told}, reads, and mode: "
                f"{self.targets.mode} would delete rows that this run does not read; write to another place, or score "
                f"the whole table as it is read, {_OF_A_FRAME}"
            )

    def _faults_of_the_source(self, table: Written) -> Iterator[str]:
        """A fault where the table is all that is read; beside another source it tells which rows are scored already."""
        with self._told_of_files():
            is_alone = is_of_one_scan(self.reading.df())
        files = self._files_of_the_plan() if is_alone else []
        if files and all(is_within(file, table.place) for file in files):
            yield f"{table.key}: {table.told} is what the input, {self._told}, reads, and {_BESIDE}, {_OF_A_FRAME}"

    def _files_of_the_plan(self) -> list[Place]:
        with self._told_of_files():
            df = self.reading.df()
            files = [place_of_file(url, os.path.realpath) for url in df.inputFiles()]
            return files + [place_at(location) for location in locations_below_caches(df)]

    def _told_of_files(self) -> AbstractContextManager[None]:
        return told_as(f"input: {self._told} does not tell its files", is_begun=False)

    def _reads_what_is_replaced(self, as_told: PathOrTable) -> bool:
        """Whether each row that publishing removes is one that this run reads, as far as Spark's plans prove it.

        Args:
            as_told: how the table, which is the output, was named when it was read.
        """
        given, output = self.reading.given, self.targets.output
        if given is not None and given.path is not None and given.format.lower() != output.format:
            return False
        reads = partial(
            reads_what_is_replaced,
            self.reading.df(),
            where=given.where if given else None,
            replace_where=output.replace_where,
            partitions=output.partition_by if self.targets.mode == "overwrite_partitions" else (),
            added=self.reading.added,
        )
        return any(map(reads, self._whole(as_told)))

    def _whole(self, named: PathOrTable) -> Iterator[DataFrame]:
        """Yields a table, read without a condition, in each of the spellings that one plan may have of its path.

        A spelling that Spark cannot read is none that the input's plan could have; nor is a table without rows.
        """
        if named.table is not None:
            with suppress(*SPARK_ERRORS):
                yield self.spark.read.table(named.table)
        path = named.path or ""
        for spelled in dict.fromkeys((self.places.spark_path(path), path, f"{path}/")) if path else ():
            with suppress(*SPARK_ERRORS):
                format = self.targets.output.format
                yield self.spark.read.format(format).load(escaped(spelled, format))


def _meeting(place: Place, read: Iterable[Place]) -> Relation | None:
    """How a place that is written lies to what is read; None if a reader of the one never sees the other."""
    for other in read:
        relation = place.to(other)
        hidden = (relation is Relation.INSIDE and place.is_hidden_in(other)) or (
            relation is Relation.AROUND and other.is_hidden_in(place)
        )
        if relation is not Relation.APART and not hidden:
            return relation
    return None
