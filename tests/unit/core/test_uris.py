"""S3 locations as values."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.uris import S3Uri, arn_fault

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


AP = "arn:aws:s3:eu-west-1:123456789012:accesspoint/sales"
OUTPOST = "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01ac/accesspoint/sales"
LAMBDA = "arn:aws-cn:s3-object-lambda:cn-north-1:123456789012:accesspoint/sales"
REGIONS = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"


@pytest.mark.parametrize("arn", [AP, OUTPOST, LAMBDA, REGIONS, AP.replace("/", ":")])
@pytest.mark.parametrize("key", ["", "x", "accesspoint/x/y"])
def test_an_access_point_is_a_bucket_and_is_not_split(arn, key):
    assert S3Uri.parse(f"s3://{arn}/{key}") == S3Uri(arn, key)


@pytest.mark.parametrize("scheme", ["", "s3://", "S3A://"])
@pytest.mark.parametrize(
    ("arn", "remedy"),
    [
        (AP, "the ARN of an access point, .*give its alias in the place of a bucket, s3://ALIAS/PREFIX"),
        (LAMBDA, "the ARN of an access point"),
        (OUTPOST, "the ARN of an access point"),
        (REGIONS, "the ARN of a multi-region access point, .*give one of its buckets"),
        ("arn:aws:s3:::lake/x", "an ARN; write it as s3://lake/x$"),
        ("arn:aws:sns:eu-west-1:123456789012:topic", "an ARN; valid: s3://BUCKET/PREFIX"),
    ],
)
def test_an_arn_is_told_with_what_to_give_instead(scheme, arn, remedy):
    fault = arn_fault(scheme + arn)
    assert fault is not None
    assert re.search(remedy, fault)


@pytest.mark.parametrize("location", ["s3://lake/arn:aws:s3:::x", "/data/arn:x", "s3://sales-abc-s3alias/x", "in.csv"])
def test_other_locations_are_no_arns(location):
    assert arn_fault(location) is None


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
