"""Which partitions are shuffled, and into how many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.sending.partitioning import (
    MOST_PARTITION_BYTES,
    Partitioning,
    may_be_shuffled,
    partition_count,
    partitioning,
)

MB = 1_000_000


@pytest.mark.parametrize(("size", "partitions"), [(0, 1), (1, 1), (64 * MB, 1), (64 * MB + 1, 2), (640 * MB, 10)])
def test_a_repartition_aims_at_64_mb(size, partitions):
    assert partition_count(size) == partitions


@pytest.mark.parametrize(
    ("sizes", "cores", "after"),
    [
        ([], 8, 0),
        ([1], 8, 1),
        ([0, 0, 1], 8, 1),  # partitions without rows do not count
        ([64 * MB] * 2, 16, 2),  # as many as the size asks for
        ([305 * MB, 305 * MB], 2, 2),  # a core has one each: nothing is gained
        ([305 * MB, 305 * MB], 4, 10),  # two cores without work
        ([111 * MB], 2, 2),  # the demo: one file that cannot be split
        ([1] * 8, 2, 8),
        ([1] * 9, 2, 1),  # crumbs
        ([1] * 60, 16, 60),  # one each
        ([1024 * MB + 1] * 4, 4, 65),
        ([400 * MB, *[40 * MB] * 6], 4, 10),  # one that everybody waits for
        ([250 * MB, *[40 * MB] * 6], 4, 7),
    ],
)
def test_which_partitions_are_shuffled(sizes, cores, after):
    assert partitioning(sizes, cores).after == after


def test_the_reason_is_told():
    assert partitioning([111 * MB], 2) == Partitioning(1, 2, "too few for 111 MB of records and 2 cores")
    assert partitioning([305 * MB] * 2, 2) == Partitioning(2, 2)


@given(st.lists(st.integers(0, 3 * MOST_PARTITION_BYTES), max_size=50), st.integers(1, 64))
def test_what_is_shuffled_needs_no_second_shuffle(sizes, cores):
    found = partitioning(sizes, cores)
    if found.why:
        again = partitioning([sum(sizes) / found.after] * found.after, cores)
        assert again == Partitioning(found.after, found.after)


@given(st.lists(st.integers(0, 10**6), max_size=50), st.integers(1, 64), st.sampled_from([1, 300, 20_000]))
def test_sizes_are_asked_for_wherever_rows_do_not_tell(rows, cores, record_bytes):
    found = partitioning([count * record_bytes for count in rows], cores)
    if found.why and not found.why.startswith("one holds"):
        assert may_be_shuffled(rows, cores)
