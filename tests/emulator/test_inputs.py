"""Which objects a job reads and how outputs are named, without any I/O."""

import pytest

from transform_emulator.data_plane.inputs import (
    InputObject,
    ManifestError,
    from_manifest,
    output_location,
    under_prefix,
)
from transform_emulator.data_plane.shares import shards
from transform_emulator.service.s3_locations import S3Location, parse_uri
from transform_emulator.service.switches import Sharding


@pytest.mark.parametrize(
    ("prefix", "key", "relative"),
    [
        ("in/", "in/a.jsonl", "a.jsonl"),
        ("in/", "in/x/y/a.jsonl", "x/y/a.jsonl"),  # "stored in the sub-folder matching the hierarchy"
        ("batch_transform", "batch_transform/0.png", "0.png"),  # sm-batch_transform_pytorch.ipynb, cells 15, 33, 35
        ("laws/part-0013.jsonl", "laws/part-0013.jsonl", "part-0013.jsonl"),  # a prefix that names one object
        ("", "a/b", "a/b"),
    ],
)
def test_the_output_is_named_by_what_follows_the_prefix(prefix: str, key: str, relative: str) -> None:
    """Key = `<S3OutputPath>/<relative key>.out` (developer guide), relative to the S3Uri (from real listings)."""
    (item,) = under_prefix(S3Location("b", prefix), [key])
    assert item == InputObject("b", key, relative)
    assert output_location("s3://o/x/", item) == S3Location("o", f"x/{relative}.out")


def test_an_output_path_may_be_a_bucket() -> None:
    """S3OutputPath matches `(https|s3)://([^/]+)/?(.*)`: no key is needed."""
    assert output_location("s3://o", InputObject("b", "k", "k")) == S3Location("o", "k.out")


def test_a_manifest_key_is_prefix_and_entry_joined_as_strings() -> None:
    """botocore, S3Uri of a ManifestFile: the complete keys are the prefix and the entries, concatenated."""
    text = b'[{"prefix": "s3://b/some/pre"}, "fix/a.csv", "b.csv"]'
    assert from_manifest(text, keep_folders=True) == [
        InputObject("b", "some/prefix/a.csv", "fix/a.csv"),
        InputObject("b", "some/preb.csv", "b.csv"),
    ]


NO_PLACE = b'[{"prefix": "bucket/in/"}, "a"]'  # the bucket would be "ket", and nothing in it
DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b'["a"]', b'[{"prefix": 1}]', b'[{"prefix": "s3://b/"}, 1]', b"\xff", NO_PLACE, DEEP]
)
def test_anything_else_is_not_a_manifest(text: bytes) -> None:
    """The format has a prefix object and strings, nothing else (botocore, S3Uri)."""
    with pytest.raises(ManifestError):
        from_manifest(text, keep_folders=True)


@pytest.mark.parametrize("uri", ["s3://b/k?x#y", "https://b/k?x#y"])
def test_keys_may_look_like_urls(uri: str) -> None:
    """S3 keys may hold `?` and `#`."""
    assert parse_uri(uri) == S3Location("b", "k?x#y")


@pytest.mark.parametrize("sharding", list(Sharding))
def test_every_file_goes_to_exactly_one_instance(sharding: Sharding) -> None:
    """Developer guide: "maps Amazon S3 objects to instances"; 100 files over 2 instances used both (its notebook)."""
    files = [InputObject("b", f"in/{number}", str(number)) for number in range(100)]
    shares = shards(files, 2, sharding)
    assert sorted((item for share in shares for item in share), key=lambda item: int(item.relative)) == files
    assert [bool(share) for share in shares] == [True, sharding is not Sharding.ALL_TO_ONE]
    assert shares == shards(files, 2, sharding)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/sales",
        "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01ac/accesspoint/sales",
        "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/sales",
    ],
)
def test_an_access_points_arn_is_not_split(arn):
    assert parse_uri(f"s3://{arn}/a/accesspoint/b") == S3Location(arn, "a/accesspoint/b")
    assert parse_uri(f"s3://{arn}") == S3Location(arn, "")
