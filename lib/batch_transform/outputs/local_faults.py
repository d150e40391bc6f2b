"""What a file system refuses: told in its words, foreseen, and with nothing left behind."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from batch_transform.core.object_store import AlreadyThere, ObjectNotFound, StoreFailure

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def local_errors(operation: str, path: str) -> Iterator[None]:
    """Turns OSErrors inside the block into StoreFailure or the subclass that fits."""
    try:
        yield
    except OSError as err:
        kind = {FileNotFoundError: ObjectNotFound, FileExistsError: AlreadyThere}.get(type(err), StoreFailure)
        remedy = "; make room there" if err.errno in _NO_ROOM else ""
        raise kind(operation, path, errno.errorcode.get(err.errno or 0, "OSError"), f"{err}{remedy}") from err


@contextmanager
def removed_on_error(path: str) -> Iterator[None]:
    """Removes a file of ours that did not come to its end: of a full disk it takes the room, and nobody sees it."""
    try:
        yield
    except OSError:
        with suppress(OSError):
            os.unlink(path)
        raise
