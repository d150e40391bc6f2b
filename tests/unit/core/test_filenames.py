"""Which files are data, by Spark's rules."""

from __future__ import annotations

import pytest

from batch_transform.core.object_names import is_data_file, is_leftover, partition_columns, partition_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("part-0.parquet", True),
        ("a=1/b=2/part-0.parquet", True),
        ("_a=1/part-0.parquet", True),  # a partition column may begin with "_"
        ("folder/file", True),
        ("_SUCCESS", False),
        (".part-0.parquet.crc", False),
        (".hidden/part-0.parquet", False),
        ("_temporary/0/part-0.parquet", False),
        ("a=1/_temporary/part-0.parquet", False),
        ("._a=1/part-0.parquet", False),
        ("part-0.parquet._COPYING_", False),
        ("_metadata", False),
    ],
)
def test_what_spark_reads(name, expected):
    assert is_data_file(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("_batch_transform-abc.json", True),
        ("_metadata", True),
        ("_common_metadata", True),
        ("_SUCCESS", False),
        ("a=1/_batch_transform-abc.json", False),
        ("_batch_transform-abc.json.bak", False),
        ("_owner", False),
        ("notes.txt", False),
    ],
)
def test_what_describes_removed_data(name, expected):
    assert is_leftover(name) is expected


def test_partitions_keep_their_spelling():
    assert partition_of("a=1%2F2/b=x/part-0.parquet") == "a=1%2F2/b=x"
    assert partition_of("part-0.parquet") == ""


def test_partition_columns_are_read_without_their_escapes():
    assert partition_columns("a%3Db=1/c=x=y/part-0.parquet") == ("a=b", "c")
    assert partition_columns("part-0.parquet") == ()
