"""What a file system refuses: told in its words, foreseen, and with nothing left behind."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
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


def refuse_unremovable(paths: Iterable[str]) -> None:
    """Checks that files could be deleted; looks at folders, and at a file where its folder leaves it to its owner.

    Raises:
        StoreFailure: one could not.
    """
    user, kept_for_owners = os.geteuid(), dict[str, bool]()
    for path in paths:
        folder = os.path.dirname(path)
        with suppress(ObjectNotFound), local_errors("delete", path):  # removed since it was listed
            if folder not in kept_for_owners:
                status = os.stat(folder)
                if not os.access(folder, os.W_OK | os.X_OK):
                    raise StoreFailure("delete", path, "EACCES", f"{folder} is not writable, and the file is to go")
                kept_for_owners[folder] = bool(status.st_mode & stat.S_ISVTX) and user not in (0, status.st_uid)
            if kept_for_owners[folder] and os.lstat(path).st_uid != user:
                why = f"it is another user's, and {folder} has the sticky bit, by which its owner alone may remove it"
                raise StoreFailure("delete", path, "EPERM", why)
