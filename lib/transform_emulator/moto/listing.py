"""Listings of S3 that look at the objects below their prefix alone.

Moto's own takes every object of a bucket in its hands for each page of each listing: a workspace of 300 runs, 50,000
objects, took a sixth of a second a listing, and whatever asked once for each run took the square of their number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.s3.exceptions import InvalidContinuationToken
from moto.s3.models import FakeBucket, S3Backend


class _Below:
    """What a listing asks of a bucket: the objects of the keys that begin with a prefix."""

    def __init__(self, bucket: FakeBucket, prefix: str) -> None:
        # A key may go between the two looks; a delete marker is moto's to leave out.
        there = ((name, bucket.keys.get(name)) for name in list(bucket.keys) if name.startswith(prefix))
        self.keys = {name: found for name, found in there if found is not None}


def list_below() -> None:
    """Lets moto's listings look below their prefix, and refuse tokens that nobody gave; once in a process."""
    theirs: Callable[..., Any] = S3Backend.list_objects

    @wraps(theirs)
    def list_objects(self: S3Backend, bucket: FakeBucket, prefix: str | None, *others: Any, **options: Any) -> Any:
        is_plain = type(bucket) is FakeBucket
        return theirs(self, _Below(bucket, prefix) if prefix and is_plain else bucket, prefix, *others, **options)

    setattr(S3Backend, "list_objects", list_objects)  # noqa: B010

    pages: Callable[..., Any] = S3Backend.list_objects_v2

    @wraps(pages)
    def list_objects_v2(self: S3Backend, *others: Any, continuation_token: str | None, **options: Any) -> Any:
        if continuation_token and continuation_token not in self._pagination_tokens:
            raise InvalidContinuationToken
        return pages(self, *others, continuation_token=continuation_token, **options)

    setattr(S3Backend, "list_objects_v2", list_objects_v2)  # noqa: B010
