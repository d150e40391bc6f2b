"""What is told of a run before Spark starts: that it is published, or what is wrong and needs no Spark to see."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from batch_transform.config.places import is_s3, scheme_of
from batch_transform.config.prediction import Prediction
from batch_transform.config.runfile import RunConfig
from batch_transform.config.sections import Input
from batch_transform.config.surroundings import Emulator
from batch_transform.core.errors import BatchTransformError, ConfigurationError, ServiceFailure
from batch_transform.core.near_names import no_such
from batch_transform.core.object_names import is_data_file, partition_columns
from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.plain_paths import plain_path
from batch_transform.core.publishing.file_publication import Mode, TreeFile
from batch_transform.core.report_keys import RunReport
from batch_transform.core.reserved_columns import errors_taken, names_not_in, prediction_taken
from batch_transform.core.unread_inputs import NOT_THERE
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.copying import preflight
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.registry import output_formats
from batch_transform.outputs.tree_of_location import is_reached, open_tree
from batch_transform.pipeline.checks.collected_faults import Faults, check_bucket, check_service
from batch_transform.pipeline.checks.model_servers import check_model_servers
from batch_transform.pipeline.places import places_of, targets_of
from batch_transform.pipeline.recorded import CLOCK, check_same, read_run
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import TransformJobs

# With more of them, which columns there are is Spark's to say: it may merge their schemas.
_MOST_FILES = 16
# The formats of Spark, beside those of our outputs, that read nothing but files, and no place without one.
_OF_FILES = frozenset({"csv", "json", "text", "avro", "binaryfile"})
# Options of a reader by which it sees no other columns than those of its files.
_OF_VALUES = frozenset({"mergeschema", "datetimerebasemode", "int96rebasemode"})
_PLAIN_FIELD = re.compile(r"\s*([A-Za-z_]\w*)\s*[\s:]\s*[A-Za-z]+\s*", re.ASCII)


def told_before_spark(config: RunConfig, environ: Mapping[str, str], files_are_here: bool = False) -> RunReport | None:
    """Returns the report of a run that is published already; None for one that is to be worked on.

    Nothing is told of a run in an embedded emulator, which is not up yet.

    Args:
        config: of the run, with its run id.
        environ: of whoever will drive the run.
        files_are_here: whether Spark finds the files of this machine, and no others.

    Raises:
        ConfigurationError: there is no such bucket, model or column, or the run was begun with another configuration.
        BatchTransformError: AWS does not answer.
    """
    faults = Faults()
    if config.emulator is not None:
        if _keeps_nothing(config.emulator):  # what it keeps may be scored, and need no model
            faults.of(lambda: check_model_servers(config, CLOCK))
            _check_output(config, None, faults)
            _check_there(config, faults, files_are_here)
        if config.input is not None and not is_s3(config.input.path or ""):
            _check_columns(config, None, faults)
        faults.refuse()
        return None
    access = access_of(config, None, environ)
    for section, _ in access.identities:
        faults.of(partial(access.session, section))
    faults.refuse()
    store = S3Store(access.client("s3"))
    assert config.run_id is not None
    workspace = S3Uri.parse(config.workspace)
    state = read_run(workspace, config.run_id, store).state
    if state is not None:
        check_same(state, config)
        return state.report
    faults.of(lambda: check_bucket(store, workspace))
    check_service(config, TransformJobs(access.session(), access.client("sagemaker")), faults, is_new=True)
    _check_output(config, store, faults)
    _check_there(config, faults, files_are_here)
    _check_columns(config, store, faults)
    return None


def _keeps_nothing(emulator: Emulator) -> bool:
    """Whether an embedded emulator has no run of before: none is kept, or in a folder that is yet to be filled."""
    if emulator.state is None:
        return True
    try:
        return not any(os.scandir(emulator.state))
    except FileNotFoundError:
        return True
    except OSError:
        return False  # whatever it is, the emulator says it


def _check_output(config: RunConfig, store: ObjectStore | None, faults: Faults) -> None:
    """Finds what hinders files of result or dead letters where they go; None for a store that is not up yet."""
    if config.output is None:
        return
    places = places_of(config, config.layout, None)
    targets = targets_of(config, places)
    if not isinstance(targets.format, FileFormat):
        return
    found = [(table.mode, table.location, table.partition_by) for table in targets.tables(places).values()]
    checks = (
        partial(_preflight, mode, path, store, by)
        for mode, path, by in found
        if path and is_reached(path) and not (is_s3(path) and store is None)
    )
    faults.of_tables(checks, are_one=targets.are_one)


def _preflight(mode: Mode, path: str, store: ObjectStore | None, partition_by: Sequence[str]) -> None:
    preflight(mode, open_tree(path, store), partition_by)


def _check_there(config: RunConfig, faults: Faults, files_are_here: bool) -> None:
    """Finds a file, or a folder, of the driver's machine that is not there.

    On S3 one may be where the session's own settings say, and is Spark's to find; so is what a pattern stands for.
    """
    given = config.input
    path = plain_path(given.path or "") if given is not None and _is_of_files(given.format) else None
    if not files_are_here or not path or scheme_of(path) not in ("", "file"):
        return
    try:
        os.lstat(open_tree(path, None).location.removeprefix("file://"))
    except FileNotFoundError:
        place = places_of(config, config.layout, None).spark_path(path)
        faults.add([f"input: {place} cannot be read: {NOT_THERE}"])
    except (ConfigurationError, OSError):
        return  # whatever it is, Spark says it in its own words


def _is_of_files(format: str) -> bool:
    name = format.lower()
    return name in _OF_FILES or isinstance(output_formats().get(name), FileFormat)


def _check_columns(config: RunConfig, store: ObjectStore | None, faults: Faults, *, also_output: bool = True) -> None:
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


def check_plan(config: RunConfig, environ: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Refuses a plan of a record with a column that no file of the input has; the plan itself tells all else.

    Args:
        config: of the run.
        environ: of whoever will plan it.
        tell: is told at once of a model's server that is not there, which the plan waits for and tells as missing.

    Raises:
        ConfigurationError: there is such a column, or AWS cannot be asked with what is set.
    """
    _tell_servers(config, tell)
    given, store = config.input, None
    if given is None or (config.emulator is not None and is_s3(given.path or "")):
        return  # the emulator that has the input is not up yet
    if config.emulator is None:
        try:
            store = S3Store(access_of(config, None, environ).client("s3"))
        except ServiceFailure:
            return  # as the plan says
    _check_columns(config, store, faults=Faults(), also_output=False)


def _tell_servers(config: RunConfig, tell: Callable[[str], None]) -> None:
    try:
        check_model_servers(config, CLOCK, waits=False)
    except ConfigurationError as err:
        for fault in err.faults:
            tell(f"missing: {fault}")


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
