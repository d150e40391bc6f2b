"""One run of ours, step by step, in a session that is there: staged, exported, answered, merged."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from pyspark.sql import SparkSession

from batch_transform.config.loading import FrameConfig
from batch_transform.config.runfile import RunConfig
from batch_transform.core.isolation.verdict_rows import LEAF_SCHEMA, SCORED
from batch_transform.core.run_state import Recorded, RunState
from batch_transform.core.state.actions import Export
from batch_transform.core.state.next_action import next_action
from batch_transform.outputs.copied_files import FileFormat
from batch_transform.outputs.registry import output_formats
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.loop.handlers.stage import export_rows
from batch_transform.pipeline.tables.source import Source
from batch_transform.pipeline.tables.spark_tables import SparkTables
from benchmarks.peers.local_objects import LocalObjects, LocalPlaces
from benchmarks.peers.model_server import answer_to
from support.emulated import Emulated
from support.runs import silent

_JOB = "the-job"


@dataclass
class Steps:
    """A run over a table, of which the driver does the steps; its ledger is on the emulator, its objects are files.

    Attributes:
        source: the path of the table.
        format: of the table, and of what is merged.
        by_path: whether the run file names the table; else it is a DataFrame that `score` is given.
        sections: more of the run file.
    """

    spark: SparkSession
    world: Emulated
    source: str
    format: str
    folder: Path
    by_path: bool = True

    def __post_init__(self) -> None:
        self.objects = LocalObjects(str(self.folder / "objects"))
        self.output = str(self.folder / "output")

    def open(self) -> Steps:
        """Returns this run once it may begin: all that is checked before staging is done."""
        document = self.world.arguments(self.folder, output={"path": self.output, "format": self.format})
        document |= {"model": {"name": document["model"]}, "prediction": {"schema": "p long"}}
        document["input"] = {"path": self.source, "format": self.format}
        source = None
        kind: type[RunConfig] = RunConfig
        if not self.by_path:  # as `score` has it
            df = self.spark.read.format(self.format).load(self.source)
            kind, source = FrameConfig, Source(df, is_scan=False)
            del document["input"]
        config = kind.from_document(document)
        driver = open_run(self.spark, config, self.world.access, silent, source)
        tables = driver.ctx.tables
        assert isinstance(tables, SparkTables)
        places = LocalPlaces(**vars(tables.places), objects=self.objects)
        local = replace(tables, places=places, connect=self.objects)
        self.driver = Driver(replace(driver.ctx, tables=local), driver.state)
        return self

    @property
    def state(self) -> RunState:
        """What the ledger says."""
        return self.driver.state

    def stage(self) -> None:
        """Writes the rows with their numbers."""
        assert self.driver.step()
        assert self.state.staged is not None

    def export(self, way: str = "arrow") -> None:
        """Writes the objects, by a way that `export` names; the last ones written are those that are answered."""
        ctx = replace(self.driver.ctx, tables=self._tables(export=way))
        action = next_action(self.state)
        assert isinstance(action, Export)
        (self.spans,) = export_rows(ctx, self.state, action).parts

    def answer(self) -> None:
        """Puts the model's answers where a job would have, and the outcome of every row."""
        ctx, rows = self.driver.ctx, []
        for span in ctx.ledger.read_part(self.spans).to_pylist():
            body, _ = self.objects.get(ctx.places.layout.input.join(span["object"]))
            etag = self.objects.put(
                ctx.places.layout.outputs.join(_JOB, f"{span['object']}.out"), answer_to(body) + b"\n"
            )
            lines = {"start": span["start"], "stop": span["stop"], "line": 0, "lines": span["stop"] - span["start"]}
            whose = {"state": SCORED, "job": _JOB, "object": span["object"], "etag": etag, "rounds": 1}
            rows.append({**lines, **whose, "at": "2024-05-01T00:00:00+00:00"})
        part = ctx.ledger.write_part(pa.Table.from_pylist(rows, schema=LEAF_SCHEMA))
        leaves = ctx.places.layout.part(part.key)
        self.objects.put(leaves, ctx.store.get(leaves)[0])
        scored = sum(row["lines"] for row in rows)
        self.gated = replace(self.state, gate=Recorded({"rows_scored": scored}, (part,)))

    def merge(self, way: str = "zip") -> str:
        """Returns the path of the merged table."""
        tables, how = self._tables(merge=way), output_formats()[self.format]
        if isinstance(how, FileFormat):
            return tables.write(self.gated, "result", how).tree.location.removeprefix("file://")
        tables.commit(self.gated, "result", how)
        return self.output

    def merged_plan(self) -> str:
        """Returns the physical plan of the merge."""
        plan: str = self._tables().merged(self.gated, "result")._jdf.queryExecution().executedPlan().toString()
        return plan

    def close(self) -> None:
        """Gives the lease back."""
        self.driver.ctx.lease.release()

    def _tables(self, **changes: str) -> SparkTables:
        tables = self.driver.ctx.tables
        assert isinstance(tables, SparkTables)
        return replace(tables, config=tables.config.model_copy(update=changes), writer=uuid.uuid4().hex[:12])
