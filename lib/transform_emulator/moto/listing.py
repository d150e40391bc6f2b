"""Listings of S3 that look at the objects below their prefix alone, page by page.

Moto's own takes every object of a bucket in its hands for each page of each listing: a workspace of 300 runs, 50,000
objects, took a sixth of a second a listing, and whatever asked once for each run took the square of their number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.s3.exceptions import InvalidContinuationToken
from moto.s3.models import FakeBucket, FakeKey, S3Backend


class _Below:
    """What a listing asks of a bucket: the objects of the keys that begin with a prefix."""

    def __init__(self, bucket: FakeBucket, prefix: str) -> None:
        # A key may go between the two looks. Moto leaves delete markers out of keys, and not out of common prefixes.
        there = ((name, bucket.keys.get(name)) for name in list(bucket.keys) if name.startswith(prefix))
        self.keys = {name: found for name, found in there if isinstance(found, FakeKey)}


def _page(keys: list[FakeKey], folders: list[str], marker: str, most: int) -> tuple[Any, Any, bool, str | None]:
    """A page of the older listing: keys and common prefixes are counted together, and either may be its end."""
    after = sorted(name for name in [*(key.name for key in keys), *folders] if name > marker)
    page, is_cut = frozenset(after[:most]), 0 < most < len(after)
    end = after[most - 1] if is_cut else None
    return [key for key in keys if key.name in page], [name for name in folders if name in page], is_cut, end


def list_below() -> None:
    """Lets moto's listings look below their prefix, and refuse tokens that nobody gave; once in a process."""
    theirs: Callable[..., Any] = S3Backend.list_objects

    @wraps(theirs)
    def list_objects(
        self: S3Backend,
        bucket: FakeBucket,
        prefix: str | None,
        delimiter: str | None,
        marker: str | None,
        max_keys: int | None,
    ) -> Any:
        below = _Below(bucket, prefix or "") if type(bucket) is FakeBucket else bucket
        keys, folders, *_ = theirs(self, below, prefix, delimiter, None, None)
        if max_keys is None:  # asked by the newer listing, which cuts the pages itself
            return keys, folders, False, None
        return _page(keys, folders, marker or "", max_keys)

    setattr(S3Backend, "list_objects", list_objects)  # noqa: B010

    pages: Callable[..., Any] = S3Backend.list_objects_v2

    @wraps(pages)
    def list_objects_v2(self: S3Backend, *others: Any, continuation_token: str | None, **options: Any) -> Any:
        if continuation_token and continuation_token not in self._pagination_tokens:
            raise InvalidContinuationToken
        return pages(self, *others, continuation_token=continuation_token, **options)

    setattr(S3Backend, "list_objects_v2", list_objects_v2)  # noqa: B010
