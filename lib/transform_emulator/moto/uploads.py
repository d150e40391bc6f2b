"""Uploads in parts that S3 refuses, where moto raises anything or makes an object of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NoReturn

from moto.s3.exceptions import InvalidPartOrder, MissingKey, NoSuchUpload, S3ClientError
from moto.s3.models import MultipartDict, S3Backend
from moto.s3.responses import S3Response


def refuse_uploads() -> None:
    """Lets moto refuse them; once in a process."""

    def missing(_: MultipartDict, upload: str) -> NoReturn:
        raise NoSuchUpload(upload_id=upload)

    setattr(MultipartDict, "__missing__", missing)  # noqa: B010

    copied: Callable[..., Any] = S3Backend.upload_part_copy

    @wraps(copied)
    def upload_part_copy(self: S3Backend, *others: Any, end_byte: int | None, **options: Any) -> Any:
        key, version = options["src_key_name"], options["src_version_id"]
        source = self.get_object(options["src_bucket_name"], key, version_id=version)
        if source is not None and end_byte is not None and end_byte >= source.size:
            text = f"Range specified is not valid for source object of size: {source.size}"
            raise S3ClientError("InvalidArgument", text)
        return copied(self, *others, end_byte=end_byte, **options)

    setattr(S3Backend, "upload_part_copy", upload_part_copy)  # noqa: B010

    answered: Callable[[S3Response], Any] = S3Response.upload_part_copy

    @wraps(answered)
    def answer(self: S3Response) -> Any:
        found = answered(self)
        if found[0] == 404:  # moto's answer is empty, and an upload that is not there has raised by now
            raise MissingKey
        return found

    setattr(S3Response, "upload_part_copy", answer)  # noqa: B010

    parts: Callable[..., Iterator[tuple[int, str]]] = S3Response._complete_multipart_body

    @wraps(parts)
    def in_order(self: S3Response, body: bytes) -> Iterator[tuple[int, str]]:
        named = list(parts(self, body))
        numbers = [number for number, _ in named]
        if numbers != sorted(set(numbers)):
            raise InvalidPartOrder
        return iter(named)

    setattr(S3Response, "_complete_multipart_body", in_order)  # noqa: B010
