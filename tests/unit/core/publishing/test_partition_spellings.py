"""Partitions that readers take for one are one, however their folders are spelled."""

from __future__ import annotations

import pytest

from batch_transform.core.publishing.partition_spellings import DATE, WHOLE_NUMBER, as_read, spelled_otherwise


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("p=a b", "p=a%20b", True),
        ("p=a%3Ab", "p=a%3ab", True),
        ("p=a%2Fb=1", "p=a/b=1", False),
        ("p=é", "p=%C3%A9", False),  # two characters to Spark and Hive, which know no UTF-8 here
        ("p=100%", "p=100%25", True),
    ],
)
def test_escapes_are_read_as_spark_and_hive_read_them(one, other, alike):
    assert (as_read(one) == as_read(other)) == alike


@pytest.mark.parametrize(
    ("partition", "column"),
    [
        ("year=2024/month=01", "month"),
        ("year=2024/Month=%2B1", "Month"),
        ("year=2024/month=-0", "month"),
        ("year=2024/month=1", None),
        ("year=2024/month=-1", None),
        ("year=2024/month=__HIVE_DEFAULT_PARTITION__", None),
        ("ds=2024-5-1", "ds"),
        ("ds=2024-05-01 00%3A00%3A00", "ds"),
        ("ds=2024-05-01", None),
        ("text=01", None),
        ("", None),
    ],
)
def test_values_that_spark_would_write_otherwise_are_found(partition, column):
    found = spelled_otherwise(
        ["year=2024/month=1", partition], {"month": WHOLE_NUMBER, "ds": DATE, "year": WHOLE_NUMBER}
    )
    assert found == (None if column is None else (partition, column))


@pytest.mark.parametrize("value", ["all", "unknown", "2024-W05", "", "1a"])
@pytest.mark.parametrize("spelling", [WHOLE_NUMBER, DATE])
def test_what_no_reader_takes_for_a_number_or_a_date_is_no_other_spelling_of_one(value, spelling):
    """As `hour=all` beside the hours: all of them are text then, and each partition is one."""
    assert spelled_otherwise([f"hour={value}"], {"hour": spelling}) is None
