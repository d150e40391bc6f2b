"""Begin a run, or go on with one: from a checked configuration to a driver."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial

from pyspark.sql import SparkSession

from batch_transform.aws.access import AwsAccess
from batch_transform.config.runfile import RunConfig
from batch_transform.core.events import Event, Listener
from batch_transform.core.resuming.retried_dead_rows import check_retry
from batch_transform.core.state.model_versions import has_scored
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.all_checks import check_pyarrow, check_world
from batch_transform.pipeline.checks.among_runs import check_workspace
from batch_transform.pipeline.checks.collected_faults import Faults, check_bucket, check_price, check_service
from batch_transform.pipeline.checks.input_rows import input_of, read_again, rows_of
from batch_transform.pipeline.checks.left_results import check_no_result
from batch_transform.pipeline.checks.model_servers import check_model_servers, needs_model
from batch_transform.pipeline.checks.output_fit import fit_of
from batch_transform.pipeline.checks.output_over_input import Reading
from batch_transform.pipeline.checks.same_input import check_source
from batch_transform.pipeline.lifecycle.acquiring_run import as_published, begin, context_of
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.loop.handlers.retargeting import check_uncommitted
from batch_transform.pipeline.places import Places, places_of
from batch_transform.pipeline.recorded import CLOCK, RecordedRun, check_same, read_run
from batch_transform.pipeline.run_switches import NO_SWITCHES, RunSwitches
from batch_transform.pipeline.tables.object_work import SparkObjectWork
from batch_transform.pipeline.tables.source import Source, settings_of
from batch_transform.pipeline.tables.spark_tables import SparkTables
from batch_transform.pipeline.worker_store import WorkerStore
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import TransformJobs
from batch_transform.sagemaker.models import ensure_model
from batch_transform.spark.input_settings import input_session
from batch_transform.spark.s3_probe import WorkersReach
from batch_transform.spark.settings import known, session_settings
from batch_transform.spark.user_session import user_session


def open_run(
    spark: SparkSession,
    config: RunConfig,
    access: AwsAccess,
    listener: Listener,
    source: Source | None = None,
    *,
    names_input: bool = True,
    switches: RunSwitches = NO_SWITCHES,
    begins: Callable[[], None] = lambda: None,
) -> Driver:
    """Returns the driver of a run that is new, or that its ledger knows; it holds the run's lease.

    Args:
        spark: the session; what it says holds for the input and for the expressions over it.
        config: the checked configuration.
        access: to AWS, or to the emulator.
        listener: is told what happens.
        source: the input if it is at hand; else it is read as the configuration says, unless it is staged already.
        names_input: whether the input is named anew, and must be the one that was staged; a run that is resumed by
            its folder goes on with what it has.
        switches: what whoever opens it says besides.
        begins: is called when all is checked, before the first that is recorded of a new run.

    Raises:
        OtherRows: the run has staged other rows.
        ConfigurationError: anything about the configuration is wrong; nothing was written, created or paid for.
        RunHeld: another driver is at work on the run.
    """
    check_pyarrow()
    with WorkersReach(spark, WorkerStore(access)) as reach:
        return _opened(spark, config.named(), access, listener, source, reach, names_input, switches, begins)


def _opened(
    spark: SparkSession,
    config: RunConfig,
    access: AwsAccess,
    listener: Listener,
    source: Source | None,
    reach: WorkersReach,
    names_input: bool,
    switches: RunSwitches,
    begins: Callable[[], None],
) -> Driver:
    run_id = config.run_id
    assert run_id is not None
    store, connect, faults = S3Store(access.client("s3")), WorkerStore(access), Faults()
    run = read_run(S3Uri.parse(config.workspace), run_id, store)
    places, recorded = places_of(config, run.layout, known(spark, "spark.master")), run.state
    sends = needs_model(recorded, retry_dead=switches.retry_dead)
    # What has scored rows already is held against what the run has recorded of it, before each job.
    is_new = recorded is None or not has_scored(recorded)
    _check_run(run, config, places, switches, faults)
    faults.of(lambda: check_price(config, access.console_region))
    if sends:
        faults.of(lambda: check_model_servers(config, CLOCK, lambda words: listener(Event("warning", words))))
        check_service(config, TransformJobs(access.session(), access.client("sagemaker")), faults, is_new=is_new)
    elsewhere = recorded is not None and recorded.settings.published != config.settings.published
    is_checked = recorded is None or (recorded.report is None and (recorded.publication is None or elsewhere))
    if is_checked and not faults.found:
        reach.ask(places.layout.probe(uuid.uuid4().hex))
    staged = None if recorded is None else recorded.staged
    if staged is not None:
        places.close_to_others()  # an earlier version left that to the umask
    reading = partial(input_session, spark, *settings_of(config.input))
    with user_session(spark, staged), reading():
        rows = rows_of(spark, config, places, store, source, recorded, faults)
        if recorded is not None and staged is not None and names_input:
            check_source(spark, config, places, store, source, recorded, listener)
    inferred = recorded.inferred if recorded is not None else None
    fit = fit_of(spark, config, places, store, rows.schema, rows.shape, inferred)
    tables = SparkTables(
        spark,
        config,
        rows.source,
        rows.rule,
        rows.shape,
        places,
        connect,
        store,
        run.ledger,
        run.ledger.writer,
        CLOCK.sleep,
        lambda: read_again(spark, config, recorded, places, store),
        fit.check_rows,
    )
    objects = SparkObjectWork(spark, connect, store, places.layout.input, rows.shape.reader, rows.key)
    ctx = context_of(run, config, access, listener, places, tables, objects, switches=switches)
    if recorded is not None and recorded.report is not None:
        return Driver(ctx, as_published(ctx, recorded))
    if is_checked:
        with user_session(spark, staged), session_settings(spark, fit.targets.format.settings), reading():
            check_world(ctx, tables, fit, Reading(config.input, partial(input_of, tables)), reach, faults)
    if recorded is not None and recorded.staged is not None and elsewhere:
        check_uncommitted(tables, recorded, config)
        fit.check_rows(recorded.staged)
    if sends and config.model.parts is not None:  # the last of all, as a refused run creates nothing
        ensure_model(access.client("sagemaker"), config.model.name, config.model.parts, compare=is_new)
    begins()
    if recorded is None:
        run.ledger.probe()
    return Driver(ctx, begin(ctx))


def _check_run(run: RecordedRun, config: RunConfig, places: Places, switches: RunSwitches, faults: Faults) -> None:
    if run.state is None:
        faults.of(lambda: check_bucket(run.store, run.layout.workspace))
        faults.of(lambda: check_workspace(run.store, places.layout.workspace))
        if not faults.found:
            # At once, as what is known of a run: another run_id is another run.
            check_no_result(config, places, run.store)
    else:
        check_same(run.state, config)
    if switches.retry_dead:
        check_retry(run.state, places.run)
