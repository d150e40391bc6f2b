"""What Parquet footers say about their files, read by ranges: the counts that the gate trusts."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from batch_transform.core.errors import GateRefused
from batch_transform.core.publishing.publication import TreeFile
from batch_transform.outputs.trees import THREADS, Tree, in_threads

TAIL_BYTES = 64 * 1024  # one request does for most footers
END = struct.Struct("<I4s")  # Parquet format: the footer's length, then the magic


@dataclass(frozen=True)
class Footer:
    """A file's rows, and the range of one integer column where it was asked for and has statistics."""

    rows: int
    smallest: int | None = None
    largest: int | None = None


def read_footers(
    tree: Tree, files: Iterable[TreeFile], column: str | None = None, threads: int = THREADS
) -> dict[str, Footer]:
    """Returns name -> footer; `column` names a top-level integer column whose range is wanted.

    Columns are never read. Memory: one footer for each thread.

    Raises:
        GateRefused: a file is no Parquet, or has no such column or no statistics for it.
        StoreFailure: it cannot be read, or is not the version that was listed.
    """
    listed = list(files)
    footers = in_threads(lambda file: _footer(tree, file, column), listed, threads)
    return {file.name: footer for file, footer in zip(listed, footers, strict=True)}


def footer_rows(tree: Tree, files: Iterable[TreeFile], threads: int = THREADS) -> dict[str, int]:
    """Returns name -> rows by the files' own footers; raises as `read_footers` does."""
    return {name: footer.rows for name, footer in read_footers(tree, files, None, threads).items()}


def read_metadata(tree: Tree, file: TreeFile) -> pq.FileMetaData:
    """Returns a file's footer; raises as `read_footers` does."""
    where = f"{tree.location}/{file.name}"
    tail = tree.read_tail(file, TAIL_BYTES)
    length, magic = END.unpack(tail[-END.size :]) if len(tail) >= END.size else (0, b"")
    if magic != b"PAR1":
        raise GateRefused(f"{where} ({file.size_bytes} bytes) does not end as a Parquet file does")
    if length + END.size > len(tail):
        tail = tree.read_tail(file, length + END.size)
    try:
        # The reader looks for the footer from the end, so the tail alone will do.
        return pq.read_metadata(pa.BufferReader(tail))
    except (pa.ArrowException, OSError) as err:
        raise GateRefused(f"{where}: its Parquet footer cannot be read: {err}") from err


def _footer(tree: Tree, file: TreeFile, column: str | None) -> Footer:
    metadata = read_metadata(tree, file)
    if column is None or not metadata.num_rows:
        return Footer(metadata.num_rows)
    return Footer(metadata.num_rows, *_range(metadata, column, f"{tree.location}/{file.name}"))


def _range(metadata: pq.FileMetaData, column: str, where: str) -> tuple[int, int]:
    paths = [metadata.schema.column(index).path for index in range(metadata.num_columns)]
    if column not in paths:
        raise GateRefused(f"{where} has no column {column}")
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    found = [group.column(paths.index(column)).statistics for group in groups if group.num_rows]
    if not all(statistics is not None and statistics.has_min_max for statistics in found):
        raise GateRefused(f"{where} has no statistics for column {column}")
    return min(statistics.min for statistics in found), max(statistics.max for statistics in found)
