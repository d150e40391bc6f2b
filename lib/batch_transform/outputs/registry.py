"""The formats that results may be published in: each module of `outputs.formats` is one."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping

from batch_transform.core.run_settings import OutputSettings
from batch_transform.outputs.port import Capabilities, OutputFormat

DEFAULT = OutputSettings.format
# Those whose files lie in folders of partitions as a table of files has them.
_OTHERS = (Capabilities("hudi", "Hudi", commits=True, log_folder=".hoodie"),)
_ROOM = "batch_transform.outputs.formats"  # by name: its modules import from this folder


@functools.cache
def output_formats() -> Mapping[str, OutputFormat]:
    """Returns name -> format, the default first; no module of them needs Spark to be imported."""
    names = [module.name for module in pkgutil.iter_modules(importlib.import_module(_ROOM).__path__)]
    found = [importlib.import_module(f"{_ROOM}.{name}").FORMAT for name in sorted(names)]
    return {format.can.name: format for format in sorted(found, key=lambda format: format.can.name != DEFAULT)}


def format_named(name: str) -> OutputFormat:
    """Returns the format that a checked configuration, or a ledger, names."""
    return output_formats()[name]


def log_folders() -> Mapping[str, Capabilities]:
    """Returns the folders that make a table of the folder they lie in, each with its format; not all can be written."""
    own = [format.can for format in output_formats().values()]
    return {format.log_folder: format for format in (*own, *_OTHERS) if format.log_folder}


def names_that(hold: Callable[[Capabilities], bool]) -> str:
    """Returns the names of the formats for which something holds, for the end of a sentence."""
    return " or ".join(name for name, format in output_formats().items() if hold(format.can))
