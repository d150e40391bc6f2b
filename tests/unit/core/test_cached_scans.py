"""What a cached table was read from is told by the text of its plan."""

from __future__ import annotations

import pytest

from batch_transform.core.cached_scans import cached_locations

CACHE = "(2) InMemoryRelation\nArguments: [id#1L]\n\n(3) Scan parquet\n"


def formatted(where):
    return f"{CACHE}Location: InMemoryFileIndex [{where}]\nPushedFilters: [IsNotNull(id)]\n"


def extended(count, where):
    scan = f"+- FileScan parquet [id#1L] Batched: true, Location: InMemoryFileIndex({count} paths)[{where}"
    return f"{scan}, PartitionFilters: [], PushedFilters: [IsNotNull(id)], ReadSchema: struct<id:bigint>\n" * 2


TOLD = {
    "one folder": (("s3a://b/t",), (1, "s3a://b/t]"), ["s3a://b/t"]),
    "one long folder": (("s3a://b/a long one",), (1, "s3a://b/a lo..."), ["s3a://b/a long one"]),
    "all of them": (("s3a://b/x, ... 1 entries",), (2, "s3a://b/x, s3a://c/y]"), ["s3a://b/x", "s3a://c/y"]),
    "some of them": (
        ("s3a://b/t/1, ... 2 entries",),
        (3, "s3a://b/t/1, s3a://c/2, ...]"),
        ["s3a://b/t", "s3a://b/t/1", "s3a://c/2"],
    ),
    "two, cut off": (("s3a://b/t/1, ... 1 entries",), (2, "s3a://b/t/1, s3a://b/..."), ["s3a://b/t", "s3a://b/t/1"]),
    "odd names": (("file:/a [b], c",), (1, "file:/a [b], c]"), ["file:/a [b], c"]),
}


@pytest.mark.parametrize("name", TOLD)
def test_folders_below_a_cache(name):
    first, several, expected = TOLD[name]
    assert set(expected) <= set(cached_locations(formatted(*first), extended(*several)))


def test_folders_that_are_all_named_stand_for_no_others():
    assert cached_locations(formatted("file:/d/x, ... 1 entries"), extended(2, "file:/d/x, file:/d/y]")) == [
        "file:/d/x",
        "file:/d/y",
    ]


def test_without_a_cache_the_files_are_told_otherwise():
    assert cached_locations(formatted("s3a://b/t").replace(CACHE, ""), extended(1, "s3a://b/t]")) == []
