"""Faults between boto3 and a real S3 server: each request that changes something is a mutation of `support.faults`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from support.faults import Faults

READING = ("GET", "HEAD")


class CutSession(URLLib3Session):  # type: ignore[misc]  # botocore has no types
    """boto3's HTTP session, with the fates of `faults`. A deletion of many objects is one mutation."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def send(self, request: Any) -> Any:
        if request.method in READING:
            self._faults.read()
            return super().send(request)
        return self._faults.mutate(
            f"{request.method} {urlsplit(request.url).path}",
            lambda: self._send_whole(request),
            lambda: ReadTimeoutError(endpoint_url=request.url),
        )

    def _send_whole(self, request: Any) -> Any:
        request.reset_stream()  # a body that was sent once is at its end
        return super().send(request)


def cut(client: Any, faults: Faults) -> Any:
    """Returns the client, whose requests from now on have these fates."""
    client._endpoint.http_session = CutSession(faults)
    return client
