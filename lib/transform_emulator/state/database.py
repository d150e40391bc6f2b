"""The index in SQLite: everything but the bytes of objects.

What is committed is there after the process was killed, and after a crash of the machine what was committed some time
before: the write-ahead log is synchronised when it is folded into the file, every few megabytes, not at each commit
(SQLite, `PRAGMA synchronous`).
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transform_emulator.state.contents import FORMAT, TABLES, is_empty
from transform_emulator.state.directory import private
from transform_emulator.state.errors import damaged

SCHEMA = f"""
BEGIN;
CREATE TABLE buckets (name TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE objects (
    bucket TEXT, key TEXT, position INTEGER, document TEXT NOT NULL, file TEXT, PRIMARY KEY (bucket, key, position)
) WITHOUT ROWID;
CREATE TABLE jobs (
    arn TEXT UNIQUE NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, created TEXT NOT NULL, body TEXT NOT NULL,
    life TEXT NOT NULL
);
CREATE TABLE inputs (
    job TEXT, bucket TEXT, key TEXT, relative TEXT, position INTEGER NOT NULL, finished INTEGER, reason TEXT,
    PRIMARY KEY (job, bucket, key, relative)
) WITHOUT ROWID;
CREATE TABLE log_lines (
    account TEXT NOT NULL, region TEXT NOT NULL, stream TEXT NOT NULL, timestamp_ms INTEGER NOT NULL,
    message TEXT NOT NULL
);
CREATE TABLE resources (
    account TEXT, region TEXT, kind TEXT, name TEXT, document TEXT NOT NULL, PRIMARY KEY (account, region, kind, name)
) WITHOUT ROWID;
PRAGMA user_version = {FORMAT};
COMMIT;
"""


class Database:
    """One connection that threads take turns on."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it.

        Raises:
            StateError: It is not such a database, is damaged, or of another version's.
            sqlite3.Error: It cannot be read.
        """
        self._lock = threading.Lock()
        # SQLite gives its other files the rights of the first.
        os.close(private(str(path), os.O_RDWR | os.O_CREAT))
        self._connection = sqlite3.connect(path, check_same_thread=False)
        try:
            self._begin(path)
        except BaseException:
            self._connection.close()
            raise

    def _begin(self, path: Path) -> None:
        new = is_empty(self._connection, path)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if new:
            self._connection.executescript(SCHEMA)
        # Also of pages that nothing reads at the start: a job would find them hours later.
        ((found,),) = self.rows("PRAGMA quick_check(1)")
        if found != "ok":
            raise damaged(path, found)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yields a connection whose statements are one change, committed at the end or undone by an exception."""
        with self._lock, self._connection:
            yield self._connection

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Returns what a query gives."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def forget(self) -> None:
        """Empties all tables."""
        with self.transaction() as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
