"""What a folder holds, looked at before anything in it is made, changed or removed."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from transform_emulator.state.errors import ANOTHER_FOLDER, StateError, damaged

DATABASE = "state.db"
LOG_OF_DATABASE = f"{DATABASE}-wal"
OBJECTS = "objects"
LOCK = "lock"
OURS = frozenset({DATABASE, LOG_OF_DATABASE, f"{DATABASE}-shm", f"{DATABASE}-journal", OBJECTS, LOCK})

FORMAT = 1
TABLES = frozenset({"buckets", "objects", "jobs", "inputs", "log_lines", "resources"})


def check(folder: Path) -> None:
    """Sees that it is an emulator's state, or empty.

    Raises:
        StateError: It is neither. Unknown files below objects/ are removed at each start, so they must not be somebody
            else's, nor those of an index that is gone.
        OSError: It cannot be read.
        sqlite3.Error: So its index.
    """
    # Counted before the index is looked for, which an emulator that begins meanwhile makes first.
    files = _entries_in(folder / OBJECTS)
    index = folder / DATABASE
    if index.exists() and not _is_new(index):
        return
    if {entry.name for entry in folder.iterdir()} - OURS:
        raise StateError(f"{folder} holds something else than an emulator's state; {ANOTHER_FOLDER}")
    if files or _has_log(folder):
        held = f"{files} file{'s' if files != 1 else ''} of objects" if files else f"{LOG_OF_DATABASE}, a part of one,"
        raise StateError(
            f"{folder} holds {held} and no index: {DATABASE} is not there, or has nothing in it. Nothing was touched; "
            f"put {DATABASE} back from a copy, or give an empty folder"
        )


def is_empty(connection: sqlite3.Connection, index: Path) -> bool:
    """Returns whether nothing was ever put into a database; else it has all tables of an emulator's.

    Raises:
        StateError: It is another program's, another version's, or has lost a table.
    """
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    ((version,),) = connection.execute("PRAGMA user_version")
    if not names and not version:
        return True
    if not version or names.isdisjoint(TABLES):
        raise StateError(f"{index} is a database of another program, not an emulator's; {ANOTHER_FOLDER}")
    if version != FORMAT:
        raise StateError(f"{index} has format {version}, this version writes {FORMAT}; {ANOTHER_FOLDER}")
    lost = sorted(TABLES - names)
    if lost:
        raise damaged(index, f"its table {lost[0]} is gone")
    return False


def _is_new(index: Path) -> bool:
    # Neither way leaves a file or a lock behind. What a killed process has written last is in the log alone, which is
    # not read of a database that cannot change.
    way = "mode=ro" if _has_log(index.parent) else "immutable=1"
    with closing(sqlite3.connect(f"{index.absolute().as_uri()}?{way}", uri=True)) as connection:
        return is_empty(connection, index)


def _has_log(folder: Path) -> bool:
    try:
        return (folder / LOG_OF_DATABASE).stat().st_size > 0
    except FileNotFoundError:
        return False


def _entries_in(folder: Path) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(1 for _ in entries)
    except FileNotFoundError:
        return 0
