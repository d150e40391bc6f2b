"""The driver's real loop in memory, from exported objects to the gate: no Spark, no network, no time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pyarrow as pa

from batch_transform.config.loading import from_arguments
from batch_transform.core.events import Event
from batch_transform.core.gathering import Gatherer, Leaves
from batch_transform.core.naming import object_name
from batch_transform.core.output_counts import KeyCheck, OutputObject, count_output
from batch_transform.core.part_objects import cut_object
from batch_transform.core.predictions import PredictionReader
from batch_transform.core.records import RunState
from batch_transform.core.rounds import PART_SCHEMA
from batch_transform.core.spans import EXPORT_SCHEMA, OVERSIZE, STANDARD, StagedFile, without_history
from batch_transform.core.state import advance, fold
from batch_transform.core.uris import S3Uri
from batch_transform.core.verdicts import OUTPUT_SCHEMA
from batch_transform.pipeline.context import Clock, RunContext
from batch_transform.pipeline.driver import Driver
from batch_transform.pipeline.places import Places
from batch_transform.s3.ledger import Ledger
from batch_transform.spark.merging import PredictionShape
from support.faults import Fate, Faults
from support.memory_service import MemoryService, Model
from support.memory_store import BEGINNING, MemoryStore

READER = PredictionReader(pa.schema([("echo", pa.int64())]))
RUN = S3Uri.parse("s3://bucket/runs/run")
STANDARD_BYTES = 6_000_000


@dataclass
class LocalObjects:
    """Counts and cuts one object after the other."""

    store: MemoryStore
    reader: PredictionReader
    key: KeyCheck | None = None

    def count(self, outputs: Sequence[OutputObject]) -> pa.Table:
        rows = [count_output(self.store, output, self.reader, self.key) for output in outputs]
        return pa.Table.from_pylist(rows, schema=OUTPUT_SCHEMA)

    def cut(self, cuts: pa.Table) -> pa.Table:
        made = [
            part
            for cut in cuts.to_pylist()
            for part in cut_object(self.store, RUN.join("input"), cut, uuid.uuid4().hex)
        ]
        return pa.Table.from_pylist(made, schema=PART_SCHEMA)


@dataclass
class MemoryRun:
    """A run over rows that are `{"id": n}` each, in objects of the sizes given, at the step `exported`.

    Attributes:
        sizes: rows of each object; each is a staged file of its own.
        padding: bytes that a row's record has besides.
        oversize: rows whose objects are in the oversize lane, whatever their size.
    """

    sizes: Sequence[int]
    model: Model
    padding: dict[int, int] = field(default_factory=dict)
    oversize: Collection[int] = ()
    reader: PredictionReader = READER
    key: KeyCheck | None = None
    transform: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.store = MemoryStore()
        self.service = MemoryService(self.store, self.model, self.now)
        self._begin()

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self.seconds - 1e6)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def record(self, row: int) -> bytes:
        document: dict[str, Any] = {"id": row}
        if row in self.padding:
            document["text"] = "x" * self.padding[row]
        return json.dumps(document).encode() + b"\n"

    def driver(self) -> Driver:
        """A driver of the run as its ledger stands."""
        ledger = self._ledger()
        state = fold(ledger.load())
        assert state is not None
        if state.round_records:
            state = advance(state, ledger.append("resumed", {"at": "later"}))
        return Driver(self._context(ledger), state)

    def beset(self, fates: Mapping[int, Fate]) -> Faults:
        """Lets the driver's mutations from now on, counted from 0, meet these fates; returns what notes them."""
        self.store = self.service.store = MemoryStore(self.store.world, Faults(fates))
        return self.store.faults

    def to_the_gate(self) -> RunState:
        """Drives the run until its gate has passed."""
        driver = self.driver()
        while driver.state.gate is None:
            assert driver.step()
        return driver.state

    def outcomes(self, state: RunState) -> dict[int, Any]:
        """What each row got: the prediction of the merge, or its dead leaf."""
        assert state.gate is not None
        table = self._ledger().read_part(state.gate.parts[0])
        leaves = Leaves(table)

        def opened(job: str, name: str, etag: str) -> Iterable[bytes]:
            return self.store.open_stream(RUN.join("output", job, f"{name}.out"), etag).chunks

        gatherer = Gatherer(leaves, self.reader, opened, 64)
        found: dict[int, Any] = {}
        for leaf in table.to_pylist():
            numbers = pa.array(range(leaf["start"], leaf["stop"])).to_numpy()
            for row, answer in zip(numbers.tolist(), gatherer.gather(numbers).to_pylist(), strict=True):
                assert row not in found
                found[row] = answer["echo"] if answer["scored"] else leaf
        return found

    def _ledger(self) -> Ledger:
        return Ledger(self.store, RUN, "writer", 0, self.sleep)

    def _begin(self) -> None:
        ledger = self._ledger()
        config = self._config().to_document()
        ledger.append("opened", {"run_id": "run", "nonce": "0123456789", "config": config, "at": "now"})
        files, spans = [], []
        for place, (first, rows) in enumerate(zip(_firsts(self.sizes), self.sizes, strict=True)):
            files.append(asdict(StagedFile(f"f{place}", rows, first, first + rows - 1, 1, 1)))
            spans.append(self._export(first, rows))
        ledger.append("staged", {"files": files, "schema": "{}"})
        table = without_history(pa.Table.from_pylist(spans, schema=EXPORT_SCHEMA))
        ledger.append("exported", {"objects": len(spans), "bytes": 1}, (ledger.write_part(table),))

    def _export(self, first: int, rows: int) -> dict[str, Any]:
        records = [self.record(row) for row in range(first, first + rows)]
        name, largest = object_name(first, rows, "00ff"), max(map(len, records))
        self.store.put(RUN.join("input", name), b"".join(records))
        named = any(first <= row < first + rows for row in self.oversize)
        lane = OVERSIZE if named or largest > STANDARD_BYTES else STANDARD
        size = sum(map(len, records))
        return {"start": first, "stop": first + rows, "lane": lane, "object": name, "bytes": size, "largest": largest}

    def _config(self) -> Any:
        return from_arguments(
            run_id="run", model="m", workspace="s3://bucket/runs", prediction="echo long", transform=self.transform
        )

    def _context(self, ledger: Ledger) -> RunContext:
        nothing = cast(Any, None)
        return RunContext(
            config=self._config(),
            run_id="run",
            writer="writer",
            spark=nothing,
            source=nothing,
            shape=PredictionShape(nothing, self.reader),
            columns=("id",),
            places=Places(RUN, "/scratch", "s3a"),
            connect=nothing,
            store=self.store,
            ledger=ledger,
            jobs=self.service,
            logs=self.service,
            objects=LocalObjects(self.store, self.reader, self.key),
            clock=Clock(lambda: self.seconds, lambda: self.now().timestamp(), self.sleep),
            jitter=lambda: 0.5,
            listener=self.events.append,
        )


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
