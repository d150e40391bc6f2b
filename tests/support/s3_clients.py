"""Clients of the S3 servers that tests run on."""

from __future__ import annotations

from typing import Any

DRIVERS = 4
RETRIES = {"mode": "standard", "max_attempts": 2}


def client_of(server: Any, bucket: str) -> Any:
    client = server.client(retries=RETRIES)
    client.create_bucket(Bucket=bucket)
    return client
