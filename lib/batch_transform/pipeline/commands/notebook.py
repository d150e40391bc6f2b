"""`score(df, ...)`: the same pipeline from a notebook, in a session that is there already."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from batch_transform.config.loading import ARGUMENTS, from_arguments
from batch_transform.core.amounts import counted, verb
from batch_transform.core.errors import (
    BatchTransformError,
    ConfigurationError,
    Interrupted,
    ServiceFailure,
    StopRequested,
)
from batch_transform.core.events import Event, Listener, in_words
from batch_transform.core.publishing.file_publication import KINDS, Kind, recorded_publications
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_state import ASKED, RunState
from batch_transform.core.secret_values import secrets_of
from batch_transform.pipeline.commands.score_result import ScoreResult
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.ending.exits import exit_of, typed_errors
from batch_transform.pipeline.ending.reporting import report_of_end
from batch_transform.pipeline.lifecycle.acquiring_run import renewed
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.notebook_line import shown_progress
from batch_transform.pipeline.places import targets_of
from batch_transform.pipeline.run_switches import RunSwitches
from batch_transform.pipeline.tables.run_predictions import shape_of
from batch_transform.pipeline.tables.source import Source
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.pipeline.world.emulation import embedded_emulator
from batch_transform.spark.dead_letters import ERROR_TYPE
from batch_transform.spark.empty_tables import partitions_last
from batch_transform.spark.exact_reading import read_exactly
from batch_transform.spark.session_turns import turn
from batch_transform.spark.settings import SCAN_SETTINGS, session_settings
from batch_transform.spark.user_session import user_session, zone_of

# A section of a run file as a program hands it over: anything, until `config` has checked it.
Section = Mapping[str, Any]


def score(
    df: DataFrame,
    *,
    run_id: str | None = None,
    model: str | Section,
    workspace: str,
    columns: Sequence[str] | None = None,
    prediction: str | Section | None = None,
    transform: Section | None = None,
    output: Section | None = None,
    retry_dead: bool = False,
    listener: Listener | None = None,
    accept_model: bool = False,
    accept_expectations: bool = False,
    **sections: Any,
) -> ScoreResult:
    """Returns the rows of `df` with a model's predictions beside each.

    It runs at once (a lazy DataFrame would pay again for each action). A `run_id` that is known gives back its stored
    result. The session is `df`'s own; its settings are put back and it is never stopped. Of calls in one session from
    several threads one works at a time.

    Args:
        df: the table; it is evaluated once.
        run_id: names the run for ever; may be left out with `emulator` only.
        model: the name of a SageMaker model, or the section `model` of a run file.
        workspace: `s3://bucket/prefix`.
        columns: of the record, in this order; None: all.
        prediction: the answers' schema in DDL, or the section `prediction`; None: one string column, `prediction`.
        transform: that section of a run file, as is `output`; without an output the result stays in the workspace.
        output: where to publish.
        retry_dead: whether the dead rows of an unpublished run are sent again.
        listener: is told what happens; None: it is shown, in a notebook as one line that is drawn over itself.
        accept_model: go on with the model as it is now, where it is another one than has scored rows of this run.
        accept_expectations: publish predictions that are not as `expect` says.
        sections: what else a run file has: `errors`, `expect`, `budget_usd`, `dead_letter`, `secrets`, `aws`,
            `emulator`, `staging`, `record`, `export`, `merge`, `lease_seconds`, `workspace_retention`.

    Raises:
        ConfigurationError: an argument is wrong; nothing was done.
        ErrorBudgetExceeded: more dead letters than `errors` accepts.
        UnexpectedPredictions: the predictions are not as `expect` says.
        OverCost: the jobs have cost `budget_usd`.
        RunHeld: another driver is at work on the run.
        ServiceFailure: the service, S3 or Spark failed beyond the retries, or `stop` was asked for; the same call
            resumes the run.
        PublishedUnverified: the output has a commit with other rows than were proven.
        BatchTransformError: what all of these are, and what else is in `core.errors`, as RowsLost and LedgerFenced.
        KeyboardInterrupt: as it came, once the jobs in flight are stopped, or left (`transform.on_interrupt`).
    """
    _check_frame(df)
    config = from_arguments(
        run_id=run_id,
        model=model,
        workspace=workspace,
        columns=columns,
        prediction=prediction,
        transform=transform,
        output=output,
        **sections,
    )
    spark = df.sparkSession
    secrets = secrets_of(config.to_document()).values()
    with typed_errors(secrets=secrets), ExitStack() as resources:
        told = in_words(listener) if listener is not None else resources.enter_context(shown_progress())
        resources.enter_context(turn(spark, lambda text: told(Event("spark", text))))
        began = CLOCK.monotonic()
        emulator = config.emulator and embedded_emulator(config.emulator, None, lambda text: told(Event("spark", text)))
        url = resources.enter_context(emulator) if emulator else None
        access, source = access_of(config, url, os.environ), Source(df, is_scan=False)
        with typed_errors(is_begun=False, secrets=secrets):
            _check_batch(df)
            switches = RunSwitches(retry_dead, accept_model, accept_expectations)
            driver = open_run(spark, config, access, told, source, switches=switches)
        driver.ctx = replace(driver.ctx, began=began)
        with renewed(driver.ctx.lease):
            state = _run(driver)
        assert state.report is not None
        result, dead_letters = (_stored(df, driver.ctx, state, kind) for kind in KINDS)
        return ScoreResult(result, dead_letters, state.report)


def _check_frame(df: object) -> None:
    """Raises ConfigurationError for what is no table of Spark's; the classes of Spark 3.5 have no common one."""
    if not hasattr(type(df), "sparkSession"):
        kind = f"{type(df).__module__}.{type(df).__qualname__}"
        raise ConfigurationError(
            f"{ARGUMENTS}: df: must be a DataFrame of Spark's, not {kind}; spark.createDataFrame(...) makes one of "
            "pandas' and of lists of rows, and spark.read of files"
        )


def _check_batch(df: DataFrame) -> None:
    """Raises ConfigurationError for a stream, which has no end."""
    if df.isStreaming:
        raise ConfigurationError(
            f"{ARGUMENTS}: df: is a stream; score each of its batches in a function for writeStream.foreachBatch, with "
            "a run_id of its own"
        )


def _run(driver: Driver) -> RunState:
    """Drives the run to its end; however it ends, the lease is given back."""
    ended: BaseException | None = None
    try:
        return driver.run()
    except StopRequested as err:
        ended = err
        driver.interrupt(ASKED)
        kept = "" if driver.ctx.config.ephemeral else "; the run can be resumed"
        raise ServiceFailure(f"{err}{kept}") from err
    except KeyboardInterrupt:
        ended = Interrupted(signal.SIGINT)
        driver.interrupt()
        raise
    except BaseException as err:
        ended = err
        raise
    finally:
        with suppress(BatchTransformError):
            driver.close(_report(driver, ended))


def _report(driver: Driver, ended: BaseException | None) -> RunReport:
    """The report of a run that was published, or that an error has ended."""
    if ended is None:
        assert driver.state.report is not None
        return driver.state.report
    found = exit_of(ended, secrets=secrets_of(driver.ctx.config.to_document()).values())
    return report_of_end(driver.ctx, driver.state, found, ended)


def _stored(df: DataFrame, ctx: RunContext, state: RunState, kind: Kind) -> DataFrame:
    """The rows that this run published: its own files only where files were copied, else the table."""
    assert state.publication is not None
    spark, targets = df.sparkSession, targets_of(ctx.config, ctx.places)
    publication = recorded_publications(state.publication, ctx.ledger.read_part).get(kind)
    if publication is None:
        return targets.format.read(spark, targets.tables(ctx.places)[kind])
    there = {file.name for file in ctx.open_tree(publication.target).list()}
    if gone := [file.target for file in publication.files if file.target not in there]:
        raise ConfigurationError(
            f"{publication.target}: {len(gone):,} of {counted(len(publication.files), 'file')} that the run has "
            f"published {verb(len(gone), 'is', 'are')} gone (first: {gone[0]}). Without `output` a result lies among "
            "the run's rows, and a rule forgets it with them; choose another run_id to score the rows again"
        )
    root = ctx.places.spark_path(publication.target)
    files = [f"{root}/{file.target}" for file in publication.files]
    assert state.staged is not None
    schema = StructType([*df.schema.fields, *_added(spark, ctx, state, kind)])
    if not files:
        return spark.createDataFrame([], partitions_last(spark, schema, targets.output.partition_by))
    name, settings = targets.format.can.name, {**SCAN_SETTINGS, **targets.format.settings}
    with session_settings(spark, settings):  # which of Spark's readers it is
        return read_exactly(spark, schema, files, name, timeZone=zone_of(state.staged), basePath=root)


def _added(spark: SparkSession, ctx: RunContext, state: RunState, kind: Kind) -> list[StructField]:
    """The columns that a table of the run has beside the input's."""
    if kind == "dead_letter":
        return [StructField(targets_of(ctx.config, ctx.places).dead_letter.error_column, ERROR_TYPE)]
    assert state.staged is not None
    with user_session(spark, state.staged):
        return shape_of(spark, ctx.config, state.inferred).columns
