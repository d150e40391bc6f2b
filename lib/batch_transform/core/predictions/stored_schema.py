"""The schema of the predictions as a run's ledger keeps it: Spark has read the DDL, and who counts needs no Spark."""

from __future__ import annotations

import base64

import pyarrow as pa


def encode_schema(schema: pa.Schema | None) -> str:
    """Returns a schema in Arrow's IPC format, in base64; '' for none, where each answer is one string."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode() if schema is not None else ""


def decode_schema(text: str) -> pa.Schema | None:
    """Returns the schema that `encode_schema` wrote.

    Raises:
        ValueError: it is none (pyarrow.ArrowInvalid is one, too).
    """
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text, validate=True))) if text else None
