"""Handlers of the end: gate, intend, publish, finish."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from batch_transform.core import actions as act
from batch_transform.core import gate
from batch_transform.core.diagnosis import advice, by_class, recovered_spans, sentence
from batch_transform.core.errors import ConfigurationError, ErrorBudgetExceeded, PublishedUnverified, ServiceFailure
from batch_transform.core.gate import Counts
from batch_transform.core.publication import Kind, Publication
from batch_transform.core.records import RunState
from batch_transform.core.report import run_report
from batch_transform.core.verdicts import DEAD, LEAF_SCHEMA, unsendable
from batch_transform.outputs.delta import publish_delta
from batch_transform.outputs.parquet import prepare, publish
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.handshake import COMMAND
from batch_transform.pipeline.merge import Merged, merge
from batch_transform.pipeline.outcome import Outcome
from batch_transform.pipeline.reporting import write_html
from batch_transform.pipeline.targets import targets_of
from batch_transform.pipeline.written import WrittenTable, write_parquet
from batch_transform.spark.reading import first_line
from batch_transform.spark.settings import large_record_settings, session_settings

_COUNTS = ("rows_in", "rows_scored", "rows_dead_letter")


def check_gate(ctx: RunContext, state: RunState, action: act.Gate) -> Outcome:
    """Returns the step `gated`, with the leaves: every row has exactly one outcome."""
    assert state.staged is not None
    assert state.spans is not None
    leaves = [unsendable(ctx.ledger.read_part(state.spans)), LEAF_SCHEMA.empty_table()]
    for settled in state.round_records:
        assert settled.leaves is not None
        leaves.append(ctx.ledger.read_part(settled.leaves))
    table = pa.concat_tables(leaves)
    counts = gate.check(state.staged.files, table)
    ctx.tell(
        "gate", f"{counts.rows_in:,} rows in = {counts.rows_scored:,} scored + {counts.rows_dead_letter:,} dead letters"
    )
    payload: dict[str, Any] = {name: getattr(counts, name) for name in _COUNTS}
    payload["errors"] = by_class(table, DEAD)
    verdicts = (ctx.ledger.read_part(job.verdicts) for job in state.jobs if job.verdicts)
    payload["advice"] = advice(state.jobs, payload["errors"], recovered_spans(verdicts, table))
    for line in [*map(sentence, payload["errors"]), *payload["advice"]]:
        ctx.tell("gate", line)
    return Outcome("gated", payload, (ctx.ledger.write_part(table),))


def intend(ctx: RunContext, state: RunState, action: act.Intend) -> Outcome:
    """Returns the step `publication`: what publishing will do, before any of it is done.

    For Parquet everything is merged and counted before; Delta commits what it writes, so there it is not yet written.
    """
    counts, merged = _counts(state), merge(ctx, state)
    _require_budget(ctx, counts, merged)
    targets = targets_of(ctx.config, ctx.places)
    if targets.is_delta:
        return Outcome("publication", {"format": "delta", "targets": targets.named()})
    tables = [
        _write(ctx, state, merged.result, targets.output.path, "result"),
        _write(ctx, state, merged.dead_letters, targets.dead_letter.path, "dead_letter"),
    ]
    gate.check_written(counts, *[table.rows for table in tables])
    ctx.tell("merge", f"{counts.rows_scored:,} rows merged in {len(tables[0].files)} files")
    with _scored_already():
        publications = [
            prepare(table.kind, targets.mode, table.tree, table.target, table.files, state.run_id, state.nonce)
            for table in tables
        ]
    documents = {publication.kind: publication.to_document() for publication in publications}
    parts = [ctx.ledger.write_part(publication.to_table()) for publication in publications]
    payload = {"format": "parquet", "targets": targets.named(), "publications": documents}
    return Outcome("publication", payload, tuple(parts))


def _write(ctx: RunContext, state: RunState, df: DataFrame, target: str | None, kind: Kind) -> WrittenTable:
    assert state.staged is not None
    assert target is not None
    partitions = targets_of(ctx.config, ctx.places).output.partition_by
    return write_parquet(df, ctx.places, ctx.store, target, partitions, kind, ctx.writer, state.staged.largest)


def _counts(state: RunState) -> Counts:
    assert state.gate is not None
    return Counts(**{name: state.gate.payload[name] for name in _COUNTS})


def _require_budget(ctx: RunContext, counts: Counts, merged: Merged) -> None:
    """Keeps the dead letters in the run's own folder and ends, if they are more than `errors` accepts."""
    if ctx.config.errors.accepts(counts.rows_dead_letter, counts.rows_in):
        return
    place = f"{ctx.places.scratch}/dead_letters"
    merged.dead_letters.write.mode("overwrite").parquet(place)
    # The embedded emulator's S3 ends with the run, and with it what was scored.
    how = "To publish them beside the result" if ctx.config.emulated else "To publish without scoring again"
    command = os.environ.get(COMMAND, "").strip() or "start the same command with"
    setting = f"errors.max_rows={counts.rows_dead_letter}"
    raise ErrorBudgetExceeded(
        f"{counts.rows_dead_letter:,} of {counts.rows_in:,} rows have no prediction, more than `errors` accepts; "
        f"nothing is published. The dead letters lie in {place}. {how}: {command} --set {setting}",
        setting,
    )


def publish_tables(ctx: RunContext, state: RunState, action: act.Publish) -> Outcome:
    """Returns the step `published`, dead letters first."""
    intent = action.publication
    if intent.payload["format"] == "parquet":
        for kind, part in reversed(list(zip(("result", "dead_letter"), intent.parts, strict=True))):
            publication = Publication.from_document(intent.payload["publications"][kind], ctx.ledger.read_part(part))
            publish(publication, ctx.open_tree(publication.source), ctx.open_tree(publication.target))
    else:
        with _scored_already():
            _publish_delta(ctx, state)
    targets = intent.payload["targets"]
    ctx.tell("publish", targets["output"])
    return Outcome("published", targets)


@contextmanager
def _scored_already() -> Iterator[None]:
    """Turns a refusal of the output into a failure that can be resumed: exit code 2 would say that nothing was done."""
    try:
        yield
    except (ConfigurationError, PySparkException) as err:
        raise ServiceFailure(
            f"publishing failed, everything is scored and the run can be resumed: {first_line(err)}"
        ) from err


def _publish_delta(ctx: RunContext, state: RunState) -> None:
    assert state.staged is not None
    counts, merged = _counts(state), merge(ctx, state)
    result, dead_letter = targets_of(ctx.config, ctx.places).delta(ctx.places)
    expected = (
        (merged.dead_letters, dead_letter, counts.rows_dead_letter),
        (merged.result, result, counts.rows_scored),
    )
    for df, output, rows in expected:
        with session_settings(ctx.spark, large_record_settings(state.staged.largest)):
            written = publish_delta(df, output, state.run_id, state.nonce, ctx.clock.sleep)
        if written != rows:
            raise PublishedUnverified(f"{output.name}: the commit has {written} rows, the gate proved {rows}")


def finish(ctx: RunContext, state: RunState, action: act.Finish) -> Outcome:
    """Returns the step `done`, with the report."""
    html = write_html(ctx, state)
    if ctx.config.emulated:
        # The emulated S3 ends with this process, so nothing will ever read these again.
        with suppress(ConfigurationError):
            ctx.open_tree(f"{ctx.places.scratch}/staging").clear()
    return Outcome("done", {"report": run_report(state, "published", str(ctx.places.run), html)})
