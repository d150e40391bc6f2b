"""Begin a run, or go on with one: from a checked configuration to a driver."""

from __future__ import annotations

import random
import secrets
import time
import uuid
from typing import Any

from pyspark.sql import SparkSession

from batch_transform.aws.access import AwsAccess
from batch_transform.cloudwatch.data_logs import DataLogs
from batch_transform.config.changes import differences
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.events import Listener
from batch_transform.core.naming import NONCE_CHARACTERS
from batch_transform.core.records import RunState
from batch_transform.core.state import advance, fold
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.context import Clock, RunContext, Source, WorkerStore
from batch_transform.pipeline.driver import Driver
from batch_transform.pipeline.object_work import SparkObjectWork
from batch_transform.pipeline.places import places_of
from batch_transform.pipeline.preflight import Faults, Tables, check_services, check_table, check_targets, key_check
from batch_transform.pipeline.targets import targets_of
from batch_transform.s3.ledger import Ledger
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import TransformJobs
from batch_transform.spark.dead_letters import ERROR
from batch_transform.spark.reading import prediction_shape, read_input, record_columns
from batch_transform.spark.staging import staged_schema

CLOCK = Clock(time.monotonic, time.time, time.sleep)


def open_run(
    spark: SparkSession, config: RunConfig, access: AwsAccess, listener: Listener, source: Source | None = None
) -> Driver:
    """Returns the driver of a run that is new, or that its ledger knows.

    Args:
        spark: the session, with the run's settings.
        config: the checked configuration.
        access: to AWS, or to the emulator.
        listener: is told what happens.
        source: the input if it is at hand; else it is read as the configuration says.

    Raises:
        ConfigurationError: anything about the configuration is wrong; nothing was written, created or paid for.
    """
    run_id = config.run_id or f"run-{uuid.uuid4().hex[:12]}"
    writer = uuid.uuid4().hex[:12]
    places = places_of(config, run_id, _master(spark))
    store = S3Store(access.client("s3"))
    jobs = TransformJobs(access.session(), access.client("sagemaker"))
    faults = Faults()
    check_services(config, store, jobs, places.run.bucket, faults)
    source = source or faults.of(lambda: _read(spark, config, places.spark_path))
    asked = config.prediction
    shape = faults.of(lambda: prediction_shape(spark, asked.ddl, asked.column, asked.placeholder))
    columns = None
    if source is not None:
        schema = source.df.schema
        columns = faults.of(lambda: record_columns(schema, config.record.columns))
    if source is None or shape is None or columns is None:
        faults.refuse()
        raise AssertionError("a check failed without a fault")
    reader, record = shape.reader, {name: source.df.schema[name].dataType for name in columns}
    key = faults.of(lambda: key_check(asked.key, reader, record, places.input))
    faults.refuse()
    ledger = Ledger(store, places.run, writer, 0, CLOCK.sleep)
    connect = WorkerStore(access)
    ctx = RunContext(
        config=config,
        run_id=run_id,
        writer=writer,
        spark=spark,
        source=source,
        shape=shape,
        columns=columns,
        places=places,
        connect=connect,
        store=store,
        ledger=ledger,
        jobs=jobs,
        logs=DataLogs(access.client("logs"), CLOCK.sleep),
        objects=SparkObjectWork(spark, connect, places.input, reader, key),
        clock=CLOCK,
        jitter=random.random,
        listener=listener,
    )
    return Driver(ctx, _state(ctx, faults))


def _master(spark: SparkSession) -> str | None:
    return spark.conf.get("spark.master", None)


def _read(spark: SparkSession, config: RunConfig, spark_path: Any) -> Source:
    given = config.input
    assert given is not None
    path = spark_path(given.path) if given.path else None
    return Source(read_input(spark, path, given.table, given.format, given.options, given.where), is_scan=True)


def _state(ctx: RunContext, faults: Faults) -> RunState:
    """The state of the run in its ledger, which is begun if it is new."""
    recorded = fold(ctx.ledger.load())
    document = ctx.config.to_document()
    if recorded is not None:
        _check_same(recorded, document)
        _check_schema(ctx, recorded)
        if recorded.report is not None:
            return recorded
    if recorded is None or recorded.publication is None:
        _check_world(ctx, faults)
    if recorded is not None:
        ctx.tell("resume", f"{ctx.run_id} goes on after {recorded.rounds} rounds")
        return advance(recorded, ctx.ledger.append("resumed", {"at": ctx.clock.now().isoformat()}))
    ctx.ledger.probe()
    nonce = secrets.token_hex(NONCE_CHARACTERS // 2)
    opened = {"run_id": ctx.run_id, "nonce": nonce, "config": document, "at": ctx.clock.now().isoformat()}
    return advance(None, ctx.ledger.append("opened", opened))


def published_report(config: RunConfig, access: AwsAccess) -> dict[str, Any] | None:
    """Returns the report of a run that is published, None for any other; needs neither Spark nor the input.

    Raises:
        ConfigurationError: it was begun with another configuration.
    """
    run = S3Uri.parse(config.workspace)
    store = S3Store(access.client("s3"))
    if config.run_id is None or not store.bucket_exists(run.bucket):
        return None
    recorded = fold(Ledger(store, run.join(config.run_id), "reader", 0, CLOCK.sleep).load())
    if recorded is None or recorded.report is None:
        return None
    _check_same(recorded, config.to_document())
    return recorded.report


def _check_same(recorded: RunState, document: dict[str, Any]) -> None:
    if changed := differences(recorded.config, document):
        begun = f"{recorded.run_id} was begun with another configuration"
        raise ConfigurationError([f"{begun}: {line}" for line in changed])


def _check_schema(ctx: RunContext, recorded: RunState) -> None:
    """A run goes on over the rows that it staged; an input of another schema was not meant."""
    if recorded.staged is None:
        return
    staged = [field.simpleString() for field in staged_schema(recorded.staged)]
    given = [field.simpleString() for field in ctx.source.df.schema.fields]
    if staged != given:
        changed = sorted(set(staged) ^ set(given)) or ["the order of the columns"]
        raise ConfigurationError(f"{ctx.run_id} was begun over an input of another schema: {', '.join(changed)}")


def _check_world(ctx: RunContext, faults: Faults) -> None:
    names = tuple(ctx.source.df.columns)
    tables = Tables(names, (*names, *ctx.shape.names), (*names, ERROR))
    targets = targets_of(ctx.config, ctx.places)
    check_targets(ctx.spark, targets, ctx.places, ctx.store, tables, faults)
    if not faults.found:
        faults.add(check_table(ctx.spark, ctx.source, ctx.shape, ctx.places, ctx.connect, targets.output.format))
    faults.refuse()
