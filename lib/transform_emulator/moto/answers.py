"""Answers of moto's to requests that it takes, where S3 says less, or says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from moto.s3.exceptions import S3AccessDeniedError, S3ClientError
from moto.s3.models import S3Backend
from moto.s3.responses import S3Response

_QUIET = re.compile(rb"<Quiet>\s*true\s*</Quiet>", re.IGNORECASE)
_DELETED = re.compile("<Deleted>.*?</Deleted>", re.DOTALL)


def answer_as_s3() -> None:
    """Lets moto name no deleted object to who asks for none, and say why it refuses; once in a process."""
    deleted: Callable[..., Any] = S3Response._bucket_response_delete_keys

    @wraps(deleted)
    def delete_keys(self: S3Response, *others: Any, **options: Any) -> Any:
        status, headers, body = deleted(self, *others, **options)
        return status, headers, _DELETED.sub("", body) if _QUIET.search(self.body) else body

    setattr(S3Response, "_bucket_response_delete_keys", delete_keys)  # noqa: B010

    answered: Callable[..., Any] = S3Response._key_response

    @wraps(answered)
    def key_response(self: S3Response, request: Any, *others: Any) -> Any:
        answer = answered(self, request, *others)
        if answer[0] == HTTPStatus.FORBIDDEN and not answer[2] and request.method != "HEAD":
            raise S3AccessDeniedError
        return answer

    setattr(S3Response, "_key_response", key_response)  # noqa: B010

    selected: Callable[..., Any] = S3Backend.select_object_content

    @wraps(selected)
    def select_object_content(self: S3Backend, *others: Any) -> Any:
        try:
            return selected(self, *others)
        except S3ClientError:
            raise
        except Exception:  # noqa: BLE001 - whatever its parser raises of a query that it cannot read
            raise S3ClientError("UnsupportedSyntax", "Encountered invalid syntax.") from None

    setattr(S3Backend, "select_object_content", select_object_content)  # noqa: B010
