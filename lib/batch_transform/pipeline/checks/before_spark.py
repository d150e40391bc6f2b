"""What is told of a run before Spark starts: that it is published, or what is wrong and needs no Spark to see."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from batch_transform.aws.access import AwsAccess
from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.config.sections import Input
from batch_transform.core.errors import BatchTransformError
from batch_transform.core.near_names import no_such
from batch_transform.core.object_names import is_data_file, partition_columns
from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.plain_paths import plain_path
from batch_transform.core.report_keys import RunReport
from batch_transform.core.reserved_columns import names_not_in
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.registry import output_formats
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.checks.collected_faults import Faults, check_bucket, check_service
from batch_transform.pipeline.checks.model_servers import check_model_servers
from batch_transform.pipeline.recorded import CLOCK, check_same, read_run
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import TransformJobs

# With more of them, which columns there are is Spark's to say: it may merge their schemas.
_MOST_FILES = 16


def told_before_spark(config: RunConfig, environ: Mapping[str, str]) -> RunReport | None:
    """Returns the report of a run that is published already; None for one that is to be worked on.

    Nothing is told of a run in an embedded emulator, which is not up yet.

    Args:
        config: of the run, with its run id.
        environ: of whoever will drive the run.

    Raises:
        ConfigurationError: there is no such bucket, model or column, or the run was begun with another configuration.
        BatchTransformError: AWS does not answer.
    """
    faults = Faults()
    access = access_of(config, None, environ) if config.emulator is None else AwsAccess(emulated=True)
    for section, _ in access.identities:
        faults.of(partial(access.session, section))
    faults.refuse()
    store = S3Store(access.client("s3"))
    if config.emulator is not None:
        if config.ephemeral:  # what an emulator keeps may be scored, and need no model
            faults.of(lambda: check_model_servers(config, CLOCK))
        if config.input is not None and not is_s3(config.input.path or ""):
            _check_columns(config, store, faults)
        faults.refuse()
        return None
    assert config.run_id is not None
    workspace = S3Uri.parse(config.workspace)
    state = read_run(workspace, config.run_id, store).state
    if state is not None:
        check_same(state, config)
        return state.report
    faults.of(lambda: check_bucket(store, workspace))
    check_service(config, TransformJobs(access.session(), access.client("sagemaker")), faults, is_new=True)
    _check_columns(config, store, faults)
    return None


def _check_columns(config: RunConfig, store: ObjectStore, faults: Faults) -> None:
    """Refuses with all faults, those among them of names that no file of the input has."""
    wanted = {
        "record.columns": config.record.columns or (),
        "output.partition_by": config.output.partition_by if config.output is not None else (),
    }
    known = _columns(config.input, store) if config.input is not None else None
    if known is not None:
        for key, names in wanted.items():
            if missing := names_not_in(names, known, case_sensitive=False):
                faults.add([f"{key}: {no_such('column', missing, 'the input', known)}"])
    faults.refuse()


def _columns(given: Input, store: ObjectStore) -> tuple[str, ...] | None:
    """The columns of an input by the footers of its files; None where Spark may see others, or nobody can tell."""
    format = output_formats().get(given.format)
    path = plain_path(given.path or "")
    if not isinstance(format, FileFormat) or not path or given.options or given.where:
        return None
    try:
        tree = open_tree(path, store)
        files = [file for file in tree.list() if is_data_file(file.name)]
        if not 0 < len(files) <= _MOST_FILES:
            return None
        found = [format.column_names(tree, file) for file in files]
    except (BatchTransformError, StoreFailure, OSError):
        return None  # whatever it is, Spark says it in its own words
    names = [name for file in files for name in partition_columns(file.name)]
    return (
        None if None in found else tuple(dict.fromkeys([name for columns in found for name in columns or ()] + names))
    )
