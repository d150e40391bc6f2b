"""What a place holds, as a first look at one footer tells it: its format and its columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from batch_transform.core.errors import ConfigurationError, GateRefused
from batch_transform.core.first_run_file import InputColumn
from batch_transform.core.near_names import meant
from batch_transform.core.object_names import is_data_file, partition_columns
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.registry import DEFAULT, format_named, log_folders, output_formats
from batch_transform.outputs.tree_of_location import open_tree


@dataclass(frozen=True)
class FirstLook:
    """What was found.

    Attributes:
        format: of all files, or of the table that they are.
        columns: of one file, and those in names of folders.
        file: that one, below the place.
    """

    format: str
    columns: tuple[InputColumn, ...]
    file: str


def first_look(place: str, store: ObjectStore | None) -> FirstLook:
    """Returns what a place holds: a Parquet file, a folder of them, or a table whose data files they are.

    Raises:
        ConfigurationError: there is no such file.
        StoreFailure: it cannot be looked at.
    """
    tree, file = _file(place, store)
    how = format_named(DEFAULT)
    assert isinstance(how, FileFormat)
    try:
        schema = how.arrow_schema(tree, file)
    except GateRefused as err:
        raise ConfigurationError(
            f"--input: {err.what}; give a whole Parquet file: of another format `init` reads no columns"
        ) from err
    assert schema is not None
    if not schema.names:
        raise ConfigurationError(
            f"--input: {file.name} is a table without any column, so there is nothing to send; name another one"
        )
    if twice := [name for name, times in Counter(schema.names).items() if times > 1]:
        raise ConfigurationError(
            f"--input: in {file.name}, more than one column is named {', '.join(twice)}, and Spark reads none of them; "
            "write it anew with a name for each"
        )
    columns = [InputColumn(field.name, str(field.type)) for field in schema]
    folders = [InputColumn(name, None) for name in partition_columns(file.name) if name not in schema.names]
    return FirstLook(_format(tree, store), (*columns, *folders), file.name)


def table_format() -> str:
    """Returns the format of tables that are named."""
    return next(name for name, format in output_formats().items() if format.can.takes_tables)


def _format(tree: Tree, store: ObjectStore | None) -> str:
    logs = log_folders().items()
    made = (how.name for log, how in logs if any(True for _ in open_tree(f"{tree.location}/{log}", store).list()))
    return next(made, DEFAULT)


def _missing(place: str) -> str:
    """What is told of a place without a file: of one on this machine that is not there, what may be meant as well."""
    here = Path(place.removeprefix("file://"))
    if here.is_dir():
        return "is a folder without a file of a table"
    beside = sorted(each.name for each in here.parent.iterdir()) if here.parent.is_dir() else []
    return f"there is no file{meant(here.name, beside)}"


def _file(place: str, store: ObjectStore | None) -> tuple[Tree, TreeFile]:
    """The first data file below a place, or the file that it names, with the folder that it lies in."""
    tree, found = open_tree(place.rstrip("/") or place, store), None
    if not Path(tree.location.removeprefix("file://")).is_file():
        found = next((file for file in tree.list() if is_data_file(file.name)), None)
    folder, _, name = tree.location.rstrip("/").rpartition("/")
    if found is None and not folder.endswith("/"):  # it may be a file's name; a bucket's is none
        tree = open_tree(folder, store)
        found = next((file for file in tree.list() if file.name == name), None)
    if found is None:
        raise ConfigurationError(
            f"--input: {place}: {_missing(place)}; give a Parquet file, a folder of them, a Delta table, "
            "s3:// also, or the name of a table, schema.name"
        )
    return tree, found
