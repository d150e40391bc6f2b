"""Two places are told apart, or are one, however they are spelled."""

from __future__ import annotations

import os

import pytest

from batch_transform.core.overlapping_places import Relation, place_of, place_of_file, places_read


def resolve(path):
    return os.path.normpath(os.path.join("/home", path)).replace("/link", "/data/in")


def relation(read: str, written: str) -> Relation:
    """How what is written lies to what is read; the first that is not apart."""
    found = [place_of(written, resolve).to(place) for place in places_read(read, resolve)]
    return next((each for each in found if each is not Relation.APART), Relation.APART)


SAME = [
    ("s3://b/in", "s3://b/in"),
    ("s3://b/in", "s3a://b/in/"),
    ("s3n://b//in", "s3://b/in"),
    ("s3://b/x/../in", "s3://b/in"),
    ("s3://b/./in", "s3://b/in"),
    ("S3://b/in", "s3://b/in"),
    ("/data/in", "file:/data/in"),
    ("/data/in", "file:///data/in"),
    ("FILE:///data//in/", "/data/in"),
    ("file://localhost/data/in", "/data/in"),
    ("in", "/home/in"),
    ("../data/in", "/data/in"),
    ("/link", "/data/in"),
    ("/dbfs/mnt/in", "dbfs:/mnt/in"),
    ("hdfs:///in", "hdfs://name:8020/in"),
    ("abfss://c@a.dfs.core.windows.net/in", "abfs://c@a.dfs.core.windows.net/in"),
    ("s3://b/*", "s3://b/in"),
    ("s3://b/{a,in}", "s3://b/in"),
    ("s3://b/{a,x/in}", "s3://b/x/in"),
    ("s3://{b,c}/in", "s3://c/in"),
    ("s3://b/i?", "s3a://b/in"),
    ("s3://b/[h-j]n", "s3://b/in"),
    ("s3://b/a[b", "s3://b/a[b"),
    ("/data/i*", "/link"),
    ("/link/*", "/data/in/x"),
    ("s3://b/{a,{b,in}}", "s3://b/in"),
    (r"s3://b/\[1\] \*", "s3://b/[1] *"),
    ("s3://b/[a-c]*", "s3://b/b*d"),
    ("*.csv", "x.csv"),
    ("*/x", "in/x"),
    ("{in,out}", "out"),
    (r"/data/\{a,b\}", "/data/{a,b}"),
    (r"s3://b/{\{1\},2}", "s3://b/{1}"),
    (r"/da\ta/in", "/data/in"),
    (r"\[1\]/*", "/home/[1]/x"),
]


@pytest.mark.parametrize(("read", "written"), SAME)
def test_one_place_in_two_spellings(read, written):
    assert relation(read, written) is Relation.SAME


APART = [
    ("s3://b/in", "s3://b/in2"),
    ("s3://b/in", "s3://c/in"),
    ("s3://b/in", "/b/in"),
    ("s3://b/in/part.parquet", "s3://b/in/other"),
    ("/data/*.csv", "/data/out"),
    ("s3://b/in_*", "s3://b/out"),
    ("s3://b/{a,b}", "s3://b/c"),
    ("s3://b/[a-c]", "s3://b/d"),
    ("s3://b/[!i]n", "s3://b/in"),
    ("s3://b/a%20b", "s3://b/a b"),
    ("hdfs://one/in", "hdfs://two/in"),
    (r"s3://b/\*", "s3://b/in"),
    ("s3://b/in", "s3://b/i*"),  # what is written is no pattern
    ("/data 1/in", "/data [1]/in"),
    ("*.csv", "out"),
    (r"in \[1\]", "out [1]"),
    (r"/data/\{a,b\}", "/data/a"),
]


@pytest.mark.parametrize(("read", "written"), APART)
def test_places_that_have_nothing_in_common(read, written):
    assert relation(read, written) is Relation.APART


@pytest.mark.parametrize(
    ("read", "written", "how"),
    [
        ("s3://b/in", "s3://b/in/out", Relation.INSIDE),
        ("s3://b/in/ds=1", "s3://b/in", Relation.AROUND),
        ("s3://b/*/x", "s3://b/in", Relation.AROUND),
        ("s3://b", "s3://b/out", Relation.INSIDE),
        ("s3://b/*", "s3://b/in/out", Relation.INSIDE),
    ],
)
def test_parent_and_child(read, written, how):
    assert relation(read, written) is how


def test_more_alternatives_than_can_be_looked_at_are_taken_for_all():
    many = "s3://b/in" + "{a,b,c,d,e,f,g,h}" * 5
    assert relation(many, "s3://b/inside") is Relation.SAME
    assert relation(many, "s3://b/out") is Relation.APART


def test_a_file_of_a_plan_is_a_url():
    assert place_of_file("file:///data/in%20put/x.parquet", resolve).parts == ("data", "in put", "x.parquet")


@pytest.mark.parametrize(("inner", "hidden"), [("/a/.b/c", True), ("/a/_b", True), ("/a/_b=1", False), ("/a/b", False)])
def test_what_a_reader_does_not_see(inner, hidden):
    assert place_of(inner, resolve).is_hidden_in(place_of("/a", resolve)) is hidden


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("s3a://b//x/", "s3://b/x/below"),
        ("s3://b", "s3://b/below"),
        ("/x/../y", "file:///y/below"),
        ("abfss://c@a/x", "abfss://c@a/x/below"),
        ("hdfs:///x", "hdfs:///x/below"),
    ],
)
def test_a_place_is_told_as_a_location_that_can_be_looked_at(location, told):
    """Azure's file systems may take no connection that is not encrypted."""
    assert place_of(location, os.path.normpath).location("below") == told
