"""The workers merge what they reach and read as Spark does; of what they have written nothing else is published."""

from __future__ import annotations

import pyarrow as pa
import pytest

from batch_transform.core.object_store import ObjectNotFound
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.formats.parquet import FORMAT
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.s3_tree import S3Tree
from batch_transform.pipeline.tables.file_merging import _files, _folder_of
from batch_transform.spark.file_merge import MERGED_SCHEMA
from support.local_sessions import local_session, write_parquet
from support.memory_store import MemoryStore


def made(*names):
    return pa.Table.from_pylist([{"file": name, "rows": 1, "counts": "[]"} for name in names], schema=MERGED_SCHEMA)


def test_what_failed_attempts_have_left_is_removed_and_rows_are_those_of_the_footers(tmp_path):
    tree = LocalTree(str(tmp_path))
    write_parquet(tree, "part-0-a.parquet", "part-0-b.parquet", "part-1-a.parquet")
    found = _files(tree, FORMAT, made("part-1-a.parquet", "part-0-b.parquet"))
    assert [(file.name, file.rows) for file in found] == [("part-0-b.parquet", 2), ("part-1-a.parquet", 3)]
    assert [file.name for file in tree.list()] == ["part-0-b.parquet", "part-1-a.parquet"]


def test_a_file_that_is_gone_since_it_was_written_ends_the_merge(tmp_path):
    tree = LocalTree(str(tmp_path))
    write_parquet(tree, "part-0-a.parquet")
    with pytest.raises(ObjectNotFound, match=r"part-1-a\.parquet.* a worker has written it"):
        _files(tree, FORMAT, made("part-0-a.parquet", "part-1-a.parquet"))


def test_a_cluster_does_not_write_on_the_drivers_machine(tmp_path):
    tree = LocalTree(str(tmp_path))
    assert _folder_of(local_session(spark__master="yarn"), tree) is None
    assert _folder_of(local_session(), tree) == str(tmp_path)


def test_what_spark_would_encrypt_by_itself_it_writes_itself():
    tree = S3Tree(MemoryStore(), S3Uri.parse("s3://bucket/p"))
    assert _folder_of(local_session(), tree) == "s3://bucket/p"
    encrypting = {"spark__hadoop__fs__s3a__encryption__algorithm": "SSE-KMS"}
    assert _folder_of(local_session(**encrypting), tree) is None
