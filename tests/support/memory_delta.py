"""A run in memory whose two tables are committed, as Delta tables are: each commit at once, known by its name."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from batch_transform.config.loading import from_arguments
from batch_transform.core.isolation.verdict_rows import DEAD, SCORED
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.publishing.file_publication import Kind
from batch_transform.core.publishing.leaf_lookup import Leaves
from batch_transform.core.publishing.prediction_gathering import Gatherer
from batch_transform.core.publishing.prediction_values import NOTHING_KNOWN
from batch_transform.core.resuming.committed_tables import dead_letter_commits
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.port import TableFormat
from batch_transform.outputs.written_tables import CommittedTable
from support.memory_run import LAYOUT, MemoryRun, MemoryTables


@dataclass
class MemoryDelta(MemoryTables):
    """Commits are objects of the store: (row, job of its error or its answer)."""

    def commit(self, state: Any, kind: Kind, how: TableFormat) -> CommittedTable:
        first = self._commit_place(kind, state.nonce)
        if kind == "result" or state.held is None or self._rows(first) is None:
            rows = self._committed(first, lambda: self._table(state, kind, state.gate.parts[0]))
            return CommittedTable(rows, self.run.numbers if kind == "result" else NOTHING_KNOWN)
        further = self._table(state, kind, state.gate.parts[-1])
        if further:
            self._committed(self._commit_place(kind, dead_letter_commits(state)[-1]), lambda: further)
        return CommittedTable(self.committed(state, state.config, kind) or 0)

    def committed(self, state: Any, config: Any, kind: Kind) -> int | None:
        names = dead_letter_commits(state) if kind == "dead_letter" else [state.nonce]
        found = [rows for name in names if (rows := self._rows(self._commit_place(kind, name))) is not None]
        return sum(map(len, found)) if found else None

    def _commit_place(self, kind: Kind, name: str) -> S3Uri:
        return self.run.targets[kind].join("commits", f"{name}.json")

    def _rows(self, place: S3Uri) -> list[Any] | None:
        if place.key not in self.store.world.tree(place.key):
            return None
        found: list[Any] = json.loads(self.store.get(place)[0])
        return found

    def _committed(self, place: S3Uri, made: Any) -> int:
        if self._rows(place) is None:
            self.store.put(place, json.dumps(made()).encode())
        return len(self._rows(place) or [])

    def _table(self, state: Any, kind: Kind, part: Any) -> list[Any]:
        """What Spark would write of these leaves: dead letters read their lines as well."""
        leaves, wanted = self.ledger.read_part(part), SCORED if kind == "result" else DEAD

        def opened(job: str, name: str, etag: str) -> Any:
            return self.store.open_stream(LAYOUT.outputs.join(job, f"{name}.out"), etag).chunks

        reader = self.run.reader if kind == "result" else PredictionReader(None)
        gatherer, rows = Gatherer(Leaves(leaves), reader, opened, 64), list[Any]()
        for leaf in leaves.to_pylist():
            numbers = pa.array(range(leaf["start"], leaf["stop"])).to_numpy()
            if leaf["state"] != wanted:
                continue
            told = [leaf["job"]] * len(numbers)
            if kind == "result":
                told = [answer["echo"] for part in gatherer.gather(numbers) for answer in part.to_pylist()]
            elif leaf["etag"] is not None:
                gatherer.raw(leaf, numbers)
            rows += zip(numbers.tolist(), told, strict=True)
        return rows


@dataclass
class DeltaRun(MemoryRun):
    """As MemoryRun, but for its tables."""

    def _context(self, ledger: Any) -> Any:
        ctx = super()._context(ledger)
        return replace(ctx, tables=MemoryDelta(self, self.store, ledger, ledger.writer))

    def _config(self) -> Any:
        return from_arguments(
            run_id=self.run_id,
            model="m",
            workspace="s3://bucket",
            prediction=self.prediction,
            transform=self.transform,
            errors=self.errors,
            **self.sections,
            output={"path": str(self.targets["result"]), "mode": self.mode, "format": "delta"},
        )

    def commits(self, kind: Kind) -> list[list[Any]]:
        """The rows of each commit."""
        prefix = f"{self.targets[kind].key}/commits/"
        return [json.loads(self.store.world.objects["bucket", key][0]) for key in self.store.world.tree(prefix)]
