"""Names of columns that no file of an input has, seen in the footers of its files without Spark."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from batch_transform.config.prediction import Prediction
from batch_transform.config.runfile import RunConfig
from batch_transform.config.sections import Input
from batch_transform.core.errors import BatchTransformError
from batch_transform.core.near_names import no_such
from batch_transform.core.object_names import is_data_file, partition_columns
from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.plain_paths import plain_path
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.core.reserved_columns import errors_taken, names_not_in, prediction_taken
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.registry import output_formats
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.checks.collected_faults import Faults
from batch_transform.pipeline.places import places_of, targets_of

# With more of them, which columns there are is Spark's to say: it may merge their schemas.
_MOST_FILES = 16
# Options of a reader by which it sees no other columns than those of its files.
_OF_VALUES = frozenset({"mergeschema", "datetimerebasemode", "int96rebasemode"})
_PLAIN_FIELD = re.compile(r"\s*([A-Za-z_]\w*)\s*[\s:]\s*[A-Za-z]+\s*", re.ASCII)


def check_columns(config: RunConfig, store: ObjectStore | None, faults: Faults, *, also_output: bool = True) -> None:
    """Refuses with all faults, those among them of names that no file of the input has."""
    wanted = {"record.columns": config.record.columns or ()}
    if also_output and config.output is not None:
        wanted["output.partition_by"] = config.output.partition_by
    found = _columns(config.input, store) if config.input is not None else None
    if found is not None:
        for key, names in wanted.items():
            if missing := names_not_in(names, found.some, case_sensitive=False):
                faults.add([f"{key}: {no_such('column', missing, 'the input', found.some)}"])
        faults.add(_taken(config, found.all) if also_output else [])
    faults.refuse()


def _taken(config: RunConfig, known: Collection[str]) -> list[str]:
    """What is wrong with columns beside the input's, of which the same spelling is one name in every session."""
    errors = targets_of(config, places_of(config, config.layout, None)).dead_letter.error_column
    faults = [prediction_taken(name) for name in _prediction_names(config.prediction) if name in known]
    return faults + ([errors_taken(errors)] if errors in known else [])


def _prediction_names(given: Prediction) -> list[str]:
    """The columns of a prediction where they are certain: a DDL of more than names and simple types Spark reads."""
    if given.sql is not None or given.is_inferred:
        return []
    if given.column is not None:
        return [given.column]
    fields = [_PLAIN_FIELD.fullmatch(field) for field in (given.ddl or "prediction string").split(",")]
    return [field[1] for field in fields if field] if all(fields) else []


def _files(path: str, store: ObjectStore | None) -> tuple[Tree, list[TreeFile]]:
    """The data files of a folder, or the one that a path names itself, each in its tree."""
    tree = open_tree(path, store)
    with suppress(StoreFailure):  # no folder
        if files := [file for file in tree.list() if is_data_file(file.name)]:
            return tree, files
    folder, name = posixpath.split(path)
    tree = open_tree(folder or ".", store)
    alone = tree.find(name) if name and is_data_file(name) else None
    return tree, [alone] if alone is not None else []


@dataclass(frozen=True)
class _Columns:
    """The columns that some file of an input has, and those that all have, whatever Spark takes for the schema."""

    some: tuple[str, ...]
    all: frozenset[str]


def _columns(given: Input, store: ObjectStore | None) -> _Columns | None:
    """The columns of an input by the footers of its files; None where Spark may see others, or nobody can tell."""
    format = output_formats().get(given.format)
    path = plain_path(given.path or "")
    if not isinstance(format, FileFormat) or not path or not _OF_VALUES.issuperset(map(str.lower, given.options)):
        return None
    try:
        tree, files = _files(path, store)
        if not 0 < len(files) <= _MOST_FILES:
            return None
        found = [format.column_names(tree, file) for file in files]
    except (BatchTransformError, StoreFailure, OSError):
        return None  # whatever it is, Spark says it in its own words
    if None in found:
        return None
    folders = [partition_columns(file.name) for file in files]
    some = [name for names in (*found, *folders) for name in names or ()]
    each = [frozenset((*(columns or ()), *names)) for columns, names in zip(found, folders, strict=True)]
    return _Columns(tuple(dict.fromkeys(some)), frozenset.intersection(*each))
