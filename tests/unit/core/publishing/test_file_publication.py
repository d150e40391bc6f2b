"""What a publication copies and removes, and its way through the ledger."""

from __future__ import annotations

import json
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError, LedgerCorrupt
from batch_transform.core.publishing.file_publication import (
    FILES_SCHEMA,
    Publication,
    PublishedFile,
    TreeFile,
    plan_publication,
    refuse_target,
)

FOUND = ["_SUCCESS", "_metadata", "_batch_transform-old.json", "a=1/old.parquet", "a=2/old.parquet", ".a.crc"]
FILES = st.builds(PublishedFile, st.text(), st.text(), st.integers(0, 2**62), st.integers(0, 2**62), st.text())
PUBLICATIONS = st.builds(
    Publication,
    st.sampled_from(["result", "dead_letter"]),
    st.sampled_from(["error", "append", "overwrite", "overwrite_partitions"]),
    *[st.text()] * 4,
    st.lists(FILES, max_size=4).map(tuple),
    st.lists(st.text(), max_size=4).map(tuple),
)


def merged(*names):
    return [TreeFile(name, 10 + number, f"e{number}", 100 + number) for number, name in enumerate(names)]


def plan(mode, found=(), names=("a=1/x.parquet", "a=3/y.parquet")):
    files = [TreeFile(name, 1, "e") for name in found]
    return plan_publication(
        "result", mode, "s3://w/src", "s3://out/t", "run", "n0nce", merged(*names), files, merges_lost=0
    )


def test_files_keep_their_partition_and_get_names_of_their_own():
    assert [file.target for file in plan("append").files] == [
        "a=1/part-n0nce-00000.parquet",
        "a=3/part-n0nce-00001.parquet",
    ]
    assert plan("append", names=["z.parquet"]).files == (
        PublishedFile("z.parquet", "e0", 10, 100, "part-n0nce-00000.parquet"),
    )


def test_the_numbers_do_not_depend_on_the_order_of_the_listing():
    one, other = merged("a", "b"), merged("a", "b")[::-1]
    arguments = ("result", "append", "s", "t", "run", "n")
    assert plan_publication(*arguments, one, [], 0) == plan_publication(*arguments, other, [], 0)


def test_what_spark_leaves_beside_its_files_is_not_published():
    names = ["_SUCCESS", ".part.crc", "part.parquet", "_temporary/x"]
    assert [file.source for file in plan("append", names=names).files] == ["part.parquet"]


def test_its_rows_are_those_of_its_files():
    assert plan("append").rows == 201


def test_a_file_whose_rows_were_not_counted_is_not_published():
    with pytest.raises(ValueError, match=r"x\.parquet"):
        plan_publication("result", "append", "s", "t", "run", "n", [TreeFile("x.parquet", 1, "e")], [], merges_lost=0)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("append", ()),
        ("overwrite", ("_batch_transform-old.json", "_metadata", "a=1/old.parquet", "a=2/old.parquet")),
        ("overwrite_partitions", ("a=1/old.parquet",)),
    ],
)
def test_what_each_mode_removes(mode, expected):
    assert plan(mode, FOUND).remove == expected


def test_partitions_of_an_unpartitioned_output_are_all_of_it():
    assert plan("overwrite_partitions", ["old.parquet", "_SUCCESS"], ["new.parquet"]).remove == ("old.parquet",)


def test_a_partition_is_replaced_however_another_writer_has_escaped_it():
    """Its rows stayed beside the new ones, in a folder that readers take for the same partition."""
    found = ["a=x%20y/old.parquet", "a=x%3ay/old.parquet", "a=%C3%A9/old.parquet"]
    new = ["a=x y/new.parquet", "a=x%3Ay/new.parquet", "a=é/new.parquet"]
    assert plan("overwrite_partitions", found, new).remove == ("a=x%20y/old.parquet", "a=x%3ay/old.parquet")


def test_an_empty_result_overwrites_everything_but_no_partition():
    assert plan("overwrite", FOUND, []).remove == plan("overwrite", FOUND).remove
    assert plan("overwrite_partitions", FOUND, []).remove == ()


def test_error_mode_names_the_output_and_the_count():
    with pytest.raises(ConfigurationError, match="s3://out/t holds 2 data files"):
        plan("error", FOUND)


def test_error_mode_takes_an_output_without_data():
    assert plan("error", ["_SUCCESS", "_owner"]).remove == ()


@pytest.mark.parametrize("mode", ["append", "overwrite_partitions"])
@pytest.mark.parametrize("found", ["a=1/x.parquet", "b=1/a=1/x.parquet", "x.parquet"])
def test_files_that_stay_must_be_partitioned_alike(mode, found):
    with pytest.raises(ConfigurationError, match="partition_by"):
        refuse_target(mode, "out", [found], ("b",))
    refuse_target(mode, "out", [found], partition_by=None)


def test_an_overwrite_may_change_the_partitions():
    refuse_target("overwrite", "out", ["a=1/x.parquet"], ())


def test_the_plan_refuses_other_partitions_as_well():
    with pytest.raises(ConfigurationError, match=r"b=1/old\.parquet, partitioned by b"):
        plan("append", ["b=1/old.parquet"])


@given(PUBLICATIONS)
def test_it_comes_back_from_the_ledger(publication):
    document = json.loads(json.dumps(publication.to_document()))
    assert Publication.from_document(document, publication.to_table()) == publication


def test_its_table_has_one_schema_also_when_empty():
    empty = replace(plan("append"), files=(), remove=())
    assert empty.to_table().schema == plan("overwrite", FOUND).to_table().schema == FILES_SCHEMA


@pytest.mark.parametrize("change", [{"files": 1}, {"remove": 1}, {"mode": "upsert"}])
def test_a_document_that_does_not_fit_its_table_is_refused(change):
    publication = plan("overwrite", FOUND)
    with pytest.raises(LedgerCorrupt):
        Publication.from_document(publication.to_document() | change, publication.to_table())


def test_a_table_cut_short_is_refused():
    publication = plan("overwrite", FOUND)
    table: pa.Table = publication.to_table()
    with pytest.raises(LedgerCorrupt):
        Publication.from_document(publication.to_document(), table.slice(1))


@pytest.mark.parametrize(
    ("mode", "found", "files"),
    [
        ("error", [], 1),
        ("append", [], 1),
        ("overwrite_partitions", ["_SUCCESS"], 1),
        ("overwrite", ["a=1/old.parquet"], 1),
        ("append", ["a=1/old.parquet"], 0),
        ("overwrite_partitions", ["a=0/old.parquet"], 0),
    ],
)
def test_a_partition_without_rows_is_published_where_nothing_else_makes_the_output_a_table(mode, found, files):
    listed = [TreeFile(name, 1, "e") for name in found]
    empty = [TreeFile("a=0/part-0.parquet", 500, "e", 0)]
    planned = plan_publication("result", mode, "s3://w/src", "s3://out/t", "run", "n0nce", empty, listed, merges_lost=0)
    assert len(planned.files) == files
    assert planned.remove == (tuple(found) if mode == "overwrite" else ())
