"""The record formats there are, by name: the modules beside this one, and any other by its import path."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from functools import cache

from batch_transform import records
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import GZIP, LINE, WHOLE, Framing
from batch_transform.core.limits import MAX_CONTENT_TYPE_CHARACTERS
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
        ConfigurationError: there is none, or it is broken.
    """
    if name in built_in():
        return built_in()[name]
    valid = f"valid: {', '.join(built_in())}, or the import path of a module that has a FORMAT"
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigurationError(f"record.format: {name} is no import path; {valid}")
    if "." not in name:
        raise ConfigurationError(f"record.format: {name} is none; {valid}")
    try:
        format = getattr(importlib.import_module(name), "FORMAT", _MISSING)
    except (Exception, SystemExit) as err:  # a module that is a user's may raise anything, or exit
        told = str(err) if isinstance(err, ImportError) else f"importing it raised {type(err).__name__}: {err}"
        raise ConfigurationError(f"record.format: {name}: {told}; {valid}") from err
    if format is _MISSING:
        raise ConfigurationError(f"record.format: {name}: the module has no FORMAT; {valid}")
    if not isinstance(format, RecordFormat):
        raise ConfigurationError(
            f"record.format: {name}: its FORMAT is {_called(format)}; it must be an instance of a class made from "
            "RecordFormat (batch_transform.records.port)"
        )
    if faults := [*_faults(format)]:
        raise ConfigurationError([f"record.format: {name}: its FORMAT {fault}" for fault in faults])
    return format


_MISSING = object()


def _called(found: object) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else f"of the type {type(found).__name__}"


_SUFFIX = re.compile(r"[A-Za-z0-9]{1,16}(\.[A-Za-z0-9]{1,16})?")
_MEDIA_TYPE = re.compile(rf"[!-~]{{1,{MAX_CONTENT_TYPE_CHARACTERS}}}(; ?[!-~]+)*")


def _faults(format: RecordFormat) -> Iterator[str]:
    """What a format says of itself that no request or name of an object can be made of."""
    said = {key: getattr(format, key, "") for key in ("name", "media_type", "suffix", "split", "remedy")}
    told = {key: "has none" if value == "" else f"has {value!r}" for key, value in said.items()}
    for key in ("name", "remedy"):
        if not isinstance(said[key], str) or not said[key]:
            yield f"{told[key]} as its {key}; it must be text"
    media_type = said["media_type"]
    if media_type is not None and not (isinstance(media_type, str) and _MEDIA_TYPE.fullmatch(media_type)):
        yield f"{told['media_type']} as its media_type; it must be one, such as text/csv, or None"
    if not isinstance(said["suffix"], str) or not _SUFFIX.fullmatch(said["suffix"]):
        yield f"{told['suffix']} as its suffix; it must be letters and digits, such as csv"
    if said["split"] not in (LINE, WHOLE):
        yield f"{told['split']} as its split; it must be {LINE} or {WHOLE}"


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
