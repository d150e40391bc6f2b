"""No table is made in the folder of another one, which readers and VACUUM take for all there is of that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyspark.sql import SparkSession

from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.overlapping_places import Place
from batch_transform.core.publishing.other_tables import first_seen, is_table_of_files
from batch_transform.outputs.copying import SUCCESS
from batch_transform.outputs.port import Capabilities, OutputFormat
from batch_transform.outputs.registry import log_folders, output_formats
from batch_transform.outputs.seen_names import names_below
from batch_transform.outputs.tree_of_location import is_reached, open_tree
from batch_transform.pipeline.checks.among_runs import APART, Written
from batch_transform.pipeline.places import Places


@dataclass
class TablesAround:
    """The tables in whose folders another one would lie, as far as they can be seen.

    Attributes:
        spark: looks where the driver cannot.
        places: of the run, for how Spark names S3.
        store: S3; None: nothing lies there.
        format: in which tables are published.
    """

    spark: SparkSession
    places: Places
    store: ObjectStore | None
    format: OutputFormat

    def __post_init__(self) -> None:
        self._seen: dict[Place, str | None] = {}  # two tables mostly lie side by side

    def faults(self, tables: Iterable[Written]) -> Iterator[str]:
        """Yields a fault for each table that lies in another one, where a reader of that would see it."""
        for table in tables:
            if table.place is None:
                continue
            for outer in _above(table.place):
                if not table.place.is_hidden_in(outer) and (told := self._met(table.place, outer)) is not None:
                    yield f"{table.key}: {table.told} lies in {outer.location()}, {told}; {APART}"
                    break

    def _met(self, place: Place, outer: Place) -> str | None:
        """What is wrong with a table in a folder; None: nothing."""
        if outer not in self._seen:
            self._seen[outer] = self._table_at(outer)
        title = self._seen[outer]
        if title is None:
            return None
        is_partition = all("=" in part for part in place.parts[len(outer.parts) :])
        if title == _OF_FILES:
            if (is_partition and not self.format.can.commits) or self._is_there(place):
                return None
            return f"{title}: whoever reads that would find files of this one, and an overwrite of it would delete them"
        if title not in _VACUUMED:
            return f"{title}, of which its readers know no such files"
        if self.format.can.commits and self._is_there(place):
            return None
        return f"{title}, and VACUUM there deletes what is not of that table"

    def _table_at(self, place: Place) -> str | None:
        for folder, format in log_folders().items():
            if next(self._names(place.location(folder)), None) is not None:
                return _table_of(format)
        location = place.location()
        if not is_reached(location):
            return None
        try:
            open_tree(location, self.store).read(SUCCESS)
        except StoreFailure:  # it is not there, or none of this identity's business
            return None
        return _OF_FILES if is_table_of_files(self._names(location)) else None

    def _is_there(self, place: Place) -> bool:
        return first_seen(self._names(place.location())) is not None

    def _names(self, location: str) -> Iterator[str]:
        return names_below(self.spark, self.store, location, self.places.spark_path(location))


_OF_FILES = "a table of files"


def _table_of(format: Capabilities) -> str:
    return f"a {format.title} table"


_VACUUMED = [_table_of(format.can) for format in output_formats().values() if format.can.log_folder]


def _above(place: Place) -> Iterator[Place]:
    for depth in range(len(place.parts) - 1, -1, -1):
        yield Place(place.root, place.parts[:depth])
