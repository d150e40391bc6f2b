"""Which objects a job is sent, and the manifest that names them to the service.

A job may have ten million objects, where a row is one: their manifest is 400 MB, and as a list of Python's three times
that. So names come from their column a few at a time, and a manifest is told from another one by its digest.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from batch_transform.core.object_names import spread
from batch_transform.core.uris import S3Uri

_NAMES_AT_ONCE = 10_000


def manifest(inputs: S3Uri, names: Iterable[str]) -> Iterator[bytes]:
    """Yields a manifest of objects below `inputs`: `[{"prefix": "s3://bucket/inputs/"}, "name", ...]`.

    The service makes a key by joining prefix and entry as they are (botocore, TransformS3DataSource). Entries are
    flat, so that `<output>/<entry>.out` does not depend on what it makes of a slash.
    """
    yield b"[" + _json({"prefix": f"{inputs}/"})
    left = iter(names)
    while some := list(itertools.islice(left, _NAMES_AT_ONCE)):
        yield b"," + _json(some)[1:-1]
    yield b"]"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def is_same(one: Iterable[bytes], other: Iterable[bytes]) -> bool:
    """Returns whether two streams have the same bytes; neither is held."""
    return _digest(one) == _digest(other)


def _digest(chunks: Iterable[bytes]) -> bytes:
    found = hashlib.sha256()
    for chunk in chunks:
        found.update(chunk)
    return found.digest()


def sent_names(spans: pa.Table, controls: Sequence[str]) -> Iterable[str]:
    """Returns the names of all objects of a job: its spans', their copies, and the controls.

    Copies and controls lie between the others as chance has it, so that no moment of the job is one row's alone.

    Args:
        spans: of the job (spans.SPAN_SCHEMA).
        controls: of the job.
    """
    copies = [name for names in spans["copies"].drop_null().to_pylist() for name in names]
    own = (name for some in spans.select(["object"]).to_batches(_NAMES_AT_ONCE) for name in some.column(0).to_pylist())
    return spread(itertools.chain(own, copies, controls)) if copies or controls else own
