"""The command `plan`: what a run would do, from its records as they are, or some of them; writes and pays nothing."""

from __future__ import annotations

import os

from pyspark.sql import DataFrame, SparkSession

from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.core.estimate.earlier_jobs import speed_told
from batch_transform.core.estimate.expected_rounds import ExpectedRounds, expected_rounds, rounds_line
from batch_transform.core.estimate.instance_quotas import Quota, quota_lines, quotas_told
from batch_transform.core.estimate.measured_records import Measured
from batch_transform.core.estimate.plan_keys import RunPlan
from batch_transform.core.estimate.plan_text import input_line, money_lines, plan_lines
from batch_transform.core.estimate.run_plan import Asked, run_plan
from batch_transform.core.events import Event, EventKind, Listener
from batch_transform.core.ledger import JsonObject
from batch_transform.core.progress.event_lines import PLAN
from batch_transform.core.secret_values import secrets_of
from batch_transform.core.sending.instances import price_of
from batch_transform.core.source_identity import input_place
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.checks.input_rows import rule_of
from batch_transform.pipeline.checks.output_fit import fit_of
from batch_transform.pipeline.checks.same_input import read_source, warn_of_line_breaks
from batch_transform.pipeline.commands.plan_surroundings import Around, around, fate
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.lifecycle.guarded_process import Guarded
from batch_transform.pipeline.lifecycle.interrupts import Interrupts
from batch_transform.pipeline.places import places_of
from batch_transform.pipeline.tables.run_predictions import shape_of
from batch_transform.pipeline.tables.source import is_columnar
from batch_transform.pipeline.telling import tell_terminal
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.pipeline.world.emulation import beginning_emulator
from batch_transform.pipeline.world.session import reaching_s3, run_session
from batch_transform.records.registry import framing_of
from batch_transform.spark.expectations import check_expected
from batch_transform.spark.input_reading import has_large_rows
from batch_transform.spark.input_settings import input_session
from batch_transform.spark.record_measuring import first_record, measure, measure_some
from batch_transform.spark.record_rules import RecordRule
from batch_transform.spark.spark_errors import told_as
from batch_transform.spark.table_size import look_at


class PlanReport(RunPlan):
    """The report of the command `plan`.

    Attributes:
        columns: of the result, each with its type.
        output: what publishing will do there, in words.
        missing: what the run would lack, as far as that was looked at.
        rounds: as many as are expected.
        quotas: of instances, as far as somebody could be asked.
    """

    run_id: str | None
    status: str
    model: str
    columns: list[str]
    output: str
    missing: list[str]
    rounds: ExpectedRounds
    quotas: list[Quota]


def plan_job(document: JsonObject, handshake: Handshake, *, exact: bool, show_record: bool) -> int:
    """Returns the exit code of the plan of a resolved run file; its report goes to the handshake.

    Args:
        document: the resolved run file.
        handshake: with the wrapper.
        exact: whether each record is rendered.
        show_record: whether the first one is shown, to the terminal alone.
    """
    job = _Plan(RunConfig.from_document(document), handshake, exact=exact, show_record=show_record)
    return job.do(job.run)


class _Plan(Guarded):
    unheld = "a plan begins nothing"

    def __init__(self, config: RunConfig, handshake: Handshake, *, exact: bool, show_record: bool) -> None:
        super().__init__(config.run_id, handshake, Interrupts(alive_file=handshake.alive_file))
        self.secrets = secrets_of(config.to_document()).values()
        self._config = config
        self._exact = exact
        self._show_record = show_record

    def run(self) -> None:
        config, given, beginning = self._config, self._config.input, None
        # Only so can an input be read that lies in the emulator's S3, or what earlier runs took.
        keeps = config.emulator is not None and config.emulator.state is not None
        if given is not None and (keeps or given.dead_letters or is_s3(given.path or "")) and config.emulator:
            beginning = self.resources.enter_context(beginning_emulator(config.emulator))
        # Before Spark, as one that waits for another run's, or is refused for it, is to say so at once.
        access = access_of(config, beginning.endpoint() if beginning else None, os.environ)
        tell_terminal(Event("spark", kind=EventKind.BEGINS))
        with run_session(config.run_id) as spark:
            self.interrupts.take_over()
            with reaching_s3(spark, access, config):
                tell_terminal(Event("measure", kind=EventKind.BEGINS))
                there = around(config, access if beginning or not config.emulated else None)
                shown = plan(spark, config, tell_terminal, there, exact=self._exact, show_record=self._show_record)
                self.handshake.report(shown)


def plan(
    spark: SparkSession,
    config: RunConfig,
    listener: Listener,
    there: Around,
    *,
    exact: bool = False,
    show_record: bool = False,
) -> PlanReport:
    """Returns the report of a plan; its keys are those of `run_plan` and its own.

    Args:
        spark: the session.
        config: the checked configuration of a run file.
        listener: is told the plan in lines.
        there: what there is around the run; with the workspace's store, for an input that lies in another run.
        exact: whether each record is rendered.
        show_record: whether the listener is told the first record, with a row's values.

    Raises:
        ConfigurationError: the input or the record is none, or rows cannot be sent.
    """
    assert config.input is not None
    places = places_of(config, config.layout, spark.version)
    with input_session(spark, config.input.format, config.input.options):
        df = read_source(spark, config.input, places, there.store).df
        warn_of_line_breaks(spark, config.input, places, listener)
        rule = rule_of(spark, df.schema, config)
        asked = Asked(config.settings, framing_of(config.settings, rule.header))
        what = f"input: its records cannot be measured{config.row_expressions}"
        with told_as(what, is_begun=False, options=config.input.options):
            measured = _measured(df, config, rule, asked, exact=exact)
            record = first_record(df, rule) if show_record else None
        shape = shape_of(spark, config, None)
        fit = fit_of(spark, config, places, there.store, df.schema, shape, None)
        check_expected(spark, df.schema, shape.columns, config.expect, is_known=fit.complete)
        columns = [*df.schema.fields, *shape.columns]
        output = fate(config, fit, shape, df)
    types = config.settings.transform.instance_types
    before, transform = there.before, config.settings.transform
    told = speed_told(before.jobs, before.runs, transform, is_emulated=config.emulated, unknown=before.unknown)
    found = run_plan(measured, asked, told, price_of(types[0], transform, there.region))
    rounds = expected_rounds(before.outcomes, found["rows_in"], before.unknown)
    given = config.input
    read = input_line(input_place(config.to_document()) or "", given.format if given.path else None, given.where)
    lines = [read, *plan_lines(found), rounds_line(rounds), output]
    lines += [] if record is None else [f"the first record: {record}"]
    lines += [f"missing: {fault}" for fault in there.missing]
    lines += quota_lines(there.quotas, transform, _jobs(found))
    for line in (*lines, *money_lines(found["outlook"], types, there.region)):
        listener(Event(PLAN, line))
    return {
        "run_id": config.run_id,
        "status": RunStatus.PLANNED.value,
        "model": config.model.name,
        "columns": [f"{field.name} {field.dataType.simpleString()}" for field in columns],
        "output": output,
        "missing": list(there.missing),
        "rounds": rounds,
        "quotas": quotas_told(there.quotas, types),
        **found,
    }


def _jobs(found: RunPlan) -> int:
    """Of the first round; without rows there is none."""
    return next((step["jobs"] for step in found["instances"] if step["configured"]), 0)


def _measured(df: DataFrame, config: RunConfig, rule: RecordRule, asked: Asked, *, exact: bool) -> Measured:
    assert config.input is not None
    columnar = is_columnar(config.input)
    looked = None if exact or config.input.dead_letters else look_at(df, is_columnar=columnar)
    how = rule, asked.framing, asked.rules(0).oversize_bytes
    if looked is None or looked.size.is_small:
        return measure(df, *how, rows_are_large=columnar and has_large_rows(df))
    return measure_some(looked, *how)
