"""Reads of one part of an object that was put in parts, as S3 answers them (API reference, GetObject, HeadObject).

Moto's own GetObject gives the whole object, and its HeadObject fails for a part that is not there. Parts are counted
from 1 in their order, as clients do that read all of them by the count that the first answer tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, cast

from moto.core.responses import ActionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response

_NUMBER = "partNumber"


class _MissingPart(S3ClientError):
    """S3's own words of a part that an object has not; moto has none, and says 400 of a code that it does not know."""

    code = "InvalidPartNumber"
    message = "The requested partnumber is not satisfiable"
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE.value


def part_sizes(key: FakeKey) -> list[int]:
    """Returns the sizes of an object's parts; its own alone of one that was put, or copied, at once."""
    if (upload := key.multipart) is None or "-" not in key.etag:
        return [key.size]
    parts = [upload.parts[number].size for number in upload.partlist if number in upload.parts]
    known = getattr(upload, "sizes", None) or parts
    return known if sum(known) == key.size else [key.size]


def read_parts() -> None:
    """Lets moto answer reads of one part; once in a process."""
    get: Callable[..., Any] = S3Response.get_object
    head: Callable[..., Any] = S3Response.head_object

    @wraps(get)
    def get_object(self: S3Response) -> Any:
        number = self.querystring.pop(_NUMBER, None)
        status, headers, body = get(self)
        if number is None or status != HTTPStatus.OK:
            return status, headers, body
        try:
            start, stop, headers = _part(self._get_key()[0], int(number[0]), headers)
        except _MissingPart as missing:
            _, headers, body = self.serialized(ActionResult(missing))
            return missing.status, headers, body
        return HTTPStatus.PARTIAL_CONTENT.value, headers, body[start:stop]

    @wraps(head)
    def head_object(self: S3Response, bucket_name: str, query: dict[str, Any], key_name: str, **others: Any) -> Any:
        number = query.pop(_NUMBER, None)
        status, headers, body = head(self, bucket_name, query, key_name, **others)
        if number is None or status != HTTPStatus.OK:
            return status, headers, body
        key = self.backend.head_object(bucket_name, key_name, query.get("versionId", [None])[0])
        try:
            _, _, headers = _part(cast(FakeKey, key), int(number[0]), headers)
        except _MissingPart as missing:
            return missing.status, {}, b""  # an answer to HEAD has no body, and so no code
        return HTTPStatus.PARTIAL_CONTENT.value, headers, body

    setattr(S3Response, "get_object", get_object)  # noqa: B010
    setattr(S3Response, "head_object", head_object)  # noqa: B010


def _part(key: FakeKey, number: int, headers: Mapping[str, Any]) -> tuple[int, int, dict[str, Any]]:
    """Where a part begins and ends, and the headers of an answer that has it."""
    sizes = part_sizes(key)
    if not 1 <= number <= len(sizes):
        raise _MissingPart
    start = sum(sizes[: number - 1])
    stop = start + sizes[number - 1]
    told = {"content-length": str(stop - start)}
    if stop > start:
        told["content-range"] = f"bytes {start}-{stop - 1}/{key.size}"
    if "-" in key.etag:
        told["x-amz-mp-parts-count"] = str(len(sizes))
    is_all = len(sizes) == 1  # else a checksum would be of something else
    own = {name: value for name, value in headers.items() if is_all or not name.startswith("x-amz-checksum-")}
    return start, stop, {**own, **told}
