"""`init`: a first run file for a Parquet file, a folder of them, a Delta table or a named table, and a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from batch_transform.config.loading import surroundings
from batch_transform.config.places import is_s3
from batch_transform.core.errors import ConfigurationError, GateRefused
from batch_transform.core.first_run_file import FirstRun, InputColumn, run_file_text
from batch_transform.core.object_names import is_data_file, partition_columns
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.formats import delta, parquet
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.s3.store import S3Store

_TABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*){1,2}")


def first_run_file(asked: CommandLine, environ: Mapping[str, str]) -> str:
    """Returns what is printed: the run file, or where it was written and what to do with it.

    Raises:
        ConfigurationError: it is not said for what, there is no such input, or the file is there already.
        StoreFailure: S3 does not tell.
    """
    if missing := [flag for flag, given in (("--input", asked.input), ("--model", asked.model)) if not given]:
        raise ConfigurationError(f"{', '.join(missing)}: is needed; see --help")
    text = run_file_text(_first_run(asked, environ))
    if not asked.subject:
        return text.rstrip("\n")
    try:
        with Path(asked.subject).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(
            f"{asked.subject}: is there already, and is left as it is; name another file"
        ) from None
    except OSError as err:
        raise ConfigurationError(f"{asked.subject}: cannot be written: {err.strerror}") from err
    return (
        f"{asked.subject} is written. Look through it, then: batch-transform plan {asked.subject} --var ds=2024-05-01"
    )


def _first_run(asked: CommandLine, environ: Mapping[str, str]) -> FirstRun:
    place, model = asked.input[-1], asked.model[-1]
    output, workspace = (given[-1] if given else None for given in (asked.result, asked.workspace))
    if _TABLE.fullmatch(place) and not Path(place).exists():
        return FirstRun(place, True, delta.FORMAT.can.name, model, (), "", output, workspace)
    access = access_of(surroundings(asked.sets, ()), None, environ) if is_s3(place) else None
    store = S3Store(access.client("s3")) if access else None
    tree, file, is_delta = _file(place, store)
    format = (delta if is_delta else parquet).FORMAT.can.name
    try:
        schema = parquet.FORMAT.arrow_schema(tree, file)
    except GateRefused as err:
        raise ConfigurationError(f"--input: {err}; of another format the columns are not told by a footer") from err
    columns = [InputColumn(field.name, str(field.type)) for field in schema]
    folders = [InputColumn(name, None) for name in partition_columns(file.name) if name not in schema.names]
    return FirstRun(place, False, format, model, (*columns, *folders), file.name, output, workspace)


def _file(place: str, store: ObjectStore | None) -> tuple[Tree, TreeFile, bool]:
    """The first data file below a place, or the file that it names; and whether it is of a Delta table."""
    tree, found, is_delta = open_tree(place, store), None, False
    if not Path(tree.location.removeprefix("file://")).is_file():
        log = open_tree(f"{place.rstrip('/')}/{delta.FORMAT.can.log_folder}", store)
        is_delta = next(iter(log.list()), None) is not None
        found = next((file for file in tree.list() if is_data_file(file.name)), None)
    folder, _, name = tree.location.rstrip("/").rpartition("/")
    if found is None and not folder.endswith("/"):  # it may be a file's name; a bucket's is none
        tree = open_tree(folder, store)
        found = next((file for file in tree.list() if file.name == name), None)
    if found is None:
        raise ConfigurationError(
            f"--input: {place}: there is no file; give a Parquet file, a folder of them, a Delta table, s3:// also, or "
            "the name of a table, schema.name"
        )
    return tree, found, is_delta
