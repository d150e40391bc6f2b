"""The directory that holds a state: whose it is, and that one process at a time has it."""

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import IO

DATABASE = "state.db"
OBJECTS = "objects"
LOCK = "lock"
OURS = frozenset({DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal", OBJECTS, LOCK})

POLL_SECONDS = 0.05


PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def private(path: str, flags: int) -> int:
    """Opens a file that its owner alone may read, whatever the umask; an `opener` of `open`."""
    descriptor = os.open(path, flags, PRIVATE_FILE)
    os.fchmod(descriptor, PRIVATE_FILE)
    return descriptor


class StateError(Exception):
    """A directory that cannot be used; the text says why.

    Attributes:
        owner: the process that has it; '': nobody has.
        endpoint_url: where that process answers; '': it has not said so yet.
    """

    def __init__(self, text: str, owner: str = "", endpoint_url: str = "") -> None:
        self.owner = owner
        self.endpoint_url = endpoint_url
        super().__init__(text)


class Directory:
    """A directory that this process has for itself until it is released, or until the process ends."""

    def __init__(self, path: Path, patience_seconds: float) -> None:
        """Take the directory, which is made if it is not there.

        Args:
            path: The directory.
            patience_seconds: How long to wait for another process to end.

        Raises:
            StateError: Another process has it, it holds something else, or it cannot be written.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._check_contents()
            self._close_to_others()
            self._lock: IO[str] = os.fdopen(
                private(str(path / LOCK), os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+", encoding="utf-8"
            )
        except OSError as error:
            raise StateError(f"cannot keep state in {path}: {error}") from error
        self._take(patience_seconds)
        self.objects.mkdir(exist_ok=True)
        self.objects.chmod(PRIVATE_FOLDER)

    @property
    def database(self) -> Path:
        """The index's file."""
        return self.path / DATABASE

    @property
    def objects(self) -> Path:
        """The folder of the objects' bytes."""
        return self.path / OBJECTS

    def tell(self, endpoint_url: str) -> None:
        """Say to whoever looks for the directory that this process has it, and answers there."""
        self._lock.truncate(0)
        self._lock.write(f"{os.getpid()} {endpoint_url}\n")
        self._lock.flush()

    def release(self) -> None:
        """Let another process have it."""
        self._lock.close()

    def _check_contents(self) -> None:
        names = {entry.name for entry in self.path.iterdir()}
        # Unknown files below objects/ are removed at each start: they must not be somebody else's.
        if DATABASE not in names and names - OURS:
            raise StateError(f"{self.path} holds something else than an emulator's state")

    def _close_to_others(self) -> None:
        """Let the owner alone read what is there: rows and job logs, also of a version that left them to the umask."""
        self.path.chmod(PRIVATE_FOLDER)
        for path in [*(self.path / name for name in OURS - {OBJECTS}), *self.objects.glob("*")]:
            # Another process that still ends may remove one meanwhile.
            with contextlib.suppress(FileNotFoundError):
                path.chmod(PRIVATE_FILE)

    def _take(self, patience_seconds: float) -> None:
        deadline = time.monotonic() + patience_seconds
        while not self._is_taken():
            if time.monotonic() >= deadline:
                self._lock.seek(0)
                owner, _, endpoint_url = self._lock.read().strip().partition(" ")
                self._lock.close()
                owner = owner or "unknown"  # it is about to say
                raise StateError(
                    f"{self.path} is in use by another transform-emulator (process {owner})", owner, endpoint_url
                )
            time.sleep(POLL_SECONDS)
        self.tell("")

    def _is_taken(self) -> bool:
        # Of the open file, not of the process: it also keeps out a second emulator of this process.
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False
