"""How a peer asks the model server: one connection kept in each process, a request for each batch of records."""

from __future__ import annotations

import argparse
import functools
import http.client
import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.json

from benchmarks.peers.input_tables import PREDICTION

BATCH_BYTES = 6_000_000  # of a request: what the service sends by default
_SCHEMA = pa.schema([(PREDICTION, pa.int64())])
_PARSE = pyarrow.json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="error")


@functools.lru_cache
def _connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)


def answer_to(url: str, body: bytes) -> bytes:
    """Returns what the model server answers to records of JSON Lines."""
    connection = _connection(url)
    connection.request("POST", "/invocations", body, {"Content-Type": "application/jsonlines"})
    response = connection.getresponse()
    answer = response.read()
    assert response.status == 200, answer
    return answer


def predictions(answer: bytes, rows: int) -> pa.Array:
    """Returns the predictions of an answer, one for each row."""
    reading = pyarrow.json.ReadOptions(use_threads=False, block_size=max(1 << 20, len(answer)))
    read = pyarrow.json.read_json(io.BytesIO(answer), reading, _PARSE)
    assert read.num_rows == rows
    return read[PREDICTION].combine_chunks()


def with_predictions(batch: pa.Table | pa.RecordBatch, url: str, body: bytes) -> pa.Table:
    """Returns a batch with the predictions of its records beside it."""
    answered = predictions(answer_to(url, body), batch.num_rows)
    return pa.table([*batch.columns, answered], names=[*batch.schema.names, PREDICTION])


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Returns the arguments that each peer takes."""
    parser = argparse.ArgumentParser(description=description)
    for name in ("input", "output", "url"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--batch-rows", type=int, required=True, help="records of 6 MB")
    parser.add_argument("--cores", type=int, required=True)
    return parser


@contextmanager
def working(settings: str) -> Iterator[None]:
    """Tells, as the last line of standard output, how long the work took between start and end, and the settings."""
    began = time.monotonic()
    yield
    print(json.dumps({"work_seconds": time.monotonic() - began, "settings": settings}), flush=True)
