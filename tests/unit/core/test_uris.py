"""S3 locations as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.uris import S3Uri

NAMES = st.text("abc.-_=", min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://b", "b", ""),
        ("s3://b/", "b", ""),
        ("s3a://b/k", "b", "k"),
        ("s3n://b/k/", "b", "k"),
        ("s3://b/x/y.parquet", "b", "x/y.parquet"),
    ],
)
def test_locations(text, bucket, key):
    assert S3Uri.parse(text) == S3Uri(bucket, key)


@pytest.mark.parametrize("text", ["", "b/k", "s3:/b/k", "s3://", "s3:///k", "gs://b/k", "file:///k", "S3://b"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="not an S3 location"):
        S3Uri.parse(text)


@given(NAMES, st.lists(NAMES, max_size=4))
def test_a_location_comes_back_from_its_text(bucket, parts):
    uri = S3Uri(bucket, "/".join(parts))
    assert S3Uri.parse(str(uri)) == uri


def test_joining_goes_below_also_from_the_bucket_itself():
    assert S3Uri("b", "k").join("x", "y") == S3Uri("b", "k/x/y")
    assert S3Uri("b", "").join("x") == S3Uri("b", "x")
    assert S3Uri("b", "k").join() == S3Uri("b", "k")


def test_a_prefix_lists_no_sibling():
    assert (S3Uri("b", "out").prefix, S3Uri("b", "").prefix) == ("out/", "")
