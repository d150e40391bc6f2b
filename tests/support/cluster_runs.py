"""What a run on a cluster left: its result, its dead letters, its ledger, and the objects that nothing refers to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch_transform.core.isolation.verdict_rows import names_of
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_state import RunState
from batch_transform.core.spans import SPAN_SCHEMA, conformed
from batch_transform.core.uris import S3Uri
from batch_transform.s3.ledger import Ledger
from batch_transform.s3.store import S3Store
from support.cluster_driver import POISON, POISON_ROW, ROWS, ROWS_OF_TASK, TASKS
from support.clusters import Cluster
from support.emulated import BUCKET, Emulated
from support.watching_proxy import WatchingProxy

BAD = [str(key) for key in range(POISON_ROW, ROWS, ROWS_OF_TASK)]
SCORED = sorted((str(key), "good", key * 7, str(key)) for key in range(ROWS) if str(key) not in BAD)
DEAD = sorted((key, "bad", int(key) * 7, "rejected by the model") for key in BAD)


@dataclass(frozen=True)
class ClusterRun:
    """A run that has ended."""

    world: Emulated
    run_id: str
    folder: Path
    report: dict[str, Any]

    def scored(self) -> list[tuple[Any, ...]]:
        """Returns the published rows, sorted."""
        table = pq.read_table(self.folder / "out")
        return sorted(zip(*[table[name].to_pylist() for name in ("key", "note", "other", "echo")], strict=True))

    def dead(self) -> list[tuple[Any, ...]]:
        """Returns the published dead letters with their class, sorted."""
        table = pq.read_table(self.folder / "out_dead_letter")
        columns = [*[table[name] for name in ("key", "note", "other")], pc.struct_field(table["error"], "class")]
        return sorted(zip(*[column.to_pylist() for column in columns], strict=True))

    def state(self) -> RunState:
        """Returns what the ledger says."""
        state = self._ledger().state()
        assert state is not None
        return state

    def named(self) -> set[str]:
        """Returns the input objects that the ledger names."""
        state, ledger = self.state(), self._ledger()
        assert state.spans is not None
        parts = [state.spans, *[job.spans for job in state.jobs]]
        spans = [span for part in parts for span in conformed(ledger.read_part(part), SPAN_SCHEMA).to_pylist()]
        named = {name for span in spans for name in names_of(span)}
        return named | {name for job in state.jobs for name in job.controls}

    def sent(self) -> set[str]:
        """Returns the input objects that a manifest names."""
        return {name for job in self.world.jobs(self.run_id) for name in self.world.inputs(job)}

    def inputs(self) -> set[str]:
        """Returns the objects that lie in the run's input folder."""
        return {key.rpartition("/")[2] for key in self.world.objects(f"rows/{self.run_id}/input/")}

    def staged(self) -> dict[str, int]:
        """Returns the rows of each staged file that the ledger names."""
        state = self.state()
        assert state.staged is not None
        return {file.path: file.rows for file in state.staged.files}

    def _ledger(self) -> Ledger:
        store = S3Store(self.world.client("s3"))
        return Ledger(store, RunLayout(S3Uri(BUCKET, ""), self.run_id), "reader", 0, lambda seconds: None)


def run_on(
    cluster: Cluster,
    world: Emulated,
    proxy: WatchingProxy,
    folder: Path,
    partitions: int = TASKS,
    *,
    provenance: bool = False,
) -> ClusterRun:
    """Returns a run over the rows of `cluster_driver`, all of whose requests go through the proxy."""
    aws = {"endpoint_url": proxy.url, "region": "us-east-1"}
    prediction = {"schema": "echo string", "provenance": provenance}
    arguments = world.arguments(
        folder, aws=aws, prediction=prediction, errors={"max_rows": TASKS}, columns=["key", "note", "other"]
    )
    with world.faults({"fault": "status", "status": 400, "record": POISON}):
        report = cluster.score(arguments, proxy.url, partitions)
    return ClusterRun(world, arguments["run_id"], folder, report)
