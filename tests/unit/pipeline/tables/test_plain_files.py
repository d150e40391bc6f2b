"""The workers read of staged files what they reach, and read as Spark does."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import pyarrow as pa
import pytest

from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.s3_tree import S3Tree
from batch_transform.pipeline.tables.plain_files import _looked_at
from support.local_sessions import local_session, write_parquet
from support.memory_store import MemoryStore

COLUMNS = pa.schema([("id", pa.int64())])


def staged(tree, *, copied=True):
    """A staged file as it was pinned, and how it is looked at."""
    write_parquet(tree, "f.parquet")
    (found,) = tree.list()
    path = f"{tree.location}/f.parquet".replace("s3://", "s3a://")
    file = StagedFile(path, 1, 100, 100, 10, 10, found.size_bytes, found.etag, tree.digest("f.parquet"))
    store = getattr(tree, "_store", None)
    return file, (Staged("{}", (file,), is_copied=copied), store)


def test_a_staged_file_is_taken_by_its_row_groups(tmp_path):
    file, given = staged(LocalTree(str(tmp_path)))
    groups = _looked_at(local_session(), *given, file, COLUMNS)
    assert (groups.path, groups.first, [rows for rows, _ in groups.sizes], groups.etag) == (
        file.path,
        100,
        [1],
        file.etag,
    )


@pytest.mark.parametrize("other", [{"etag": "0-1"}, {"sha256": "0" * 64}, {"rows": 2, "last": 101}])
def test_a_staged_file_that_may_be_another_one_is_left_to_spark(tmp_path, other):
    """Which has Hadoop's checksums of it."""
    file, given = staged(LocalTree(str(tmp_path)))
    assert _looked_at(local_session(), *given, replace(file, **other), COLUMNS) is None
    assert _looked_at(local_session(), *given, file, pa.schema([("id", pa.int32())])) is None


def test_a_copy_that_hadoops_checksums_say_has_rotted_is_left_to_spark(tmp_path):
    """The input's file had by then: what was pinned is the copy of that."""
    tree = LocalTree(str(tmp_path))
    file, given = staged(tree)
    body = tree.read("f.parquet")
    for of, is_taken in ((body, True), (b"another" + body[7:], False)):
        chunks = [of[at : at + 512] for at in range(0, len(of), 512)]
        sums = struct.pack(f">4s{len(chunks) + 1}I", b"crc\0", 512, *map(zlib.crc32, chunks))
        for told, is_whole in ((sums, True), (sums[:-1], False), (b"", False), (b"sum" + sums[3:], False)):
            tree.put(".f.parquet.crc", told)
            found = _looked_at(local_session(), *given, file, COLUMNS)
            assert (found is not None) is (is_taken and is_whole)


def test_a_cluster_does_not_read_what_lies_on_the_drivers_machine(tmp_path):
    file, given = staged(LocalTree(str(tmp_path)))
    assert _looked_at(local_session(spark__master="yarn"), *given, file, COLUMNS) is None


def test_on_s3_copies_are_read_and_nothing_that_only_spark_may_have_rights_to():
    store = MemoryStore()
    tree = S3Tree(store, S3Uri.parse("s3://bucket/p"))
    file, given = staged(tree)
    assert _looked_at(local_session(), *given, file, COLUMNS).first == 100
    file, given = staged(tree, copied=False)
    assert _looked_at(local_session(), *given, file, COLUMNS) is None
