"""`score(df, ...)`: the same pipeline from a notebook, in a session that is there already."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql.types import StructField, StructType

from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.events import Event, Listener
from batch_transform.core.publication import Kind, Publication
from batch_transform.core.records import RunState
from batch_transform.pipeline.context import RunContext, Source
from batch_transform.pipeline.driver import Driver
from batch_transform.pipeline.emulation import embedded_emulator
from batch_transform.pipeline.opening import open_run
from batch_transform.pipeline.reporting import write_status
from batch_transform.pipeline.session import access_of
from batch_transform.pipeline.targets import targets_of
from batch_transform.spark.dead_letters import ERROR, ERROR_TYPE
from batch_transform.spark.failures import SPARK_ERRORS
from batch_transform.spark.reading import first_line
from batch_transform.spark.settings import RUN_SETTINGS, session_settings


@dataclass(frozen=True)
class ScoreResult:
    """What a run published.

    Attributes:
        df: the scored rows, read from where they are stored.
        dead_letters: the rows without a prediction, with `error`.
        report: as the job prints it.
    """

    df: DataFrame
    dead_letters: DataFrame
    report: Mapping[str, Any]


def _silent(event: Event) -> None:
    """Listens to nothing."""


def score(
    df: DataFrame,
    *,
    run_id: str | None = None,
    model: str | Mapping[str, Any],
    workspace: str,
    columns: Sequence[str] | None = None,
    prediction: str | Mapping[str, Any] | None = None,
    transform: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    listener: Listener = _silent,
    **sections: Any,
) -> ScoreResult:
    """Returns the rows of `df` with a model's predictions beside each.

    It runs at once (a lazy DataFrame would pay again for each action). A `run_id` that is known gives back its stored
    result. The session is `df`'s own; its settings are put back and it is never stopped.

    Args:
        df: the table; it is evaluated once.
        run_id: names the run for ever; may be left out with `emulator` only.
        model: the name of a SageMaker model, or the section `model` of a run file.
        workspace: `s3://bucket/prefix`.
        columns: of the record, in this order; None: all.
        prediction: the answers' schema in DDL, or the section `prediction`; None: one string column, `prediction`.
        transform: that section of a run file, as is `output`; without an output the result stays in the workspace.
        output: where to publish.
        listener: is told what happens.
        sections: `errors`, `dead_letter`, `aws`, `emulator`, `staging`, `record`, `merge`, as in a run file.

    Raises:
        ConfigurationError: an argument is wrong; nothing was done.
        ErrorBudgetExceeded: more dead letters than `errors` accepts.
        ServiceFailure: the service, S3 or Spark failed beyond the retries; the same call resumes the run.
    """
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
    with ExitStack() as resources:
        url = resources.enter_context(embedded_emulator(config.emulator.models)) if config.emulator else None
        resources.enter_context(session_settings(spark, RUN_SETTINGS))
        driver = open_run(spark, config, access_of(config, url, os.environ), listener, Source(df, is_scan=False))
        state = _run(driver)
        assert state.report is not None
        write_status(driver.ctx, state.report)
        tables = [read(driver.ctx, state) for read in (_result, _dead_letters)]
        return ScoreResult(tables[0], tables[1], state.report)


def _run(driver: Driver) -> RunState:
    try:
        return driver.run()
    except KeyboardInterrupt:
        driver.stop_jobs()
        raise
    except SPARK_ERRORS as err:
        raise ServiceFailure(f"Spark: {first_line(err)}") from err


def _result(ctx: RunContext, state: RunState) -> DataFrame:
    schema = StructType(ctx.source.df.schema.fields)
    added = [StructField(ctx.shape.column, ctx.shape.struct)] if ctx.shape.column else ctx.shape.struct.fields
    return _stored(ctx, state, "result", StructType([*schema.fields, *added]))


def _dead_letters(ctx: RunContext, state: RunState) -> DataFrame:
    schema = StructType([*ctx.source.df.schema.fields, StructField(ERROR, ERROR_TYPE)])
    return _stored(ctx, state, "dead_letter", schema)


def _stored(ctx: RunContext, state: RunState, kind: Kind, schema: StructType) -> DataFrame:
    """The rows that this run published: of Parquet its own files only, of Delta the table."""
    assert state.publication is not None
    targets = targets_of(ctx.config, ctx.places)
    if targets.is_delta:
        table = targets.delta(ctx.places)[("result", "dead_letter").index(kind)]
        return ctx.spark.read.table(table.table) if table.table else ctx.spark.read.format("delta").load(table.path)
    part = dict(zip(("result", "dead_letter"), state.publication.parts, strict=True))[kind]
    publication = Publication.from_document(state.publication.payload["publications"][kind], ctx.ledger.read_part(part))
    root = ctx.places.spark_path(publication.target)
    files = [f"{root}/{file.target}" for file in publication.files]
    if not files:
        return ctx.spark.createDataFrame([], schema)
    return ctx.spark.read.schema(schema).option("basePath", root).parquet(*files)
