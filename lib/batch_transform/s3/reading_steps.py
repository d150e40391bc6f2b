"""A step of a ledger as it lies on S3; what is wrong with one, or with all, is told with where that is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from batch_transform.core.errors import LedgerCorrupt
from batch_transform.core.ledger import Step, decode
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.run_layout import STEP_NAME
from batch_transform.core.uris import S3Uri


@contextmanager
def told_of(place: S3Uri) -> Iterator[None]:
    """Says of what the core finds wrong in the block, which knows no place, where it lies."""
    try:
        yield
    except LedgerCorrupt as err:
        raise LedgerCorrupt(f"{place}: {err.what}") from err


def read_step(store: ObjectStore, uri: S3Uri) -> Step:
    """Returns the step that lies there.

    Raises:
        LedgerCorrupt: what lies there is none, or another one.
        StoreFailure: S3 does not give it.
    """
    match = STEP_NAME.fullmatch(uri.key.rpartition("/")[2])
    if match is None:
        raise LedgerCorrupt(f"{uri} is no step of a ledger")
    body = store.get(uri)[0]
    with told_of(uri):
        step = decode(body)
    if step.number != int(match[1]):
        raise LedgerCorrupt(f"{uri} holds step {step.number}, which is not its own")
    return step
