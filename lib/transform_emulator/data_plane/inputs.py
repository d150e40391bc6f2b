"""Which objects a job reads, and where the output of each goes."""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from transform_emulator.service import json_texts
from transform_emulator.service.s3_locations import S3Location, parse_uri

# botocore, S3Uri; a prefix is of the same form (TransformS3DataSource).
S3_URI = re.compile(r"(https|s3)://([^/]+)/?(.*)", re.DOTALL)


class ManifestError(Exception):
    """The manifest is not what the API reference describes."""


@dataclass(frozen=True)
class InputObject:
    """An object that a job reads.

    Attributes:
        bucket: Its bucket.
        key: Its key.
        relative: The part of the key that names the output below S3OutputPath.
    """

    bucket: str
    key: str
    relative: str


def under_prefix(prefix: S3Location, keys: Iterable[str]) -> Iterator[InputObject]:
    """Yields an input object for each listed key.

    The prefix is a plain string prefix (sagemaker-python-sdk#3557). Its text is stripped from the key, then a leading
    slash; a prefix that names one object leaves nothing, and the base name is taken. (Inferred: `s3://b/batch_transform`
    over `batch_transform/0.png` gave `<out>/0.png.out`.)
    """
    # Every object counts, also `_SUCCESS`, a manifest or an earlier `.out`: a stray one has failed whole jobs.
    for key in keys:
        relative = key[len(prefix.key) :].lstrip("/") or posixpath.basename(key)
        yield InputObject(prefix.bucket, key, relative)


def from_manifest(text: bytes, keep_folders: bool) -> list[InputObject]:
    """Returns the objects that a manifest names: `[{"prefix": "s3://bucket/some/prefix/"}, "rel/key-1", ...]`.

    A complete key is the prefix and the entry as strings, one after the other; the output is named by the entry
    (botocore, TransformS3DataSource).

    Args:
        text: The manifest.
        keep_folders: Whether the output's name has all of the entry, or only what follows its last slash.

    Raises:
        ManifestError: Not such a JSON array.
    """
    try:
        document: Any = json_texts.read(text)
    except ValueError as error:
        raise ManifestError(f"the manifest is not JSON: {error}") from error
    if not isinstance(document, list) or not document or not isinstance(document[0], dict):
        raise ManifestError('the manifest is not a JSON array that begins with {"prefix": ...}')
    # String concatenation, so a prefix need not end with a slash.
    prefix = document[0].get("prefix")
    entries = document[1:]
    if not isinstance(prefix, str) or not all(isinstance(entry, str) for entry in entries):
        raise ManifestError("the manifest's prefix or one of its entries is not a string")
    if not S3_URI.fullmatch(prefix):
        raise ManifestError("the manifest's prefix does not begin with s3://BUCKET")
    start = parse_uri(prefix)
    names = [entry.lstrip("/") if keep_folders else posixpath.basename(entry) for entry in entries]
    return [InputObject(start.bucket, start.key + entry, name) for entry, name in zip(entries, names, strict=True)]


def output_location(output_path: str, item: InputObject) -> S3Location:
    """Returns where an object's output goes: `<S3OutputPath>/<relative>.out`."""
    start = parse_uri(output_path)
    # With or without a slash at the end of S3OutputPath the objects are the same (botocore's example has none).
    folder = start.key.rstrip("/")
    key = f"{folder}/{item.relative}.out" if folder else f"{item.relative}.out"
    return S3Location(start.bucket, key)
