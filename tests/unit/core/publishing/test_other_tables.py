"""What lies in a folder is of the table there, or of something else, by its name."""

from __future__ import annotations

import pytest

from batch_transform.core.publishing.other_tables import first_seen, is_table_of_files, other_table

KINDS = (("orc", "parquet"), ("_delta_log",))

OF_THE_TABLE = [
    "part-00000-x.c000.snappy.parquet",
    "part-x",
    "000000_0",
    "20240101_x.gz",
    "ds=1/part-0.parquet",
    "ds=1/_SUCCESS",
    "_x=1/h=2/part-0.orc",
    "ds=1/1/000000_0",
    "_SUCCESS",
    "._SUCCESS.crc",
    "_batch_transform-n.json",
    "_metadata",
    "_temporary/0/part-0.parquet",
    ".out.batch_transform-1/part-0.parquet",
    "_kept/other/_delta_log/0.json",
    "x.parquet.brotli",
    "000000_0.orc.zlib",
    "1/000000_0",
    "HIVE_UNION_SUBDIR_1/000000_0",
    "flights_$folder$",
    "x._COPYING_",
]


@pytest.mark.parametrize("name", OF_THE_TABLE)
def test_files_partitions_and_what_readers_do_not_see_are_of_the_table(name):
    assert other_table([name], *KINDS) is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("flights/part-0.parquet", "flights/"),
        ("flights/_SUCCESS", "flights/"),
        ("flights/_delta_log/0.json", "flights/"),
        ("flights/ds=1/part-0.parquet", "flights/"),
        ("ds=1/_delta_log/0.json", "ds=1/"),
        ("ds=1/flights/_delta_log/0.json", "ds=1/flights/"),
        ("check.py", "check.py"),
        ("rows.csv", "rows.csv"),
    ],
)
def test_folders_that_are_no_partition_tables_of_their_own_and_other_files_are_something_else(name, found):
    assert other_table([*OF_THE_TABLE, name], *KINDS) == found


def test_what_is_hidden_is_not_seen_first():
    assert first_seen(["._SUCCESS.crc", "_SUCCESS", "_temporary/0/x", "flights/_delta_log/0.json"]) == "flights/"
    assert first_seen(["_SUCCESS", ".DS_Store"]) is None


@pytest.mark.parametrize(
    ("names", "is_table"),
    [
        (["_SUCCESS", "part-0.parquet"], True),
        (["_SUCCESS", "ds=1/part-0.parquet"], True),
        (["_SUCCESS", "one/part-0.parquet"], False),
        (["_SUCCESS"], False),
        (["_SUCCESS", "notes.md", "one/part-0.parquet"], False),  # in the order of a disk, and in that of S3's keys
        (["_SUCCESS", "one/part-0.parquet", "part-0.parquet"], False),
    ],
)
def test_a_folder_of_tables_that_is_marked_as_complete_is_no_table(names, is_table):
    assert is_table_of_files(names) == is_table
