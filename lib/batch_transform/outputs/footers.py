"""What Parquet footers say about their files, read by ranges: the counts that the gate trusts."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from batch_transform.core.errors import GateRefused
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.outputs.file_tree import THREADS, Tree, in_threads

TAIL_BYTES = 64 * 1024  # one request does for most footers
END = struct.Struct("<I4s")  # Parquet format: the footer's length, then the magic


def footer_rows(tree: Tree, files: Iterable[TreeFile], threads: int = THREADS) -> dict[str, int]:
    """Returns name -> rows by the files' own footers; columns are never read. Memory: one footer for each thread.

    Raises:
        GateRefused: a file is no Parquet.
        StoreFailure: it cannot be read, or is not the version that was listed.
    """
    listed = list(files)
    rows = in_threads(lambda file: read_metadata(tree, file).num_rows, listed, threads)
    return {file.name: count for file, count in zip(listed, rows, strict=True)}


def read_metadata(tree: Tree, file: TreeFile) -> pq.FileMetaData:
    """Returns a file's footer; raises as `footer_rows` does."""
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
