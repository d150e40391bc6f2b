"""The command `plan`: what a run would do, from its records as they are, or some of them; writes and pays nothing."""

from __future__ import annotations

import os

from pyspark.sql import SparkSession

from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.core.estimate.plan_text import plan_lines
from batch_transform.core.estimate.run_plan import Asked, RunPlan, run_plan
from batch_transform.core.events import Event, Listener
from batch_transform.core.ledger import JsonObject
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.secret_values import secrets_of
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.checks.input_rows import rule_of
from batch_transform.pipeline.checks.same_input import read_source
from batch_transform.pipeline.ending.exits import tell_terminal
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.lifecycle.guarded_process import Guarded
from batch_transform.pipeline.lifecycle.interrupts import Interrupts
from batch_transform.pipeline.places import places_of
from batch_transform.pipeline.tables.spark_tables import is_columnar
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.pipeline.world.emulation import beginning_emulator
from batch_transform.pipeline.world.session import reaching_s3, run_session
from batch_transform.records.registry import framing_of
from batch_transform.s3.store import S3Store
from batch_transform.spark.input_reading import has_large_rows
from batch_transform.spark.input_settings import input_session
from batch_transform.spark.record_measuring import measure, measure_some
from batch_transform.spark.settings import known
from batch_transform.spark.spark_errors import told_as
from batch_transform.spark.table_size import look_at


class PlanReport(RunPlan):
    """The report of the command `plan`."""

    run_id: str | None
    status: str
    model: str


def plan_job(document: JsonObject, handshake: Handshake) -> int:
    """Returns the exit code of the plan of a resolved run file; its report goes to the handshake."""
    job = _Plan(RunConfig.from_document(document), handshake)
    return job.do(job.run)


class _Plan(Guarded):
    unheld = "a plan begins nothing"

    def __init__(self, config: RunConfig, handshake: Handshake) -> None:
        super().__init__(config.run_id, handshake, Interrupts(alive_file=handshake.alive_file))
        self.secrets = secrets_of(config.to_document()).values()
        self._config = config

    def run(self) -> None:
        config, given, beginning = self._config, self._config.input, None
        if config.emulator is not None and given is not None and (given.dead_letters or is_s3(given.path or "")):
            # Only so can an input be read that lies in the emulator's S3.
            beginning = self.resources.enter_context(beginning_emulator(config.emulator))
        with run_session(config.run_id) as spark:
            access = access_of(config, beginning.endpoint() if beginning else None, os.environ)
            self.interrupts.take_over()
            with reaching_s3(spark, access, config):
                self.handshake.report(plan(spark, config, tell_terminal, S3Store(access.client("s3"))))


def plan(spark: SparkSession, config: RunConfig, listener: Listener, store: ObjectStore | None = None) -> PlanReport:
    """Returns the report of a plan; its keys are those of `run_plan` besides run_id, status and model.

    Args:
        spark: the session.
        config: the checked configuration of a run file.
        listener: is told the plan in lines.
        store: with the workspace, for an input that lies in another run.

    Raises:
        ConfigurationError: the input or the record is none, or rows cannot be sent.
    """
    assert config.input is not None
    places = places_of(config, config.layout, known(spark, "spark.master"))
    with input_session(spark, config.input.format, config.input.options):
        df = read_source(spark, config.input, places, store).df
        rule = rule_of(spark, df.schema, config)
        asked = Asked(config.settings, framing_of(config.settings, rule.header))
        columnar = is_columnar(config.input)
        looked = None if config.input.dead_letters else look_at(df, is_columnar=columnar)
        how = rule, asked.framing, asked.rules(0).oversize_bytes
        with told_as(f"input: its records cannot be measured{config.row_expressions}", is_begun=False):
            if looked is None or looked.size.is_small:
                measured = measure(df, *how, rows_are_large=columnar and has_large_rows(df))
            else:
                measured = measure_some(looked, *how)
    found = run_plan(measured, asked)
    for line in plan_lines(found):
        listener(Event("plan", line))
    return {"run_id": config.run_id, "status": RunStatus.PLANNED.value, "model": config.model.name, **found}
