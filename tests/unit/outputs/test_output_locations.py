"""From a location in the run file to a tree."""

from __future__ import annotations

import os

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.outputs.tree_of_location import open_tree
from support.memory_store import MemoryStore


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
        ("s3a://bucket/a", "s3://bucket/a"),
        ("/data/out", "file:///data/out"),
        ("/data/out/", "file:///data/out"),
        ("file:/data/out", "file:///data/out"),
        ("file:///data/out", "file:///data/out"),
        ("FILE:///data/out", "file:///data/out"),
        ("/data/a b%20c", "file:///data/a b%20c"),
    ],
)
def test_where_an_output_is(location, expected):
    assert open_tree(location, MemoryStore()).location == expected


def test_a_relative_path_is_the_drivers():
    assert open_tree("out", MemoryStore()).location == f"file://{os.getcwd()}/out"


@pytest.mark.parametrize(
    "location", ["hdfs:///out", "abfss://c@account/out", "gs://b/out", "dbfs:/out", "file://host/out", "file:out"]
)
def test_other_file_systems_are_refused_with_a_way_out(location):
    with pytest.raises(ConfigurationError, match=r"set output\.format: delta"):
        open_tree(location, MemoryStore())
