"""Which files may be staged by being copied, as their footers say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.copied_files import (
    Footer,
    are_as_read,
    column_bytes,
    copy_name,
    first_row,
    root_and_name,
    row_bytes,
)

FILE = Footer(rows=10_000, columns=("a", "b"), schema="same", row_bytes=(80.0, 120.0), names_calendar=True)


def are_read(*footers, rows=None, columns=("b", "a"), paths=("file:/in/one.parquet",)):
    return are_as_read(footers, rows or [each.rows for each in footers], columns, paths)


def test_files_of_one_schema_that_hold_the_rows_are_the_input():
    assert are_read(FILE, replace(FILE, rows=1))


@pytest.mark.parametrize(
    ("other", "asked"),
    [
        ({}, {"rows": [10_000, 9_999]}),  # rows that were deleted
        ({"schema": "other"}, {}),
        ({}, {"columns": ["a"]}),
        ({}, {"columns": ["a", "B"]}),
        ({}, {"paths": ["file:/in/B=1/one.parquet"]}),
        ({"row_bytes": (8_000.0, 8_000.0)}, {}),
        ({"row_bytes": (80.0, 8_000.0)}, {}),
        ({"rows": 1 << 33}, {}),
    ],
)
def test_other_files_are_not(other, asked):
    assert not are_read(FILE, replace(FILE, **other), **asked)
    assert not are_read()


def test_rows_of_another_size_are_alike_as_long_as_little_depends_on_it():
    assert are_read(FILE, replace(FILE, row_bytes=(320.0, 1_300.0)))
    assert are_read(FILE, replace(FILE, rows=0, row_bytes=(0.0, 0.0)))


def test_headers_of_a_last_row_group_are_not_its_rows():
    assert row_bytes([(100_000, 1_000), (900, 2)]) == (100, 100)
    assert row_bytes([(300, 3), (900, 2), (0, 0)]) == (100, 450)
    assert row_bytes([]) == (0, 0)


@given(st.integers(0, 2_000), st.sampled_from(["__row_number", "___row_number"]))
def test_a_copy_is_found_again_by_its_folder(place, column):
    name = copy_name(column, place)
    assert str(first_row(place)) in name
    assert root_and_name(f"file:/staging/files/{name}") == ("file:/staging/files", name)
    assert root_and_name("file:/staging/copy/part-0.parquet") == ("file:/staging/copy", "part-0.parquet")


def test_columns_take_what_lies_in_them_and_in_none_whose_name_begins_alike():
    chunks = [(2_000, "a", 9), (1_000, "a", 1), (999, "a", 500), (2_000, "a.b.c", 20), (2_000, "ab", 70), (9, "d", 4)]
    footer = replace(FILE, column_bytes=column_bytes(chunks))
    assert footer.bytes_of(("a",)) == 30
    assert footer.bytes_of(("a.b", "d")) == 20
    assert footer.bytes_of(()) == 0
