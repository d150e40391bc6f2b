"""The directory that holds a state: whose it is, and that one process at a time has it."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from transform_emulator.state.contents import DATABASE, LOCK, OBJECTS, OURS, check
from transform_emulator.state.errors import StateError, told_of

POLL_SECONDS = 0.05

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def private(path: str, flags: int) -> int:
    """Opens a file that its owner alone may read, whatever the umask; an `opener` of `open`."""
    descriptor = os.open(path, flags, PRIVATE_FILE)
    os.fchmod(descriptor, PRIVATE_FILE)
    return descriptor


class Directory:
    """A directory that this process has for itself until it is released, or until the process ends."""

    def __init__(self, path: Path, patience_seconds: float, waits: Callable[[str], None]) -> None:
        """Takes the directory, which is made if it is not there.

        Args:
            path: The directory.
            patience_seconds: How long to wait for another process to end.
            waits: Is told that process, once it is to be waited for.

        Raises:
            StateError: Another process has it, it holds something else, or it cannot be written.
        """
        self.path = path
        with told_of(self.database):
            path.mkdir(parents=True, exist_ok=True)
            check(path)
            self._close_to_others()
            self._lock: IO[str] = os.fdopen(
                private(str(path / LOCK), os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+", encoding="utf-8"
            )
        self._take(patience_seconds, waits)
        try:
            with told_of(self.database):
                check(path)  # it may have changed while another process had it
                self.objects.mkdir(exist_ok=True)
                self.objects.chmod(PRIVATE_FOLDER)
        except StateError:
            self.release()
            raise

    @property
    def database(self) -> Path:
        """The index's file."""
        return self.path / DATABASE

    @property
    def objects(self) -> Path:
        """The folder of the objects' bytes."""
        return self.path / OBJECTS

    def tell(self, endpoint_url: str) -> None:
        """Says to whoever looks for the directory that this process has it, and answers there."""
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()} {endpoint_url}\n")
        self._lock.flush()

    def release(self) -> None:
        """Lets another process have it."""
        self._lock.close()

    def _close_to_others(self) -> None:
        """Lets the owner alone read what is there: rows and job logs, also of a version that left them to the umask."""
        self.path.chmod(PRIVATE_FOLDER)
        for path in [*(self.path / name for name in OURS - {OBJECTS}), *self.objects.glob("*")]:
            # Another process that still ends may remove one meanwhile.
            with contextlib.suppress(FileNotFoundError):
                path.chmod(PRIVATE_FILE)

    def _take(self, patience_seconds: float, waits: Callable[[str], None]) -> None:
        deadline, is_told = time.monotonic() + patience_seconds, False
        while not self._is_taken():
            if time.monotonic() >= deadline:
                owner, endpoint_url = self._owner()
                self._lock.close()
                raise StateError(
                    f"{self.path} is in use by another transform-emulator (process {owner})", owner, endpoint_url
                )
            if not is_told:
                waits(self._owner()[0])
                is_told = True
            time.sleep(POLL_SECONDS)
        self.tell("")

    def _owner(self) -> tuple[str, str]:
        """The process that has it, and where that answers."""
        self._lock.seek(0)
        owner, _, endpoint_url = self._lock.read().strip().partition(" ")
        return owner or "unknown", endpoint_url  # it is about to say

    def _is_taken(self) -> bool:
        # Of the open file, not of the process: it also keeps out a second emulator of this process.
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False
