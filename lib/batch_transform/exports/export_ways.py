"""The export ways there are, by name: the modules beside this one and the port."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from batch_transform import exports

if TYPE_CHECKING:
    from batch_transform.exports.port import ExportWay

_OTHERS = frozenset({"port", "export_ways"})


@cache
def names() -> tuple[str, ...]:
    """Returns the names, for which no way is imported: whoever checks a run file may have no Spark."""
    return tuple(each.name for each in pkgutil.iter_modules(exports.__path__) if each.name not in _OTHERS)


def export_way(name: str) -> ExportWay:
    """Returns the way of one of these names."""
    way: ExportWay = importlib.import_module(f"{exports.__name__}.{name}").WAY
    return way
