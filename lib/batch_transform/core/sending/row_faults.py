"""Rows that cannot be sent in the record's format, and what a person reads about them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError

# Kinds of fault that are collected of a file; a kind names its columns.
MOST_KINDS = 20


@dataclass(frozen=True)
class RowFaults:
    """What is wrong with rows of one staged file.

    Attributes:
        path: of the file.
        rows: how many.
        first: the smallest row number among them; None: there is none.
        kinds: what is wrong, in words that name the columns.
    """

    path: str
    rows: int
    first: int | None
    kinds: tuple[str, ...]


def check_sendable(files: Iterable[RowFaults], format: str, remedy: str, number: str, fault: str) -> None:
    """Checks that every row can be sent.

    Args:
        files: that were staged.
        format: of the record.
        remedy: what a person can do about such rows.
        number: the column of the row numbers.
        fault: the column that says what is wrong with a row.

    Raises:
        ConfigurationError: one cannot; says how many, why, and where the first one lies.
    """
    faulty = [file for file in files if file.first is not None]
    if not faulty:
        return
    first = min(faulty, key=lambda file: file.first or 0)
    place = f"The first is row {first.first} ({number}) of {first.path}; all are staged with {fault} beside them"
    rows, kinds = sum(file.rows for file in faulty), [kind for file in faulty for kind in file.kinds]
    raise ConfigurationError(f"{what_cannot_be_sent(rows, kinds, format)}. {place}. {remedy}")


def check_measured(rows: int, kinds: Iterable[str], format: str, remedy: str) -> None:
    """Checks that every row of a table that is not staged can be sent.

    Raises:
        ConfigurationError: one cannot; says how many, and why.
    """
    if rows:
        raise ConfigurationError(f"{what_cannot_be_sent(rows, kinds, format)}. {remedy}")


def what_cannot_be_sent(rows: int, kinds: Iterable[str], format: str) -> str:
    """Returns how many rows cannot be sent, and what is wrong with them."""
    parts = sorted({part for kind in kinds for part in kind.split(", ")})
    return f"record.format: {counted(rows, 'row')} cannot be sent as {format}: {'; '.join(parts)}"
