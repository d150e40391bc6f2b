"""The footers of Parquet files, which are all that is read of them."""

from __future__ import annotations

import hashlib
import json
import struct

import pyarrow as pa
import pyarrow.parquet as pq

from batch_transform.core.amounts import counted
from batch_transform.core.converted_types import NONE, converted_types
from batch_transform.core.copied_files import SPARKS_VERSION, Footer, column_bytes, names_calendar, row_bytes
from batch_transform.core.errors import GateRefused
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.outputs.file_tree import Tree

TAIL_BYTES = 64 * 1024  # one request does for most footers
_END = struct.Struct("<I4s")  # Parquet format: the footer's length, then the magic


def footer_of(tree: Tree, file: TreeFile) -> pq.FileMetaData:
    """Returns the footer of a file.

    Raises:
        GateRefused: it is no Parquet.
        StoreFailure: it cannot be read, or is not the version that was listed.
    """
    return _read(tree, file)[0]


def open_footer_of(tree: Tree, file: TreeFile) -> pq.FileMetaData:
    """Returns the footer of a file, of which its columns may be asked; raises as `footer_of`, or if some are encrypted.

    Of an encrypted column pyarrow ends the whole process (`terminate called`). A file that has some and a footer in
    plain text has that footer signed: its length counts 28 bytes that are none of it (Parquet, modular encryption).
    """
    return _open(tree, file)[0]


def plain_footer_of(tree: Tree, file: TreeFile) -> pq.FileMetaData:
    """Returns the footer of a file that says everything in one way; raises as `open_footer_of`, or if it does not.

    Of two types of a column, or two notes on who wrote the file, Spark takes the one and pyarrow the other.
    """
    footer, body = _open(tree, file)
    columns = [footer.schema.column(place) for place in range(footer.num_columns)]
    try:
        pairs = list(zip(converted_types(body), map(_meant, columns), strict=True))
    except ValueError as err:
        raise GateRefused(f"{tree.location}/{file.name}: the columns of its footer cannot be told") from err
    if any(said not in (NONE, meant) for said, meant in pairs) or body.count(SPARKS_VERSION) > 1:
        raise GateRefused(f"{tree.location}/{file.name}: its footer says one thing in two ways")
    return footer


def _meant(column: pq.ColumnSchema) -> str:
    """The converted type of a column's logical type; also of a time without a zone, of which pyarrow says none."""
    logical = json.loads(column.logical_type.to_json())
    if logical["Type"] != "Timestamp":
        return str(column.converted_type)
    return {"milliseconds": "TIMESTAMP_MILLIS", "microseconds": "TIMESTAMP_MICROS"}.get(logical["timeUnit"], NONE)


def _open(tree: Tree, file: TreeFile) -> tuple[pq.FileMetaData, bytes]:
    footer, body = _read(tree, file)
    if footer.serialized_size != len(body):
        raise GateRefused(f"{tree.location}/{file.name}: some of its columns are encrypted")
    return footer, body


def _read(tree: Tree, file: TreeFile) -> tuple[pq.FileMetaData, bytes]:
    """The footer, and its bytes."""
    where = f"{tree.location}/{file.name}"
    tail = tree.read_tail(file, TAIL_BYTES)
    length, magic = _END.unpack(tail[-_END.size :]) if len(tail) >= _END.size else (0, b"")
    if magic != b"PAR1":
        raise GateRefused(
            f"{where} ({counted(file.size_bytes, 'byte')}) does not end as a Parquet file does: it was cut short, or "
            "is another file"
        )
    if length + _END.size > len(tail):
        tail = tree.read_tail(file, length + _END.size)
    try:
        # The reader looks for the footer from the end, so the tail alone will do.
        return pq.read_metadata(pa.BufferReader(tail)), tail[-_END.size - length : -_END.size]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as err:
        raise GateRefused(f"{where}: its Parquet footer cannot be read: {err}") from err


def told_by_footer(tree: Tree, file: TreeFile) -> Footer:
    """Returns what the footer of a file says of its rows and columns; raises as `open_footer_of`."""
    found = open_footer_of(tree, file)
    groups = [found.row_group(place) for place in range(found.num_row_groups)]
    sizes = row_bytes([(group.total_byte_size, group.num_rows) for group in groups])
    try:
        columns = tuple(found.schema.to_arrow_schema().names)
    except pa.ArrowException:
        columns = ()  # of a type that Arrow has not
    _, _, told = str(found.schema).partition("\n")  # without a line that names an address
    schema = hashlib.sha256(told.encode()).hexdigest()  # a wide table's is as long as a file may be
    chunks = ((group, group.column(place)) for group in groups for place in range(group.num_columns))
    each = column_bytes(
        (group.num_rows, chunk.path_in_schema, chunk.total_uncompressed_size) for group, chunk in chunks
    )
    return Footer(found.num_rows, columns, schema, sizes, names_calendar(found.metadata or {}), each)
