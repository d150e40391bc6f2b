"""The driver's real loop in memory: no Spark, no network, no time."""

from __future__ import annotations

import copy
import importlib
import json
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import BatchTransformError, ConfigurationError
from batch_transform.core.events import Event
from batch_transform.core.expectations import Expectation, Previous
from batch_transform.core.framing import Framing
from batch_transform.core.object_names import object_name
from batch_transform.core.predictions.answer_form import AnswerForm
from batch_transform.core.predictions.output_counts import OUTPUT_SCHEMA, KeyCheck, OutputObject, count_output
from batch_transform.core.predictions.output_lines import Lines, lines_of
from batch_transform.core.predictions.prediction_types import Answers, encode_schema
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.publishing.file_publication import Kind
from batch_transform.core.publishing.leaf_lookup import Leaves
from batch_transform.core.publishing.prediction_gathering import Gatherer
from batch_transform.core.publishing.prediction_values import NOTHING_KNOWN, PredictedNumbers
from batch_transform.core.publishing.report import run_report
from batch_transform.core.report_keys import RunReport
from batch_transform.core.resuming.repair import MADE_SCHEMA
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_state import RunState
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.part_objects import cut_object
from batch_transform.core.sending.record_sizes import WRITTEN_SCHEMA, ExportedObjects, counted, exported
from batch_transform.core.spans import OVERSIZE, PART_SCHEMA, STANDARD, StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.core.statuses import RunStatus
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.port import TableFormat
from batch_transform.outputs.registry import DEFAULT, output_formats
from batch_transform.outputs.s3_tree import S3Tree
from batch_transform.outputs.written_tables import CommittedTable, WrittenTable
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, SUBMIT
from batch_transform.pipeline.commands.step_work import is_prepared, prepare, step_report, without_spark
from batch_transform.pipeline.context import Clock, RunContext
from batch_transform.pipeline.lifecycle.acquiring_run import as_published, begin, rejoin
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.places import Places
from batch_transform.pipeline.run_switches import RunSwitches
from batch_transform.pipeline.tables.threaded_work import ThreadedObjectWork
from batch_transform.s3.lease import RunLease
from batch_transform.s3.ledger import Ledger
from support.faults import Fate, Faults
from support.memory_models import MemoryModels
from support.memory_service import MemoryService, Model
from support.memory_store import BEGINNING, MemoryStore, World

# Above it, outputs are too many to be remembered, and no two are alike.
_REMEMBERED_BYTES = 200


@dataclass(frozen=True)
class RememberingReader(PredictionReader):
    """A run has thousands of outputs of a row each, and many are the same: what was read once is known."""

    def read(self, lines: Lines) -> Answers:
        return _read_once(self, lines.block) if len(lines.block) <= _REMEMBERED_BYTES else super().read(lines)


@lru_cache(1 << 16)
def _read_once(reader: RememberingReader, block: bytes) -> Answers:
    return PredictionReader.read(reader, lines_of(block))


READER = RememberingReader(pa.schema([("echo", pa.int64())]))
LAYOUT = RunLayout(S3Uri.parse("s3://bucket"), "run")
RUN = LAYOUT.run
STANDARD_BYTES = 6_000_000
FILE_FORMATS = [name for name, format in output_formats().items() if isinstance(format, FileFormat)]


@dataclass
class LocalObjects:
    """Counts and cuts one object after the other."""

    store: MemoryStore
    reader: PredictionReader
    key: KeyCheck | None = None
    layout: RunLayout = LAYOUT

    def count(self, outputs: Sequence[OutputObject]) -> pa.Table:
        rows = [count_output(self.store, output, self.reader, self.key) for output in outputs]
        return pa.Table.from_pylist(rows, schema=OUTPUT_SCHEMA)

    def reading(self, schema: pa.Schema | None, form: AnswerForm | None = None) -> LocalObjects:
        return replace(self, reader=replace(self.reader, schema=schema, form=form or self.reader.form))

    def cut(self, cuts: pa.Table, framing: Framing) -> pa.Table:
        made = [
            part
            for cut in cuts.to_pylist()
            for part in cut_object(self.store, self.layout.input, cut, uuid.uuid4().hex, framing=framing, each=map)
        ]
        return pa.Table.from_pylist(made, schema=PART_SCHEMA)


@dataclass
class MemoryTables:
    """Tables of rows that are `{"id": n}` each: staged as their numbers, merged to files, all in the store."""

    run: MemoryRun
    store: MemoryStore
    ledger: Ledger
    writer: str

    def stage(self, *, copies: bool = True) -> Staged:
        files = []
        for place, (first, rows) in enumerate(zip(_firsts(self.run.sizes), self.run.sizes, strict=True)):
            path = self.run.layout.rows.join("staging", self.writer, f"{place}.json")
            self.store.put(path, json.dumps([first, rows]).encode())
            files.append(StagedFile(str(path), rows, first, first + rows - 1, 1, 1))
        return Staged("{}", tuple(files), encode_schema(self.run.reader.schema))

    def _numbers(self, staged: Staged) -> Iterator[range]:
        for file in staged.files:
            first, rows = json.loads(self.store.get(S3Uri.parse(file.path))[0])
            yield range(first, first + rows)

    def export(self, staged: Staged, rules: CuttingRules) -> ExportedObjects:
        spans = [self._object(numbers) for numbers in self._numbers(staged)]
        return exported(pa.Table.from_pylist(spans, schema=WRITTEN_SCHEMA))

    def _object(self, numbers: range) -> dict[str, Any]:
        records = [self.run.record(row) for row in numbers]
        name, largest = object_name(numbers.start, len(numbers), uuid.uuid4().hex[:16]), max(map(len, records))
        etag = self.store.put(self.run.layout.input.join(name), b"".join(records))
        named = any(row in numbers for row in self.run.oversize)
        sizes = counted(np.array([len(record) for record in records])).tolist()
        lane = OVERSIZE if named or largest > STANDARD_BYTES else STANDARD
        rows = {"start": numbers.start, "stop": numbers.stop, "lane": lane}
        told = {"bytes": sum(map(len, records)), "largest": largest, "sizes": sizes}
        return {**rows, **told, "object": name, "etag": etag}

    def export_again(self, staged: Staged, orders: pa.Table) -> pa.Table:
        pinned = {row for numbers in self._numbers(staged) for row in numbers}
        made = []
        for order in orders.to_pylist():
            rows = range(order["start"], order["stop"])
            assert pinned.issuperset(rows)
            records = [self.run.record(row) for row in rows]
            etag = self.store.put(self.run.layout.input.join(order["object"]), b"".join(records))
            sizes = list(map(len, records))
            made.append(
                {"object": order["object"], "rows": len(rows), "bytes": sum(sizes), "largest": max(sizes), "etag": etag}
            )
        return pa.Table.from_pylist(made, schema=MADE_SCHEMA)

    def write(self, state: RunState, kind: Kind, how: FileFormat) -> WrittenTable:
        assert state.staged is not None
        gathered = self.run.gathered(state, self.store, self.ledger)
        tree = S3Tree(self.store, self.run.layout.rows.join("merged", f"{self.writer}-{kind}"))
        for place, numbers in enumerate(self._numbers(state.staged)):
            chosen = [(n, gathered[n]) for n in numbers if isinstance(gathered[n], dict) == (kind == "dead_letter")]
            answers = [value["error_class"] if isinstance(value, dict) else str(value) for _, value in chosen]
            table = pa.table(
                {"id": pa.array([n for n, _ in chosen], pa.int64()), "answer": pa.array(answers, "string")}
            )
            name = how.can.name
            tree.put(f"part-{place}.{name}", file_of(table, name))
        listed = list(tree.list())
        rows = how.file_rows(tree, listed, threads=1)
        files = tuple(replace(file, rows=rows[file.name]) for file in listed)
        target = self.run.targets[kind]
        counted = self.run.numbers if kind == "result" else NOTHING_KNOWN
        return WrittenTable(kind, tree, S3Tree(self.store, target), files, counted)

    def measure(self, state: RunState, previous: Previous | None, written: WrittenTable | None) -> list[Expectation]:
        """Each of `expect` is `count(*) = N`, or compares with `previous.count(*)`, of the rows as they are merged."""
        if written is None:
            answers = [n for n, value in self.run.gathered(state, self.store, self.ledger).items() if value == n]
        else:
            bodies = [written.tree.read(file.name) for file in written.files]
            answers = [row["id"] for body in bodies for row in rows_of_file(body, self.run.format).to_pylist()]
        self.run.measured += 1
        return [_measured(sql, len(answers), previous) for sql in state.settings.expect]

    def reading(self, ddl: str, staged: Staged) -> MemoryTables:
        return self

    def commit(self, state: RunState, kind: Kind, how: TableFormat) -> CommittedTable:
        raise AssertionError("no Delta here")

    def committed(self, state: RunState, config: Any, kind: Kind) -> int | None:
        raise AssertionError("no Delta here")

    def keep_dead_letters(self, state: RunState) -> str:
        place = self.run.layout.rows.join("dead_letters", "rows.json")
        self.store.put(place, b"{}")
        return str(place)


@dataclass
class MemoryRun:
    """A run over rows that are `{"id": n}` each, in objects of the sizes given.

    Attributes:
        sizes: rows of each object; each is a staged file of its own.
        padding: bytes that a row's record has besides.
        oversize: rows whose objects are in the oversize lane, whatever their size.
        exported: whether it begins at the step `exported`.
        mode: of the output.
        format: of the output, one of FILE_FORMATS.
        retention: `workspace_retention`.
        prediction: that section; `reader` must fit it.
        models: what is told of the model before each Create.
        accept_model: whether the next driver accepts that it is another one.
        world: which other runs may share; None: one of its own.
        accept_expectations: whether the next driver accepts predictions that are not as `expect` says.
        sections: further ones of the run file.
        numbers: what is counted of its predictions.
        block_bytes: in which outputs are read back; few, so that most answers lie in two.
        region: of AWS, which jobs are paid for; None: an emulator's.
        measured: how often its result was looked at for `expect`.
    """

    sizes: Sequence[int]
    model: Model
    padding: dict[int, int] = field(default_factory=dict)
    oversize: Collection[int] = ()
    reader: PredictionReader = READER
    prediction: Any = "echo long"
    key: KeyCheck | None = None
    transform: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=lambda: {"max_fraction": 1.0})
    exported: bool = True
    mode: str = "append"
    format: str = DEFAULT
    retention: str = "keep"
    models: Any = field(default_factory=MemoryModels)
    accept_model: bool = False
    accept_expectations: bool = False
    sections: dict[str, Any] = field(default_factory=dict)
    numbers: PredictedNumbers = NOTHING_KNOWN
    block_bytes: int = 64
    region: str | None = None
    measured: int = 0
    events: list[Event] = field(default_factory=list)
    seconds: float = 0.0
    drivers: int = 0
    run_id: str = "run"
    world: World | None = None

    @cached_property
    def layout(self) -> RunLayout:
        return RunLayout(LAYOUT.workspace, self.run_id)

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.world)
        self.service = MemoryService(self.store, self.model, self.now)
        out = "out" if self.run_id == "run" else f"out-{self.run_id}"
        self.targets = {"result": S3Uri("bucket", out), "dead_letter": S3Uri("bucket", f"{out}_dead_letter")}
        if self.exported:
            driver = self.driver()
            while driver.state.spans is None:
                assert driver.step()
            driver.close(run_report(driver.state, RunStatus.ENDED, str(self.layout.run)))

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self.seconds - 1e6)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def record(self, row: int) -> bytes:
        document: dict[str, Any] = {"id": row}
        if row in self.padding:
            document["text"] = "x" * self.padding[row]
        return json.dumps(document).encode() + b"\n"

    def driver(self, *, retry_dead: bool = False) -> Driver:
        """A driver of the run as its ledger stands, which takes its lease."""
        self.drivers += 1
        ledger = Ledger(self.store, self.layout, f"writer{self.drivers}", 0, self.sleep)
        recorded = ledger.state()
        ctx = self._context(ledger)
        ctx = replace(ctx, switches=replace(ctx.switches, retry_dead=retry_dead))
        if recorded is not None and recorded.report is not None:
            return Driver(ctx, as_published(ctx, recorded))
        return Driver(ctx, begin(ctx))

    def state(self) -> RunState:
        """What the ledger says."""
        state = self.reader_of_the_ledger().state()
        assert state is not None
        return state

    def beset(self, fates: Mapping[int, Fate]) -> Faults:
        """Lets the driver's mutations from now on, counted from 0, meet these fates; returns what notes them."""
        self.store = self.service.store = MemoryStore(self.store.world, Faults(fates))
        return self.store.faults

    def watched(self, watch: Callable[[], None]) -> Faults:
        """Calls `watch` before each mutation from now on; returns what notes them."""
        self.store = self.service.store = MemoryStore(self.store.world, Faults({}, watch))
        return self.store.faults

    def copy(self) -> MemoryRun:
        """The same world for another driver: what this one goes on to do does not reach it."""
        twin = copy.copy(self)
        twin.store = MemoryStore(self.store.world.copy())
        twin.service = self.service.copy(twin.store, twin.now)
        twin.model, twin.events, twin.models = twin.service.model, [], self.models.copy()
        return twin

    def to_the_gate(self) -> RunState:
        """Drives the run until its gate has passed."""
        driver = self.driver()
        try:
            while driver.state.gate is None:
                assert driver.step()
        except BatchTransformError:
            driver.ctx.lease.release()
            raise
        driver.ctx.lease.release()
        return driver.state

    def to_the_end(self, *, retry_dead: bool = False) -> RunState:
        """Drives the run until it is published."""
        driver = self.driver(retry_dead=retry_dead)
        try:
            state = driver.run()
            assert state.report is not None
            driver.close(state.report)
        except BatchTransformError:
            driver.ctx.lease.release()
            raise
        return driver.state

    def step(self, command: str) -> RunReport:
        """Returns the report of `prepare`, `submit` or `collect`, each a process of its own or, as `collect`, two."""
        state = self.reader_of_the_ledger().state()
        if command == PREPARE and not is_prepared(state):
            return self._worked(self.driver(), command, prepare)
        report = self._worked(self.rejoined(command), command, lambda driver: without_spark(driver, command))
        if command == COLLECT and report["status"] == RunStatus.SETTLED:
            return self._worked(self.driver(), command, Driver.run)
        return report

    def _worked(self, driver: Driver, command: str, work: Callable[[Driver], Any]) -> RunReport:
        try:
            if driver.ctx.lease.epoch:
                work(driver)
            report = step_report(driver, command, str)
            driver.close(report)
        except BatchTransformError:
            driver.ctx.lease.release()
            raise
        return report

    def rejoined(self, command: str) -> Driver:
        """A driver without Spark, as a step has it."""
        self.drivers += 1
        ledger = Ledger(self.store, self.layout, f"writer{self.drivers}", 0, self.sleep)
        recorded = ledger.state()
        if recorded is None or not is_prepared(recorded):
            raise ConfigurationError("not prepared")
        objects = ThreadedObjectWork(self.store, self.layout.input, self.reader, self.key)
        ctx = replace(self._context(ledger), waits=False, objects=objects)
        if recorded.report:
            return Driver(ctx, as_published(ctx, recorded))
        return Driver(*rejoin(ctx, is_meant=command == SUBMIT))

    def outcomes(self, state: RunState) -> dict[int, Any]:
        """What each row got: the prediction of the merge, or its dead leaf."""
        return self.gathered(state, self.store, self.reader_of_the_ledger())

    def gathered(self, state: RunState, store: MemoryStore, ledger: Ledger) -> dict[int, Any]:
        """What each row got, read from a store."""
        assert state.gate is not None
        table = ledger.read_part(state.gate.parts[0])
        leaves = Leaves(table)

        def opened(job: str, name: str, etag: str) -> Iterable[bytes]:
            chunks = store.open_stream(self.layout.outputs.join(job, f"{name}.out"), etag).chunks
            return self.reader.form.lines(chunks)

        gatherer = Gatherer(leaves, self.reader, opened, self.block_bytes)
        found: dict[int, Any] = {}
        for leaf in table.to_pylist():
            numbers = pa.array(range(leaf["start"], leaf["stop"])).to_numpy()
            answers = [answer for part in gatherer.gather(numbers) for answer in part.to_pylist()]
            for row, answer in zip(numbers.tolist(), answers, strict=True):
                assert row not in found
                found[row] = answer["echo"] if answer["__scored"] else leaf
        return found

    def published(self, kind: Kind) -> list[tuple[int, str]]:
        """The rows of an output as a reader finds them that honours `_SUCCESS`."""
        tree = S3Tree(MemoryStore(self.store.world), self.targets[kind])
        names = [file.name for file in tree.list()]
        assert "_SUCCESS" in names
        bodies = [tree.read(name) for name in names if name.endswith(f".{self.format}")]
        tables = [rows_of_file(body, self.format) for body in bodies]
        return sorted((row["id"], row["answer"]) for table in tables for row in table.to_pylist())

    def reader_of_the_ledger(self) -> Ledger:
        """A ledger for looking into it."""
        return Ledger(MemoryStore(self.store.world), self.layout, "reader", 0, self.sleep)

    def _config(self) -> Any:
        return from_arguments(
            run_id=self.run_id,
            model="m",
            workspace="s3://bucket",
            prediction=self.prediction,
            transform=self.transform,
            errors=self.errors,
            workspace_retention=self.retention,
            **self.sections,
            output={
                "path": str(self.targets["result"]),
                "format": self.format,
                "mode": self.mode,
                **self._partitions(),
            },
        )

    def _partitions(self) -> dict[str, Any]:
        # Asked for by the mode; what is written here has one partition, the root.
        return {"partition_by": ["id"]} if self.mode == "overwrite_partitions" else {}

    def _context(self, ledger: Ledger) -> RunContext:
        clock = Clock(lambda: self.seconds, lambda: self.now().timestamp(), self.sleep, lambda: self.seconds)
        config = self._config()
        return RunContext(
            config=config,
            run_id=self.run_id,
            writer=ledger.writer,
            places=Places(self.layout, str(self.layout.rows), "s3a"),
            store=self.store,
            lease=RunLease(self.store, self.layout, ledger.writer, 60, clock.boot, clock.sleep),
            ledger=ledger,
            jobs=self.service,
            logs=self.service,
            tables=MemoryTables(self, self.store, ledger, ledger.writer),
            objects=LocalObjects(self.store, self.reader, self.key, self.layout),
            clock=clock,
            jitter=lambda: 0.5,
            poll_seconds=config.poll_seconds(emulated=False),
            listener=self.events.append,
            models=self.models,
            region=self.region,
            switches=RunSwitches(accept_model=self.accept_model, accept_expectations=self.accept_expectations),
        )


def _measured(sql: str, rows: int, previous: Previous | None) -> Expectation:
    count, run = "count(*)", previous.run_id if previous else None
    wanted = previous.values.get(count) if previous else int(sql.rpartition("=")[2])
    return {
        "expression": sql,
        "held": None if wanted is None else rows == wanted,
        "accepted": False,
        "values": {count: rows},
        "untold": [],
        "previous": {count: wanted} if run else None,
        "previous_run": run,
        "note": "nothing to compare with" if wanted is None else None,
    }


def file_of(table: pa.Table, format: str) -> bytes:
    """A file of a format, as Arrow writes it."""
    sink = pa.BufferOutputStream()
    importlib.import_module(f"pyarrow.{format}").write_table(table, sink)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def rows_of_file(body: bytes, format: str) -> pa.Table:
    """The rows of a file of a format."""
    return importlib.import_module(f"pyarrow.{format}").read_table(pa.BufferReader(body))


def echoing(refuse: Any) -> Model:
    """A model that echoes ids; `refuse(id)` gives a status, `drop` or `timeout` for a bad record, else None."""

    def answer(records: list[bytes]) -> Any:
        ids = [json.loads(record)["id"] for record in records]
        for row in ids:
            if (refusal := refuse(row)) is not None:
                return refusal
        return [json.dumps({"echo": row}).encode() for row in ids]

    return answer


def _firsts(sizes: Sequence[int]) -> list[int]:
    """The first row number of each staged file; the numbers of two files need not adjoin."""
    firsts, first = [], 0
    for place, size in enumerate(sizes):
        firsts.append(first)
        first += size + 1000 * (place % 2)
    return firsts


def all_rows(sizes: Sequence[int]) -> list[int]:
    """The row numbers of a run of these sizes."""
    return [row for first, size in zip(_firsts(sizes), sizes, strict=True) for row in range(first, first + size)]
