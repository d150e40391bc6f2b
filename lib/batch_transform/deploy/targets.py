"""The targets there are: each module beside this one and the port is one, of the same name with - for _."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from batch_transform import deploy

if TYPE_CHECKING:
    from batch_transform.deploy.port import Target

_OTHERS = frozenset({"port", "targets"})


@cache
def target_names() -> tuple[str, ...]:
    """Returns the names of all targets."""
    found = (each.name for each in pkgutil.iter_modules(deploy.__path__) if each.name not in _OTHERS)
    return tuple(name.replace("_", "-") for name in found)


def target_named(name: str) -> Target:
    """Returns the target of one of these names."""
    target: Target = importlib.import_module(f"{deploy.__name__}.{name.replace('-', '_')}").TARGET
    return target
