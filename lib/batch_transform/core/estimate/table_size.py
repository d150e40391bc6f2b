"""How large a table is that is not read whole: what a part of its files or its statistics tell of all of it. Pure.

A plan renders each record, and is exact, up to so many rows and bytes. Of more it would take hours: then rows are
counted by footers or told by a log, and records are those of some rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from batch_transform.core.amounts import counted
from batch_transform.core.estimate.measured_records import LaneSize, Measured
from batch_transform.core.limits import BYTES_PER_MB, LARGEST_RECORD_BYTES
from batch_transform.core.sending.partitioning import Partitioning, partitioning
from batch_transform.core.spans import OVERSIZE, STANDARD, UNSENDABLE

MOST_EXACT_ROWS = 10_000_000
MOST_EXACT_BYTES = 4_000 * BYTES_PER_MB
# Whose rows are counted. 40,000 footers of S3 are minutes, also for some executors; equal files are told by a few.
COUNTED_FILES = 100
# Of a format whose files have to be read for that.
READ_FILES = 4
RENDERED_FILES, RENDERED_ROWS = 16, 1_000
# Of each of those files, on its disk: rows of a megabyte are fewer.
_RENDERED_BYTES = 16 * BYTES_PER_MB

_STATISTICS = re.compile(r"Statistics\(sizeInBytes=([\d.E+]+) (\w+)(?:, rowCount=([\d.E+]+))?")
_UNITS = {"B": 0, "KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4, "PiB": 5}
_LOGGED = re.compile(r"Delta(Log)?FileIndex|TahoeLogFileIndex")


@dataclass(frozen=True)
class Statistics:
    """What an explained plan tells of its rows.

    Attributes:
        size_bytes: on disk, about; None: nobody knows.
        rows: by the source's own statistics, about; None: there are none.
        has_log: whether the table has a log that counts its rows.
    """

    size_bytes: int | None = None
    rows: int | None = None
    has_log: bool = False


def statistics_of(text: str) -> Statistics:
    """Returns what the text of `explain` says in the mode `cost`: of the first line of its optimized plan."""
    found = _STATISTICS.search(text.partition("== Optimized Logical Plan ==")[2])
    if found is None:
        return Statistics(has_log=_LOGGED.search(text) is not None)
    power = _UNITS.get(found[2])  # what is in EiB is Spark's word for: not known
    size = None if power is None else round(float(found[1]) * 1024**power)
    rows = None if found[3] is None else round(float(found[3]))
    return Statistics(size, rows, _LOGGED.search(text) is not None)


@dataclass(frozen=True)
class TableSize:
    """A table.

    Attributes:
        rows: about, or exactly where all files were counted.
        files: that hold them; None: nobody counted them.
        counted: of which the rows were counted.
        within: by which share the rows may be more or fewer, twice the standard error; 0: they were counted.
        size_bytes: on disk; None: nobody knows.
        source: where the number of rows is from, if not from files.
    """

    rows: int
    files: int | None = None
    counted: int = 0
    within: float = 0.0
    size_bytes: int | None = None
    source: str = ""

    @property
    def is_small(self) -> bool:
        """Whether each of its records is rendered."""
        return self.rows <= MOST_EXACT_ROWS and (self.size_bytes or 0) <= MOST_EXACT_BYTES

    @property
    def row_bytes(self) -> float:
        """Bytes of a row on disk; 0 where nobody knows."""
        return (self.size_bytes or 0) / max(1, self.rows)

    @property
    def rows_of_a_piece(self) -> int:
        """How many rows of a file are rendered."""
        return max(1, min(RENDERED_ROWS, int(_RENDERED_BYTES / max(1.0, self.row_bytes))))

    def words(self, rendered: int) -> str:
        """Returns what a plan is estimated from."""
        if self.source:
            told = f"rows by {self.source}"
        elif self.within:
            told = f"rows by {self.counted:,} of {counted(self.files or 0, 'file')}, within {self.within:.1%}"
        else:
            told = f"rows counted in {counted(self.files or 0, 'file')}"
        return f"{told}; records by {counted(rendered, 'row')}, so the largest may be larger"


def drawn(names: Sequence[str], most: int) -> list[str]:
    """Returns names at random, the same each time; all of them if there are no more than `most`."""
    if len(names) <= most:
        return list(names)
    places = np.random.default_rng(len(names)).choice(len(names), most, replace=False)
    return [names[place] for place in sorted(places.tolist())]


def size_by_files(files: int, rows: Sequence[int], size_bytes: int | None) -> TableSize:
    """Returns the size of a table of so many files, of some of which the rows were counted."""
    counted = len(rows)
    mean = float(np.mean(rows)) if counted else 0.0
    error = float(np.std(rows, ddof=1)) / math.sqrt(counted) if counted > 1 else mean
    # Of a finite number of files: where all were counted there is no doubt.
    within = 2 * error * math.sqrt(1 - counted / files) / mean if mean else 0.0
    return TableSize(round(mean * files), files, counted, within, size_bytes)


def measured_by(
    size: TableSize, records: np.ndarray, oversize_bytes: int, partitions: Partitioning, *, newline: bool
) -> Measured:
    """Returns a table's records, about.

    Args:
        size: of the table.
        records: bytes of some of its records, as they are sent.
        oversize_bytes: above which the oversize lane begins.
        partitions: as `scan_partitions`.
        newline: whether a newline is counted with each record.
    """
    lanes = np.where(records > LARGEST_RECORD_BYTES, 2, np.where(records > oversize_bytes, 1, 0))
    found: Mapping[str, LaneSize] = {
        name: _scaled(records[lanes == place], size.rows / max(1, len(records)))
        for place, name in enumerate((STANDARD, OVERSIZE, UNSENDABLE))
        if (lanes == place).any()
    }
    return Measured(found, newline, partitions, size.words(len(records)))


def _scaled(records: np.ndarray, times: float) -> LaneSize:
    return LaneSize(round(len(records) * times), round(float(records.sum()) * times), int(records.max()))


def scan_partitions(
    size: TableSize, record_bytes: float, cores: int, split_bytes: int, open_bytes: int
) -> Partitioning:
    """Returns in how many partitions Spark reads a table, about, and whether they are shuffled.

    Files are taken to be equal. Spark packs small ones into a split, each counted with the cost of opening it
    (FilePartition.maxSplitBytes).

    Args:
        size: of the table.
        record_bytes: of a record.
        cores: tasks that Spark runs side by side.
        split_bytes: spark.sql.files.maxPartitionBytes.
        open_bytes: spark.sql.files.openCostInBytes.
    """
    files, total = size.files or 1, size.size_bytes or 0
    most = min(split_bytes, max(open_bytes, math.ceil((total + files * open_bytes) / cores)))
    each = total / files
    count = files * math.ceil(each / most) if each > most else math.ceil(files / max(1, most // (each + open_bytes)))
    splits = max(1, min(count, size.rows))
    return partitioning([size.rows * record_bytes / splits] * splits, cores)
