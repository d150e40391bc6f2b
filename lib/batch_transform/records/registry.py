"""The record formats there are, by name: the modules beside this one, and any other by its import path."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from batch_transform import records
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import GZIP, Framing
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.run_state import RunState
from batch_transform.records.port import RecordFormat


@cache
def built_in() -> Mapping[str, RecordFormat]:
    """Returns the formats of this folder by name."""
    names = [f"{records.__name__}.{each.name}" for each in pkgutil.iter_modules(records.__path__)]
    modules = [importlib.import_module(name) for name in names]
    return {module.FORMAT.name: module.FORMAT for module in modules if hasattr(module, "FORMAT")}


def record_format(name: str) -> RecordFormat:
    """Returns the format of a name, or of a module elsewhere: `package.module` with a FORMAT.

    Raises:
        ConfigurationError: there is none.
    """
    if name in built_in():
        return built_in()[name]
    valid = f"valid: {', '.join(built_in())}, or the import path of a module that has a FORMAT"
    try:
        format = getattr(importlib.import_module(name), "FORMAT", None) if "." in name else None
    except ImportError as err:
        raise ConfigurationError(f"record.format: {name}: {err}; {valid}") from err
    if not isinstance(format, RecordFormat):
        raise ConfigurationError(f"record.format: {name} is none; {valid}")
    return format


def framing_of(settings: RunSettings, header: str = "") -> Framing:
    """Returns how a run's records lie in its objects.

    Args:
        settings: of the run.
        header: the line of names with its newline; empty: there is none.
    """
    record = settings.record
    compressed = record.compression == GZIP
    return record_format(record.format).framing(settings.transform.split, header, compressed=compressed)


def run_framing(state: RunState) -> Framing:
    """Returns how the records of a run that is under way lie in its objects."""
    return framing_of(state.settings, state.staged.header if state.staged else "")
