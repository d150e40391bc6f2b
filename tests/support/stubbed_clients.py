"""Clients of AWS that reach nobody, whose answers a test sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.stub import Stubber


def unreached(
    service: str, *, region: str = "us-east-1", endpoint_url: str | None = "http://127.0.0.1:9", **options: Any
) -> Any:
    """Returns a client of a service at an address where nobody listens, or of one whose answers a test sets."""
    return boto3.Session("x", "x", region_name=region).client(service, endpoint_url=endpoint_url, **options)


@contextmanager
def answering(client: Any) -> Iterator[Stubber]:
    """Yields what answers in the order in which a test sets it, each answer checked against what was asked.

    Any other call fails, and none may be left out.
    """
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()
