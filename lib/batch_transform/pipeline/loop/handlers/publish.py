"""Handlers of the end: gate, intend, publish, finish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field

from batch_transform.core.amounts import counted, verb
from batch_transform.core.errors import ConfigurationError, ErrorBudgetExceeded, PublishedUnverified, ServiceFailure
from batch_transform.core.expectations import not_met
from batch_transform.core.isolation.failure_summary import advice, by_class, recovered, sentence
from batch_transform.core.isolation.verdict_rows import DEAD
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.publishing import gate
from batch_transform.core.publishing.file_publication import KINDS, Kind, Publication, recorded_publications
from batch_transform.core.publishing.gate import Counts
from batch_transform.core.publishing.prediction_values import NOTHING_KNOWN, PredictedNumbers
from batch_transform.core.resuming.committed_tables import apart
from batch_transform.core.run_state import RunState
from batch_transform.core.state import actions as act
from batch_transform.core.statuses import RunStatus
from batch_transform.outputs.copied_files import FileFormat, give_back_targets
from batch_transform.outputs.copying import publication_of
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.port import TableFormat
from batch_transform.outputs.registry import format_named
from batch_transform.outputs.written_tables import WrittenTable
from batch_transform.pipeline.checks.retargeting import check_uncommitted
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.ending.cleaning import staging_folders
from batch_transform.pipeline.ending.reporting import report_so_far, reporting_of
from batch_transform.pipeline.loop.handlers.expectations import expectations, require_expected
from batch_transform.pipeline.loop.tools.progress import begin_merge
from batch_transform.pipeline.loop.tools.settled import held_leaves, lines_set_aside, settled_leaves
from batch_transform.pipeline.places import targets_of
from batch_transform.pipeline.remedies import elsewhere, going_on, on_another_type, once_more

_COUNTS = ("rows_in", "rows_scored", "rows_dead_letter")


def check_gate(ctx: RunContext, state: RunState, action: act.Gate) -> NewStep:
    """Returns the step `gated`, with the leaves: every row has exactly one outcome."""
    assert state.staged is not None
    table = settled_leaves(ctx.ledger, state).sort_by("start")  # so that a row group of its part has neighbours
    counts = gate.check(state.staged.files, table, lines_set_aside(ctx.ledger, state))
    ctx.tell(
        "gate",
        f"{counted(counts.rows_in, 'row')} in = {counts.rows_scored:,} scored + "
        f"{counted(counts.rows_dead_letter, 'dead letter')}",
    )
    errors = by_class(table, DEAD)
    verdicts = (ctx.ledger.read_part(job.verdicts) for job in state.jobs if job.verdicts)
    told = advice(state.jobs, errors, recovered(verdicts, table), on_another_type(ctx, "--retry-dead"))
    for line in [*map(sentence, errors), *told]:
        ctx.tell("gate", line)
    held = held_leaves(ctx.ledger, state)
    parts = [table] if held is None else [table, apart(table, held)]
    payload = {**asdict(counts), "errors": errors, "advice": told}
    return NewStep(StepKind.GATED, payload, tuple(ctx.ledger.write_part(part) for part in parts))


def intend(ctx: RunContext, state: RunState, action: act.Intend) -> NewStep:
    """Returns the step `publication`: what publishing will do, before any of it is done.

    Or `checked`, if what would be published is not as `expect` says: only a person goes on then.
    """
    require_expected(ctx, state)
    counts = _counts(state)
    _require_budget(ctx, state, counts)
    begin_merge(ctx, state)
    targets = targets_of(ctx.config, ctx.places)
    with _scored_already(ctx):
        check_uncommitted(ctx.tables, state, ctx.config)
        run = _Publishing(ctx, state, counts)
        publications = targets.format.publications(run)
        if not run.merged:
            ctx.tell("merge", "is done by the commit of the table")
        found = expectations(ctx, state, run.merged)
    if not_met(found):
        _discard(run, publications)
        return NewStep(StepKind.CHECKED, {"expectations": found})
    documents = {publication.kind: publication.to_document() for publication in publications}
    payload = {
        "format": targets.format.can.name,
        "targets": targets.named(),
        **({"publications": documents} if documents else {}),
        **run.numbers.told,
        **({"expectations": found} if found else {}),
    }
    parts = [ctx.ledger.write_part(publication.to_table()) for publication in publications]
    return NewStep(StepKind.PUBLICATION, payload, tuple(parts))


def _discard(run: _Publishing, publications: Sequence[Publication]) -> None:
    """Gives back what is not published now, and removes merged files: whoever accepts them has the rows merged anew."""
    give_back_targets(run, publications)
    for table in run.merged:
        with suppress(ServiceFailure, OSError):  # they hinder nobody, and `clean` removes them
            table.tree.clear()


def _counts(state: RunState) -> Counts:
    assert state.gate is not None
    return Counts(**{name: state.gate.payload[name] for name in _COUNTS})


def _require_budget(ctx: RunContext, state: RunState, counts: Counts) -> None:
    """Keeps the dead letters in the run's own folder and ends, if they are more than `errors` accepts."""
    if ctx.config.errors.accepts(counts.rows_dead_letter, counts.rows_in):
        return
    place = ctx.tables.keep_dead_letters(state)
    # The embedded emulator's S3 ends with the run, and with it what was scored.
    how = "To publish them beside the result" if ctx.config.ephemeral else "To publish without scoring again"
    dead = counts.rows_dead_letter
    command = going_on(ctx, f"--set errors.max_rows={dead}", f'errors={{"max_rows": {dead}}}')
    retry = going_on(ctx, "--retry-dead", "retry_dead=True")
    # Once the run has set out to commit, its dead letters may be there (core.resuming.retried_dead_rows.check_retry).
    rows = verb(dead, "this row", "these rows")
    once_more = [] if ctx.config.ephemeral or state.intents else [f"To send {rows} once more: {retry}"]
    what = f"{dead:,} of {counted(counts.rows_in, 'row')} {verb(dead, 'has', 'have')} no prediction"
    raise ErrorBudgetExceeded(
        [f"{what}, more than `errors` accepts; nothing is published. The dead letters lie in {place} (Parquet)"],
        [*once_more, f"{how}: {command}"],
    )


def publish_tables(ctx: RunContext, state: RunState, action: act.Publish) -> NewStep:
    """Returns the step `published`, dead letters first."""
    intent = action.publication
    publications = recorded_publications(intent, ctx.ledger.read_part)
    with _scored_already(ctx):
        run = _Publishing(ctx, state, _counts(state))
        format_named(intent.payload["format"]).publish(run, list(publications.values()))
    targets = intent.payload["targets"]
    ctx.tell("publish", targets["output"])
    return NewStep(StepKind.PUBLISHED, {**targets, **run.numbers.told})


@dataclass(frozen=True)
class _Publishing:
    """A run as the format sees it that publishes its tables.

    Attributes:
        counts: what the gate has proven.
        written: what is known of the predictions' numbers, once they are written.
        merged: both tables, once they are written; of a format that commits none is.
    """

    ctx: RunContext
    state: RunState
    counts: Counts
    written: list[PredictedNumbers] = field(default_factory=list)
    merged: list[WrittenTable] = field(default_factory=list)

    @property
    def numbers(self) -> PredictedNumbers:
        """What is known of the predictions' numbers; nothing as long as this process has not written them."""
        return self.written[-1] if self.written else NOTHING_KNOWN

    def write(self, how: FileFormat) -> list[WrittenTable]:
        """Returns both tables, merged and counted."""
        tables = [self.ctx.tables.write(self.state, kind, how) for kind in KINDS]
        gate.check_written(self.counts, *[table.rows for table in tables])
        assert self.state.staged is not None
        footers = how.ranges(tables[0].tree, tables[0].files, self.state.staged.input_names)
        self.written.append(tables[0].numbers.beside(footers))
        self.merged.extend(tables)
        self.ctx.tell(
            "merge", f"{counted(self.counts.rows_scored, 'row')} merged in {counted(len(tables[0].files), 'file')}"
        )
        return tables

    def planned(self, table: WrittenTable) -> Publication:
        """Returns how a table's files are to be copied."""
        state, mode = self.state, targets_of(self.ctx.config, self.ctx.places).mode
        at = (table.tree, table.target, table.files)
        return publication_of(table.kind, mode, *at, state.run_id, state.nonce, state.merges_lost)

    def commit(self, kind: Kind, how: TableFormat) -> None:
        """Commits a table, and counts what the commit brought in."""
        self.renew()
        place = targets_of(self.ctx.config, self.ctx.places).named()["output" if kind == "result" else "dead_letter"]
        try:
            committed = self.ctx.tables.commit(self.state, kind, how)
        except PublishedUnverified as err:
            raise gate.unverified(kind, str(err)) from err
        except ServiceFailure as err:
            raise ServiceFailure(f"{err}. {_another_way(self.ctx)}") from err
        if kind == "result":
            self.written.append(committed.numbers)
        gate.check_committed(self.counts, kind, committed.rows, str(place))

    def renew(self) -> None:
        """Renews the lease between two files: a large table takes longer to copy than the lease lives."""
        self.ctx.lease.renew()

    def permit(self) -> None:
        """Raises LedgerFenced if this driver may change nothing any more."""
        self.ctx.lease.require()

    def open_tree(self, location: str) -> Tree:
        """Returns the folder at a location."""
        return self.ctx.open_tree(location)


@contextmanager
def _scored_already(ctx: RunContext) -> Iterator[None]:
    """Turns a refusal of the output into a failure that can be resumed: exit code 2 would say that nothing was done."""
    try:
        yield
    except ConfigurationError as err:
        ways = [f"To publish there, once it may be: {once_more(ctx)}", elsewhere(ctx)]
        told = f"publishing failed, everything is scored and the run can be resumed: {err}"
        raise ServiceFailure(told, ways=ways) from err


def _another_way(ctx: RunContext) -> str:
    """What a person may do about a table that does not take the rows."""
    command, output = going_on(ctx, "--set output.path=...", "another output"), ctx.config.output
    where = ", or output.replace_where," if output is not None and output.replace_where is not None else ""
    return (
        "Everything is scored. If the table does not take these rows: change what it demands (ALTER TABLE)"
        f"{where} and start the run again, or: {command} (or another prediction.sql); either publishes them without "
        "scoring again"
    )


def _forget_kept(ctx: RunContext) -> None:
    """Removes the dead letters that a refusal has kept: what became of those rows is published."""
    # Those that only Spark reaches, or that S3 does not give up, hinder nobody.
    with suppress(ConfigurationError, StoreFailure):
        ctx.open_tree(ctx.places.dead_letters).clear()


def finish(ctx: RunContext, state: RunState, action: act.Finish) -> NewStep:
    """Returns the step `done`, with the report."""
    report = report_so_far(ctx, state, RunStatus.PUBLISHED)
    report["report"] = reporting_of(ctx).write_page(state, report)
    _forget_kept(ctx)
    if ctx.config.ephemeral:
        # The emulated S3 ends with this process, so nothing will ever read these again; what stays hinders nobody.
        for folder in staging_folders(ctx.places, ctx.ledger.writers):
            with suppress(ConfigurationError, StoreFailure):
                ctx.open_tree(folder).clear()
    return NewStep(StepKind.DONE, {"report": report})
