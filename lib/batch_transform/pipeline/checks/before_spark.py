"""What is told of a run before Spark starts: that it is published, or what is wrong and needs no Spark to see."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from batch_transform.config.places import is_s3, scheme_of
from batch_transform.config.runfile import RunConfig
from batch_transform.config.surroundings import Emulator
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.plain_paths import plain_path
from batch_transform.core.report_keys import RunReport
from batch_transform.core.unread_inputs import NOT_THERE
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.copying import check_writable
from batch_transform.outputs.registry import output_formats
from batch_transform.outputs.tree_of_location import is_reached, open_tree
from batch_transform.pipeline.checks.collected_faults import Faults, check_bucket, check_service
from batch_transform.pipeline.checks.footer_columns import check_columns
from batch_transform.pipeline.checks.model_servers import check_model_servers
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.places import DATABRICKS_VARIABLE, places_of, targets_of
from batch_transform.pipeline.recorded import check_same, read_run
from batch_transform.pipeline.world.aws_access import access_of, jobs_of
from batch_transform.s3.store import S3Store

# The formats of Spark, beside those of our outputs, that read nothing but files, and no place without one.
_OF_FILES = frozenset({"csv", "json", "text", "avro", "binaryfile"})


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
            _check_here(config, environ, faults)
        if config.input is not None and not is_s3(config.input.path or ""):
            check_columns(config, None, faults)
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
    faults.of(lambda: check_bucket(store, workspace, access.console_region))
    jobs = jobs_of(access)
    check_service(config, jobs, faults, access.console_region, is_new=True)
    _check_places(config, store, faults)
    _check_there(config, faults, files_are_here)
    check_columns(config, store, faults)
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


def check_unheard_of(config: RunConfig, environ: Mapping[str, str]) -> None:
    """Refuses a run in an embedded emulator that what this one keeps does not know: it needs its input and its places.

    Args:
        config: of the run.
        environ: of whoever drives it.

    Raises:
        ConfigurationError: one of them is not there, or cannot be written.
    """
    faults = Faults()
    _check_here(config, environ, faults)
    faults.refuse()


def _check_here(config: RunConfig, environ: Mapping[str, str], faults: Faults) -> None:
    """Finds what lacks on the machine that an embedded emulator is on, which is the one that Spark is on."""
    _check_places(config, None, faults)
    _check_there(config, faults, DATABRICKS_VARIABLE not in environ)


def _check_places(config: RunConfig, store: ObjectStore | None, faults: Faults) -> None:
    """Finds what hinders staged rows, result or dead letters where they go; None for a store that is not up yet."""
    places = places_of(config, config.layout, None)
    faults.of(partial(check_staging, places.scratch))
    if config.output is None:
        return
    targets = targets_of(config, places)
    how = targets.format
    if not isinstance(how, FileFormat):
        return
    checks = (
        partial(how.check_place, store, table)
        for table in targets.tables(places).values()
        if (path := table.location) and is_reached(path) and not (is_s3(path) and store is None)
    )
    faults.of_tables(checks, are_one=targets.are_one)


def check_staging(location: str) -> None:
    """Raises ConfigurationError for a place of staged rows on the driver's machine that cannot be written.

    Spark would say so of the first table that it writes there, whose columns are not at fault.
    """
    if location.startswith("file:"):
        check_writable(open_tree(location, None), f"staging: {location}")


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


def check_plan(
    config: RunConfig, environ: Mapping[str, str], tell: Callable[[str], None], files_are_here: bool = False
) -> None:
    """Refuses a plan of an input that is not there, or of a column that none of its files has; all else tells the plan.

    Args:
        config: of the run.
        environ: of whoever will plan it.
        tell: is told at once of a model's server that is not there, which the plan waits for and tells as missing.
        files_are_here: whether Spark finds the files of this machine, and no others.

    Raises:
        ConfigurationError: there is none, or such a column, or AWS cannot be asked with what is set.
    """
    _tell_servers(config, tell)
    faults = Faults()
    _check_there(config, faults, files_are_here or (config.emulated and DATABRICKS_VARIABLE not in environ))
    faults.refuse()
    given, store = config.input, None
    if given is None or (config.emulator is not None and is_s3(given.path or "")):
        return  # the emulator that has the input is not up yet
    if config.emulator is None:
        try:
            store = S3Store(access_of(config, None, environ).client("s3"))
        except ServiceFailure:
            return  # as the plan says
    check_columns(config, store, faults=Faults(), also_output=False)


def _tell_servers(config: RunConfig, tell: Callable[[str], None]) -> None:
    try:
        check_model_servers(config, CLOCK, waits=False)
    except ConfigurationError as err:
        for fault in err.faults:
            tell(f"missing: {fault}")
