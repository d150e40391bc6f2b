"""Stage without writing a row: Parquet files that are the input as it is are copied, their rows numbered by place.

A copy on S3 is the server's work, and one on this machine none of Spark's. No pass over the rows is left of staging: an
export reads them anyway, before anything is paid for. It reads every column of copies (`read_whole`), so that no page
is found broken later, and none of their records may be large or have a fault (`RecordRule.lines`); else rows are
written after all (the step `unstaged`), of which is told what is wrong.

A copy lies in a folder that is named as partitions are, by the number of its first row: `_metadata.row_index` is added
to it, so that a constant and a counter stand where a column of numbers would be read.

It is done where Spark would read the very same from the copies (`copy_rules`); else rows are written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from batch_transform.core.reserved_columns import each_of, quoted
from batch_transform.core.sending.object_sizes import LARGE_RECORD_BYTES
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.spark.copy_rules import is_cached
from batch_transform.spark.record_rules import RecordRule
from batch_transform.spark.staged_rows import own_fields, read_staged


class InputFiles(Protocol):
    """The files of an input that may be staged by copying them."""

    def copy(self, folder: str, number: str) -> tuple[StagedFile, ...]:
        """Returns the copies, with about the least that their records take; none: they cannot be made, nothing is left.

        Args:
            folder: a new one.
            number: the name of the column of row numbers.
        """


def stage_copies(df: DataFrame, rule: RecordRule, files: InputFiles, folder: str, record_bytes: float) -> Staged | None:
    """Returns the copies as staged files; None: they are not what is to be staged, and nothing is left of them.

    Args:
        df: the input.
        rule: how a row becomes a record.
        files: of the input.
        folder: a new one.
        record_bytes: of one, on average of the first, which may be unlike the others: empty, say.
    """
    own = own_fields(df.columns)
    copies = () if is_cached(df) else files.copy(folder, own.names[0])
    if not copies:
        return None
    text = StructType([*own.fields, *df.schema.fields]).json()
    sizes = [max(file.json_bytes, round(file.rows * record_bytes)) for file in copies]
    about = [replace(f, json_bytes=size, largest=LARGE_RECORD_BYTES) for f, size in zip(copies, sizes, strict=True)]
    return Staged(text, tuple(about), header=rule.header, is_copied=True)


def read_whole(spark: SparkSession, staged: Staged, rule: RecordRule) -> DataFrame:
    """Returns the staged rows (`read_staged`) so that whoever takes no more than their records reads all of them.

    A row's number depends on what no record has: on the smaller of 0 and a hash, and no number is smaller than that.
    """
    rows = read_staged(spark, staged)
    sent = frozenset(rule.columns)
    unread = [name for name in staged.input_names if name not in sent]
    if not staged.is_copied or not unread:
        return rows
    number, *others = each_of(rows.columns)
    read = f"greatest({number}, least(xxhash64({', '.join(each_of(unread))}), 0L)) AS {quoted(rows.columns[0])}"
    return rows.selectExpr(read, *others)
