"""Input files that are staged by being copied: how the copies are named, and which files may be. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from batch_transform.core.reserved_columns import ROW_NUMBER, twins

# More of them are staged by executors: each takes the driver three requests on S3, of which it has ten under way.
_MOST_FILES = 2_000
# Records are measured on some rows of one file, so those of the others, and of each row group, are about as large.
_TIMES, _BYTES_MORE = 4, 1_000
# Of fewer rows headers and dictionaries weigh more than their values.
_FEW_ROWS = 1_000
# Small ones are gathered: more than 32 are listed by a job in each reading, and opening one counts as 4 MB.
_FEW_FILES = 32
_SMALL_BYTES = 4 * 1024 * 1024
# The row numbers of a file lie apart from another's by as many bits as Spark's own numbers of a task.
_ROW_BITS = 33
_FOLDER = re.compile(rf"_*{ROW_NUMBER}=\d+")
# What Spark notes of itself; from 3.1 on all of its times are in today's calendar, or another note says they are not.
SPARKS_VERSION = b"org.apache.spark.version"
_NAMES_CALENDAR_SINCE = (3, 1)
_COMPARED_BY_SPARK = b"3.1"


@dataclass(frozen=True)
class Footer:
    """What the footer of a Parquet file says.

    Attributes:
        rows: how many it has.
        columns: the names of its columns; those of fields within are no part of it.
        schema: a digest of the whole of it.
        row_bytes: mean of a row, uncompressed, in the row group where it is smallest, and where it is largest.
        names_calendar: whether it tells in which calendar its dates and times are.
        column_bytes: of each column by its path, uncompressed, in row groups of many rows.
    """

    rows: int
    columns: tuple[str, ...]
    schema: str
    row_bytes: tuple[float, float]
    names_calendar: bool
    column_bytes: Mapping[str, int] = field(default_factory=dict)

    def bytes_of(self, columns: Sequence[str]) -> int:
        """Returns what columns take, with all that lies in them: a record that has them is not much smaller.

        It may be much larger, where values stand in a dictionary.
        """
        within = tuple(f"{name}." for name in columns)
        return sum(size for path, size in self.column_bytes.items() if path in columns or path.startswith(within))


def names_calendar(notes: Mapping[bytes, bytes]) -> bool:
    """Returns whether a file tells in which calendar its dates and times are; as the notes in its footer say."""
    version = notes.get(SPARKS_VERSION, b"")
    found = re.match(rb"(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < _NAMES_CALENDAR_SINCE:
        return False
    return version >= _COMPARED_BY_SPARK  # as texts: to Spark 4.2 a version 10 is before 3


def is_of_todays_calendar(notes: Mapping[bytes, bytes]) -> bool:
    """Returns whether Spark reads dates and times of a file as they stand there, unless it is told otherwise.

    Those of its own earlier versions, and of files that say so, it reads as of the calendar before 1582.
    """
    if any(key.startswith(b"org.apache.spark.legacy") for key in notes):
        return False
    return names_calendar(notes) or SPARKS_VERSION not in notes


def row_bytes(groups: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Returns the means of a row in the row groups where they are smallest and largest, by bytes and rows of each."""
    means = [size / rows for size, rows in groups if rows >= _FEW_ROWS]
    means = means or [size / rows for size, rows in groups if rows]
    return min(means, default=0.0), max(means, default=0.0)


def column_bytes(chunks: Iterable[tuple[int, str, int]]) -> dict[str, int]:
    """Returns the bytes of each column, by the rows of their row groups, the column's path and bytes of all chunks."""
    found = Counter[str]()
    for rows, path, size in chunks:
        found[path] += size if rows >= _FEW_ROWS else 0
    return dict(found)


def are_few(sizes: Sequence[int]) -> bool:
    """Returns whether files of these sizes, in bytes, are few and large enough to be staged one by one."""
    return 0 < len(sizes) <= _MOST_FILES and (len(sizes) <= _FEW_FILES or sum(sizes) >= len(sizes) * _SMALL_BYTES)


def are_as_read(footers: Sequence[Footer], rows: Sequence[int], columns: Sequence[str], paths: Sequence[str]) -> bool:
    """Returns whether files hold nothing but the rows and columns that Spark reads of them.

    No deleted rows, no column from the name of a folder, none under another name, all of one schema, and rows of about
    one size.

    Args:
        footers: of each file.
        rows: how many of its rows are the input's, as Spark has counted them.
        columns: of the input.
        paths: of the files.
    """
    if not footers or any(footer.rows != count for footer, count in zip(footers, rows, strict=True)):
        return False
    if any(footer.schema != footers[0].schema for footer in footers) or sorted(footers[0].columns) != sorted(columns):
        return False
    sizes = [size for footer in footers if footer.rows for size in footer.row_bytes]
    if max(sizes, default=0) > _TIMES * min(sizes, default=0) + _BYTES_MORE:
        return False
    if max(rows) >= 1 << _ROW_BITS or twins(columns, case_sensitive=False):
        return False
    names = tuple(f"/{name.lower()}=" for name in columns)
    return not any(name in path.lower() for path in paths for name in names)


def first_row(place: int) -> int:
    """Returns the number of the first row of a file."""
    return place << _ROW_BITS


def copy_name(column: str, place: int) -> str:
    """Returns the name of a copy: in a folder that tells Spark the number of its first row as a partition's column."""
    return f"{column}={first_row(place)}/part-0.parquet"


def root_and_name(path: str) -> tuple[str, str]:
    """Returns the folder in which a staged file and others lie, and the file's name below it."""
    folder, _, name = path.rpartition("/")
    root, _, last = folder.rpartition("/")
    return (root, f"{last}/{name}") if _FOLDER.fullmatch(last) else (folder, name)
