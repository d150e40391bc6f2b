"""The work on whole tables, done by Spark: input, staged rows, merged tables."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from batch_transform.config.runfile import RunConfig
from batch_transform.core.expectations import Expectation, Previous
from batch_transform.core.framing import Framing
from batch_transform.core.ledger import JsonObject, Part
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.prediction_types import encode_schema
from batch_transform.core.publishing.file_publication import Kind
from batch_transform.core.resuming.committed_tables import dead, dead_letter_commits
from batch_transform.core.run_state import RunState
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.object_sizes import ToPython
from batch_transform.core.sending.record_sizes import ExportedObjects
from batch_transform.core.staged_table import Staged
from batch_transform.core.state.model_versions import model_labels
from batch_transform.exports.export_ways import export_way
from batch_transform.exports.port import ToExport
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.port import OutputTable, TableFormat
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.outputs.written_tables import CommittedTable, WrittenTable
from batch_transform.pipeline.places import Places, targets_of
from batch_transform.pipeline.recorded import form_of_outputs
from batch_transform.pipeline.tables.copied_source import copied_input
from batch_transform.pipeline.tables.file_exporting import exported_by_workers
from batch_transform.pipeline.tables.file_merging import ToMerge, merged_by_workers
from batch_transform.pipeline.tables.fitting import Fitting
from batch_transform.pipeline.tables.measuring import measured_rows
from batch_transform.pipeline.tables.merged_files import MergedFiles, written_rows
from batch_transform.pipeline.tables.run_predictions import shape_of
from batch_transform.pipeline.tables.source import Source, scan_of_input, settings_of
from batch_transform.pipeline.worker_store import WorkerStore
from batch_transform.records.registry import framing_of
from batch_transform.s3.ledger import Ledger
from batch_transform.spark.dead_letters import dead_letters
from batch_transform.spark.input_reading import are_large
from batch_transform.spark.input_settings import input_session
from batch_transform.spark.job_settings import own_job, user_job
from batch_transform.spark.merge_way import Merge, way_named
from batch_transform.spark.prediction_columns import SQL_SETTINGS, PredictionShape
from batch_transform.spark.record_rules import RecordRule
from batch_transform.spark.reexport import export_again
from batch_transform.spark.settings import STAGED_FORMAT, writer_options
from batch_transform.spark.source_identity import identify
from batch_transform.spark.spark_errors import told_as
from batch_transform.spark.staging import stage
from batch_transform.spark.user_session import settings_to_record, user_session
from batch_transform.spark.watched_values import Watched, watched
from batch_transform.spark.zip_merge import MergeSource, model_of_rows, select_result


@dataclass(frozen=True)
class SparkTables:
    """Tables of one run.

    Attributes:
        source: the input; None for a run that is staged already and needs it no more.
        rule: how a row becomes a record.
        shape: of the predictions.
        connect: opens the store in a worker.
        writer: random for each process; part of the names of what it writes.
        sleep: between two tries of a commit.
        read_again: reads the input of a run that was staged already, should it be staged again.
        fit: of the tables to their places.
    """

    spark: SparkSession
    config: RunConfig
    source: Source | None
    rule: RecordRule
    shape: PredictionShape
    places: Places
    connect: WorkerStore
    store: ObjectStore
    ledger: Ledger
    writer: str
    sleep: Callable[[float], None]
    read_again: Callable[[], Source]
    fit: Fitting

    def stage(self, *, copies: bool = True) -> Staged:
        """Returns the input once it is staged, by copies of its files if they may be; refuses one that is broken."""
        settings = tuple(sorted(settings_to_record(self.spark).items()))
        format, options = settings_of(self.config.input)
        what = f"input: its rows cannot be staged{self.config.row_expressions}"
        with told_as(what, options=options), input_session(self.spark, format, options):
            staged = replace(self._staged(self.source or self.read_again(), copies), settings=settings)
        self.fit.check_rows(staged)
        return staged

    def _staged(self, source: Source, copies: bool) -> Staged:
        scan = scan_of_input(source, self.config.input)
        files, known = (scan.files if scan else None), (scan if copies else None)
        target = self.places.staging(self.writer, uuid.uuid4().hex[:8])  # of this call: lost files are staged again
        identity = identify(source.df, files)
        firm = scan if identity is not None and identity.plan.is_firm else None
        copied = copied_input(self.config, source, known, identity, self.rule, self.places, self.store)
        self.places.close_to_others()  # before a row lies there, and again with the files
        staged = stage(source.df, self.rule, target, firm, rows_are_large=are_large(files), files=copied)
        self.places.close_to_others()
        return replace(staged, answers=encode_schema(self.shape.reader.schema), source=identity)

    def export(self, staged: Staged, rules: CuttingRules) -> ExportedObjects:
        """Returns the objects that were written, and how large their records are."""
        with self._rendering(staged, is_scored=False) as framing:
            given = ToExport(self.spark, staged, self.rule, rules, framing, self.places.layout.input, self.connect)
            way = export_way(self.config.export)
            if way.takes_files and (done := exported_by_workers(given, self.store)) is not None:
                return done
            return way.export(given)

    def export_again(self, staged: Staged, orders: pa.Table) -> pa.Table:
        """Returns what was written (repair.MADE_SCHEMA) of objects that were to be (repair.ORDER_SCHEMA)."""
        with self._rendering(staged, is_scored=True) as framing:
            return export_again(self.spark, staged, self.rule, orders, framing, self.places.layout.input, self.connect)

    @contextmanager
    def _rendering(self, staged: Staged, *, is_scored: bool) -> Iterator[Framing]:
        job = partial(own_job, sent=ToPython.RECORD) if self.rule.sql is None else user_job
        what = f"the records cannot be written{self.config.row_expressions}"
        with told_as(what, is_begun=not staged.is_copied, is_scored=is_scored), job(self.spark, staged):
            yield framing_of(self.config.settings, staged.header)

    def write(self, state: RunState, kind: Kind, how: FileFormat) -> WrittenTable:
        """Returns a table of a gated run once it is written beside its output, and never into it."""
        assert state.staged is not None
        assert state.gate is not None
        table = targets_of(self.config, self.places).tables(self.places)[kind]
        files = MergedFiles(self.spark, state.staged, table, how, self.places)
        beside = self.places.sibling(table.location, f"{self.writer}-{kind}")
        written = WrittenTable(kind, open_tree(beside, self.store), open_tree(table.location, self.store), ())
        sql, way = self._sql_settings(kind), way_named(self.config.merge)
        sent = way.to_python if kind == "result" else ToPython.NUMBER
        more, job = {**files.settings, **sql}, user_job if sql else partial(own_job, sent=sent)
        with self._merging(table.location or "the workspace", kind), job(self.spark, state.staged, more):
            if kind == "result" and way.takes_files and files.may_be_merged_by_workers:
                source, scored = self._merge_source(state, state.gate.parts[0]), state.gate.payload["rows_scored"]
                given = ToMerge(self.spark, state.staged, scored, source, self.shape, self.store)
                if (done := merged_by_workers(given, how, written)) is not None:
                    return done
            counted = self._watched(state, kind)
            files.write(counted.rows, written.tree, self.places.spark_path(beside))
        return files.found(written, counted)

    def _merge_source(self, state: RunState, part: Part) -> MergeSource:
        form = form_of_outputs(self.shape.reader.form, state, self.ledger)
        return MergeSource(self.places.layout, part.key, self.connect, form)

    def _watched(self, state: RunState, kind: Kind) -> Watched:
        assert state.gate is not None
        names = self.shape.names if kind == "result" else ()
        return watched(self.merged(state, kind), names, state.gate.payload["rows_scored"])

    def commit(self, state: RunState, kind: Kind, how: TableFormat) -> CommittedTable:
        """Returns the commit that publishes a table of a gated run, or of its dead letters what is not committed yet.

        Raises:
            ServiceFailure: Spark or the format refused; the run can be resumed.
        """
        assert state.staged is not None
        table = targets_of(self.config, self.places).tables(self.places)[kind]
        # A table's constraints and generated columns, and `replace_where`, are the user's expressions as well.
        users = user_job(self.spark, state.staged, {**how.settings, **self._sql_settings(kind)})
        with self._merging(how.named(table), kind), users:
            known = kind == "dead_letter" and state.held is not None
            if known and how.committed(self.spark, table, state.nonce) is not None:
                return CommittedTable(self._commit_further(state, table, how))
            counted = self._watched(state, kind)
            rows = how.commit(counted.rows, table, state.run_id, state.nonce, self.sleep)
            return CommittedTable(rows, counted.found(rows))

    def measure(self, state: RunState, previous: Previous | None, written: WrittenTable | None) -> list[Expectation]:
        """Returns what `expect` is of the result of a gated run, in one pass over the columns that it names."""
        assert state.staged is not None
        how, expect = targets_of(self.config, self.places).format, self.config.expect
        told = told_as(f"expect: cannot be computed ({'; '.join(expect)})", is_scored=True)
        with told, user_job(self.spark, state.staged, {**how.settings, **SQL_SETTINGS}):
            rows = self.merged(state, "result")
            if written is not None:
                rows = written_rows(self.spark, rows.schema, written, how.can.name, self.places, state.staged)
            return measured_rows(rows, self.shape, expect, previous)

    def _commit_further(self, state: RunState, table: OutputTable, how: TableFormat) -> int:
        """The rows of all commits of dead letters, once those are committed that are not in the earlier ones."""
        assert state.gate is not None
        if dead(self.ledger.read_part(state.gate.parts[-1])).num_rows:
            beside = replace(table, mode="append", replace_where=None)
            rows, name = self.merged(state, "dead_letter", further=True), dead_letter_commits(state)[-1]
            how.commit(rows, beside, state.run_id, name, self.sleep)
        return self.committed(state, self.config.to_document(), "dead_letter") or 0

    def committed(self, state: RunState, config: JsonObject, kind: Kind) -> int | None:
        """Returns the rows of this run's commits in the table of a configuration; None: there is no commit."""
        targets = targets_of(type(self.config).from_document(dict(config)), self.places)
        table = targets.tables(self.places)[kind]
        names = dead_letter_commits(state) if kind == "dead_letter" else [state.nonce]
        found = [targets.format.committed(self.spark, table, name) for name in names]
        return None if set(found) == {None} else sum(rows or 0 for rows in found)

    def reading(self, ddl: str, staged: Staged) -> SparkTables:
        """Returns the same work for predictions of this schema, which their place takes."""
        with user_session(self.spark, staged):
            return replace(self, shape=self.fit.fitting(shape_of(self.spark, self.config, ddl)))

    def _sql_settings(self, kind: Kind) -> Mapping[str, str]:
        return SQL_SETTINGS if kind == "result" and self.shape.sql else {}

    def _merging(self, place: str, kind: Kind) -> AbstractContextManager[None]:
        """What Spark raises in a merge is told with the user's expressions in it; it does not always say which."""
        sql = f" (prediction.sql: {'; '.join(self.shape.sql)})" if kind == "result" and self.shape.sql else ""
        return told_as(f"{place}: its rows cannot be merged{sql}", is_scored=True)

    def keep_dead_letters(self, state: RunState) -> str:
        """Returns where the dead letters of a gated run now lie that has too many of them, as Parquet."""
        assert state.staged is not None
        place = self.places.dead_letters
        with self._merging(place, "dead_letter"), own_job(self.spark, state.staged, sent=ToPython.NUMBER):
            writing = self.merged(state, "dead_letter").write.format(STAGED_FORMAT).mode("overwrite")
            writing.options(**writer_options(state.staged.largest)).save(place)
        self.places.close_to_others()
        return place

    def merged(self, state: RunState, kind: Kind, *, further: bool = False) -> DataFrame:
        """Returns a table of a gated run, by the way that `merge` names; it is computed anew whenever it is used.

        What is to be committed `further` is without the dead letters that are known to be committed.
        """
        assert state.staged is not None
        assert state.gate is not None
        part = state.gate.parts[-1 if further else 0]
        source, leaves = self._merge_source(state, part), self.ledger.read_part(part)
        if kind == "dead_letter":
            column = targets_of(self.config, self.places).dead_letter.error_column
            return dead_letters(self.spark, state.staged, leaves, source, column)
        path = lambda job, name: self.places.spark_path(str(source.output(job, name)))  # noqa: E731
        merge = Merge(self.spark, state.staged, leaves, source, self.shape, path)
        outcomes = way_named(self.config.merge).outcomes(merge)
        return select_result(outcomes, self.shape, state.run_id, model_of_rows(outcomes, model_labels(state)))
