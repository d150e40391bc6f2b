"""The input that a run file names, if it is one whose files are staged by copying them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from batch_transform.config.runfile import RunConfig
from batch_transform.core.copied_files import Footer, are_as_read, are_few, copy_name, first_row
from batch_transform.core.errors import ConfigurationError, GateRefused
from batch_transform.core.object_store import ObjectNotFound, ObjectStore, StoreFailure
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.core.sending.object_sizes import is_large
from batch_transform.core.source_identity import FileVersion, SourceIdentity
from batch_transform.core.spans import StagedFile
from batch_transform.exports.export_ways import export_way
from batch_transform.outputs.file_tree import Tree, in_threads
from batch_transform.outputs.hadoop_sums import checksums_of
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.parquet_footers import told_by_footer
from batch_transform.outputs.registry import output_formats
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.places import Places
from batch_transform.pipeline.tables.source import Source
from batch_transform.spark.copy_rules import encrypts_by_itself, is_todays_calendar, may_be_copied
from batch_transform.spark.input_reading import Scan, are_large
from batch_transform.spark.record_rules import RecordRule
from batch_transform.spark.settings import session_settings


def copied_input(
    config: RunConfig,
    source: Source,
    scan: Scan | None,
    identity: SourceIdentity | None,
    rule: RecordRule,
    places: Places,
    store: ObjectStore,
) -> CopiedInput | None:
    """Returns the files of an input that is nothing but files; of a table by its name others may have a say.

    Args:
        config: the run file.
        source: the input.
        scan: its files.
        identity: how it is computed.
        rule: how a row becomes a record.
        places: where rows are staged.
        store: what the driver itself reads and writes.
    """
    given = config.input
    if scan is None or are_large(scan.files) or given is None or given.path is None:
        return None
    if not export_way(config.export).measures_copies:
        return None
    if identity is None or not identity.plan.is_bare:
        return None
    df, how = source.df, output_formats().get(given.format)
    if how is None or not may_be_copied(df.sparkSession, df.schema, given.options, rule, places.scratch):
        return None
    access = config.aws.s3
    if encrypts_by_itself(df.sparkSession, places.scratch) and not (
        access is not None and (access.sse or access.kms_key)
    ):
        return None  # by a key that the driver knows nothing of
    path, _ = places.input_path(given.path, takes_patterns=False)
    with session_settings(df.sparkSession, how.settings):
        if not how.files_hold_all(df.sparkSession, path):
            return None
    is_todays = is_todays_calendar(df.sparkSession, df.schema)
    return CopiedInput(scan.files, tuple(df.columns), is_todays, lambda folder: open_tree(folder, store), rule.columns)


@dataclass(frozen=True)
class CopiedInput:
    """Parquet files that are an input.

    Attributes:
        files: them, as Spark has listed and counted them.
        columns: of the input.
        is_todays: whether Spark reads the dates and times of files that do not tell their calendar by today's.
        open_tree: opens a folder, by its location.
        sent: the columns of a record, as far as they are known.
    """

    files: tuple[FileVersion, ...]
    columns: tuple[str, ...]
    is_todays: bool
    open_tree: Callable[[str], Tree]
    sent: tuple[str, ...] = ()

    def copy(self, folder: str, number: str) -> tuple[StagedFile, ...]:
        """Returns the copies; none: they are not the input as it is, have changed, or are not the driver's to read."""
        if not are_few([file.size_bytes or 0 for file in self.files]):
            return ()
        files = sorted(self.files, key=lambda file: file.path)
        try:
            target = self.open_tree(folder)
            found = in_threads(self._found, files)
            if any(type(tree) is not type(target) for tree, _ in found):
                return ()
            footers = in_threads(lambda each: told_by_footer(*each), found)
        except (ConfigurationError, GateRefused, StoreFailure):
            return ()
        if not self._are_all(files, footers):
            return ()
        names = [copy_name(number, place) for place in range(len(found))]
        try:
            in_threads(lambda each: _copy(*each[0], target, each[1]), zip(found, names, strict=True))
        except StoreFailure:
            target.clear()
            return ()
        return tuple(_staged(folder, names, files, [footer.bytes_of(self.sent) for footer in footers]))

    def _found(self, file: FileVersion) -> tuple[Tree, TreeFile]:
        """Where a file lies, and its version now; of another size it is not what Spark has listed."""
        folder, _, name = unquote(file.path).rpartition("/")
        tree = self.open_tree(folder)
        found = tree.find(name)
        if found is None or found.size_bytes != file.size_bytes:
            raise ObjectNotFound("copy", file.path, "changed", "it is gone or another one")
        return tree, found

    def _are_all(self, files: Sequence[FileVersion], footers: Sequence[Footer]) -> bool:
        """Whether the files are the input as it is, by their footers."""
        paths = [each for file in files for each in (file.path, unquote(file.path), unquote(unquote(file.path)))]
        if not are_as_read(footers, [file.rows or 0 for file in files], self.columns, paths):
            return False
        if any(is_large(max(each.row_bytes)) for each in footers):
            return False
        return self.is_todays or all(each.names_calendar for each in footers)


def _copy(source: Tree, file: TreeFile, target: Tree, name: str) -> None:
    target.copy_in(source, file, name)
    sums = source.find(checksums_of(file.name)) if isinstance(source, LocalTree) else None
    if sums is not None:  # by which Hadoop finds that a file has rotted
        target.copy_in(source, sums, checksums_of(name))


def _staged(
    folder: str, names: Sequence[str], files: Sequence[FileVersion], sizes: Sequence[int]
) -> Iterator[StagedFile]:
    for place, (name, file, size) in enumerate(zip(names, files, sizes, strict=True)):
        count = file.rows or 0
        yield StagedFile(f"{folder}/{name}", count, first_row(place), first_row(place) + count - 1, size, 0)
