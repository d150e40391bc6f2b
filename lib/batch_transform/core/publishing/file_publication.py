"""What a publication of files will do, decided once and recorded before the first file moves.

A publication copies files under names that are its own (`part-<nonce>-<i>`), and removes files by name: repeating any
part of it changes nothing. `outputs.copying` carries it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pyarrow as pa

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError, LedgerCorrupt
from batch_transform.core.ledger import JsonObject, Part
from batch_transform.core.object_names import is_data_file, is_leftover, partition_columns, partition_of
from batch_transform.core.publishing.partition_spellings import as_read
from batch_transform.core.run_state import Recorded

Kind = Literal["result", "dead_letter"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Mode = Literal["error", "append", "overwrite", "overwrite_partitions"]


@dataclass(frozen=True)
class TreeFile:
    """A file of a tree: its name below the root, the version that was listed, and its rows where they were counted."""

    name: str
    size_bytes: int
    etag: str
    rows: int | None = None


@dataclass(frozen=True)
class PublishedFile:
    """One file of a publication: `source` in the run's own folder, `target` in the output, both below their roots."""

    source: str
    etag: str
    size_bytes: int
    rows: int
    target: str


@dataclass(frozen=True)
class Publication:
    """A publication of one table.

    Attributes:
        kind: which of the run's two tables.
        mode: what becomes of the files that are in the output already.
        source: root of the files that were merged.
        target: root of the output.
        run_id: for people who find the marker.
        nonce: the run's; part of every name that is written.
        files: what is copied.
        remove: names in the output that are deleted once all files are there.
    """

    kind: Kind
    mode: Mode
    source: str
    target: str
    run_id: str
    nonce: str
    files: tuple[PublishedFile, ...]
    remove: tuple[str, ...]

    @property
    def rows(self) -> int:
        """The rows that it publishes."""
        return sum(file.rows for file in self.files)

    @property
    def marker(self) -> str:
        """The name of the document in the output that lists its files."""
        return f"_batch_transform-{self.nonce}.json"

    def to_document(self) -> JsonObject:
        """Returns the small part, for a ledger step's payload; the files are in `to_table`."""
        head = ("kind", "mode", "source", "target", "run_id", "nonce")
        return {name: getattr(self, name) for name in head} | {"files": len(self.files), "remove": len(self.remove)}

    def to_table(self) -> pa.Table:
        """Returns the files to copy, then the names to remove (whose other columns are null), for a ledger part."""
        columns = [[getattr(file, field.name) for file in self.files] for field in FILES_SCHEMA]
        columns[FILES_SCHEMA.get_field_index("target")].extend(self.remove)
        for column in columns:
            column.extend([None] * (len(self.files) + len(self.remove) - len(column)))
        return pa.table(
            [pa.array(column, field.type) for column, field in zip(columns, FILES_SCHEMA, strict=True)], FILES_SCHEMA
        )

    @classmethod
    def from_document(cls, document: JsonObject, table: pa.Table) -> Publication:
        """Returns the publication that `to_document` and `to_table` were taken from.

        Raises:
            LedgerCorrupt: they do not belong together, or are not what this version writes.
        """
        rows = table.to_pylist()
        files = tuple(PublishedFile(**row) for row in rows if row["source"] is not None)
        remove = tuple(row["target"] for row in rows if row["source"] is None)
        head = dict(document)
        counts = (head.pop("files", None), head.pop("remove", None))
        if counts != (len(files), len(remove)) or head.get("mode") not in get_args(Mode):
            raise LedgerCorrupt(f"no publication: {head} with {counts} files, the part has {len(files)}, {len(remove)}")
        return cls(**head, files=files, remove=remove)


def recorded_publications(intent: Recorded, read: Callable[[Part], pa.Table]) -> dict[Kind, Publication]:
    """Returns what a step `publication` lists to be copied, for each kind; none where a format commits by itself.

    Args:
        intent: the step.
        read: returns what a part holds.
    """
    if not intent.parts:
        return {}
    documents = intent.payload["publications"]
    return {
        kind: Publication.from_document(documents[kind], read(part))
        for kind, part in zip(KINDS, intent.parts, strict=True)
    }


FILES_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("etag", pa.string()),
        ("size_bytes", pa.int64()),
        ("rows", pa.int64()),
        pa.field("target", pa.string(), nullable=False),
    ]
)


def plan_publication(
    kind: Kind,
    mode: Mode,
    source: str,
    target: str,
    run_id: str,
    nonce: str,
    merged: Iterable[TreeFile],
    found: Iterable[TreeFile],
    merges_lost: int,
) -> Publication:
    """Returns the publication of the files `merged`, given the files `found` in the output now.

    Hidden files among `merged` (Spark's `_SUCCESS`) are left out. Overwriting removes all data files, what describes
    them (`_metadata`) and the markers of earlier publications; `overwrite_partitions` removes the data files of the
    partitions that it writes to, and of no other. What the run itself has copied of an earlier merge, whose other files
    were lost (`merges_lost` times), is removed in any mode.
    A partition without rows, which is there so that a table is one, is left out where files stay that make it one.

    Raises:
        ConfigurationError: the output cannot take the files, as `refuse_target` says.
        ValueError: a merged file without a row count.
    """
    every = [file.name for file in found]
    own = {name for name in every if is_own(name, nonce)}
    names = [name for name in every if name not in own]
    data = sorted((file for file in merged if is_data_file(file.name)), key=lambda file: file.name)
    refuse_target(mode, target, names, partition_columns(data[0].name) if data else None)
    stays = mode in ("append", "overwrite_partitions") and any(map(is_data_file, names))
    if stays and all(partition_of(file.name) and file.rows == 0 for file in data):
        data = []
    merge = f"{nonce}-{merges_lost}" if merges_lost else nonce
    files = tuple(_published(file, merge, number) for number, file in enumerate(data))
    leftover = own - {file.target for file in files}
    remove = tuple(sorted({*_to_remove(mode, names, files), *leftover}))
    return Publication(kind, mode, source, target, run_id, nonce, files, remove)


def is_own(name: str, nonce: str) -> bool:
    """Returns whether a file of an output was copied by the run of this nonce."""
    return name.rpartition("/")[2].startswith(f"part-{nonce}-")


def lost_sources(publication: Publication, present: Iterable[TreeFile], merged: Iterable[TreeFile]) -> list[str]:
    """Returns the merged files that are still to be copied, but are gone or altered.

    Args:
        publication: what is being published.
        present: what the output holds.
        merged: what is left of the merged files.
    """
    copied = {file.name: file.size_bytes for file in present}
    left = {(file.name, file.etag, file.size_bytes) for file in merged}
    wanted = [file for file in publication.files if copied.get(file.target) != file.size_bytes]
    return [file.source for file in wanted if (file.source, file.etag, file.size_bytes) not in left]


def refuse_target(mode: Mode, target: str, names: Sequence[str], partition_by: Sequence[str] | None) -> None:
    """Checks that an output with these files may be written to; `partition_by` None: the partitions are not known.

    Raises:
        ConfigurationError: mode `error` and there are data files, or files that stay are partitioned by other columns
            (Spark refuses to read such a mixture).
    """
    count = sum(is_data_file(name) for name in names)
    if mode == "error" and count:
        raise ConfigurationError(
            f"output: {target} holds {counted(count, 'data file')} already, and output.mode is error: name "
            "another place, or say what becomes of what is there by output.mode, append or overwrite"
        )
    if partition_by is not None and mode in ("append", "overwrite_partitions"):
        _refuse_other_partitions(target, names, tuple(partition_by))


def _refuse_other_partitions(target: str, names: Iterable[str], wanted: tuple[str, ...]) -> None:
    for name in filter(is_data_file, names):
        if partition_columns(name) != wanted:
            theirs, ours = (", ".join(columns) or "nothing" for columns in (partition_columns(name), wanted))
            raise ConfigurationError(
                f"output.partition_by: is {ours}, and {target} holds {name}, partitioned by {theirs}; partition alike, "
                "or name another place"
            )


def _published(file: TreeFile, merge: str, number: int) -> PublishedFile:
    if file.rows is None:
        raise ValueError(f"the rows of {file.name} were not counted")
    partition = partition_of(file.name)
    suffix = file.name.rpartition(".")[2]  # the format's; Spark puts the codec before it
    target = f"{partition}/" * bool(partition) + f"part-{merge}-{number:05d}.{suffix}"
    return PublishedFile(file.name, file.etag, file.size_bytes, file.rows, target)


def _to_remove(mode: Mode, names: Iterable[str], files: Iterable[PublishedFile]) -> tuple[str, ...]:
    if mode == "overwrite":
        return tuple(sorted(name for name in names if is_data_file(name) or is_leftover(name)))
    if mode == "overwrite_partitions":
        written = {as_read(partition_of(file.target)) for file in files}
        return tuple(sorted(name for name in names if is_data_file(name) and as_read(partition_of(name)) in written))
    return ()
