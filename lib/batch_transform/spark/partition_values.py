"""Partition columns become names of folders: which types and values come back from there as they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DateType,
    IntegerType,
    LongType,
    NumericType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)

from batch_transform.core.reserved_columns import quoted
from batch_transform.spark.row_rules import RowRule

_TEXT = (StringType, CharType, VarcharType)
_OF_FOLDERS: tuple[type[DataType], ...] = (ByteType, ShortType, IntegerType, LongType, DateType, *_TEXT)
# Of the others those of which a table is partitioned whose log tells their values.
_OF_LOGS: tuple[type[DataType], ...] = (NumericType, BooleanType, TimestampType, TimestampNTZType)
_NULL = "__HIVE_DEFAULT_PARTITION__"
_COPYING = "._COPYING_"  # Spark takes what ends so for a file on its way, and reads none of it
# Spark's ExternalCatalogUtils writes %XX for each of these.
_ESCAPED = "".join(map(chr, range(1, 32))) + "\"#%'*/:=?\\\x7f{[]^"
LONGEST_NAME_BYTES = 255  # of ext4, XFS, APFS, NTFS and HDFS
LONGEST_KEY_BYTES = 1024  # S3 user guide, "Naming Amazon S3 objects"
_OTHER_BYTES = 40  # of the name of a folder for a number, a date or a time, beside its column's name


@dataclass(frozen=True)
class Room:
    """How many bytes a file system has for the folders of a partition: `name` for each, `path` for all of them."""

    name: int | None
    path: int | None


def partition_faults(schema: StructType, partition_by: Sequence[str], others: str | None) -> list[str]:
    """Returns a fault for each partition column whose name or type is lost in a folder's name.

    Args:
        schema: of the input.
        partition_by: the columns.
        others: the formats that keep all types, where folders' names are all that the output's has; None: it has more.
    """
    faults = []
    if len({name.lower() for name in partition_by}) < len(partition_by):
        faults.append(f"output.partition_by: names a column twice ({', '.join(partition_by)})")
    for field in _fields(schema, partition_by):
        kind = field.dataType
        if others is not None and (not isinstance(kind, _OF_FOLDERS) or _is_collated(kind)):
            faults.append(
                f"output.partition_by: {field.name} is {kind.simpleString()}, and the name of a folder keeps only "
                "dates, integers and strings (without a collation) as they are; partition by another column"
                + (f", or set output.format: {others}" if isinstance(kind, _OF_LOGS) else ", or cast it in the input")
            )
        elif isinstance(kind, BinaryType):
            faults.append(f"output.partition_by: {field.name} is binary, which no folder's name keeps")
        if others is not None and field.name.startswith("."):
            faults.append(f"output.partition_by: readers see no folder whose name begins with a dot, as {field.name}")
    return faults


def _is_collated(kind: DataType) -> bool:
    return isinstance(kind, StringType) and kind != StringType()


def partition_rules(schema: StructType, partition_by: Sequence[str], room: Room) -> list[RowRule]:
    """Returns what the values of the partition columns must not be."""
    texts = [field for field in _fields(schema, partition_by) if isinstance(field.dataType, _TEXT)]
    rules = [rule for field in texts for rule in _of_text(field, room.name)]
    if texts and room.path is not None:
        others = sum(_OTHER_BYTES + len(name.encode()) for name in partition_by) - _OTHER_BYTES * len(texts)
        sizes = [_folder_bytes(field) for field in texts]
        total = F.lit(others)
        for size in sizes:
            total = total + F.coalesce(size, F.lit(len(_NULL)))
        names = ", ".join(field.name for field in texts)
        rules.append(RowRule(total > room.path, f"the key of a partition of {names} would be longer than S3 takes"))
    return rules


def _of_text(field: StructField, longest: int | None) -> Iterator[RowRule]:
    value, name = F.col(quoted(field.name)), f"output.partition_by: {field.name}"
    yield RowRule(value == "", f"{name} is '', which would read as null")
    yield RowRule(value == _NULL, f"{name} is {_NULL}, which would read as null")
    yield RowRule(F.instr(value, "\x00") > 0, f"{name} holds a NUL, which no file's name may hold")
    yield RowRule(value.endswith(_COPYING), f"{name} ends with {_COPYING}, and readers would not see its folder")
    if longest is not None:
        size = _folder_bytes(field) + len(field.name.encode()) + 1
        yield RowRule(size > longest, f"{name} makes a folder whose name is longer than {longest} bytes")


def _folder_bytes(field: StructField) -> Column:
    value = F.col(quoted(field.name))
    plain = F.translate(value, _ESCAPED, "")
    return F.octet_length(value) + 2 * (F.length(value) - F.length(plain))


def _fields(schema: StructType, partition_by: Sequence[str]) -> list[StructField]:
    chosen = {name.lower() for name in partition_by}
    return [field for field in schema.fields if field.name.lower() in chosen]
