"""Of cases that differ little CI takes some; the marked run (`-m long`) takes the others as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def one_in(count: int, cases: Iterable[Any]) -> list[Any]:
    """Returns the parameters of a test: the first case of each `count` as it is, the others marked."""
    return [case if place % count == 0 else _left(case) for place, case in enumerate(cases)]


def in_turn(ones: Iterable[Any], others: Sequence[Any]) -> list[Any]:
    """Returns each of `ones` with each of `others`, one of which, another each time, is not marked."""
    return [
        (one, other) if place % len(others) == at else _left((one, other))
        for place, one in enumerate(ones)
        for at, other in enumerate(others)
    ]


def _left(case: Any) -> Any:
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.long)
