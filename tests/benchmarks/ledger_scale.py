"""The ledger of a run of 1,000,000 spans: what each step writes, and what it takes to know the state again.

    .venv/bin/python tests/benchmarks/ledger_scale.py [SPANS]

Rounds of the core itself, over a store that is a folder: round one sends every span and one in a hundred fails, round
two sends those. Printed are the bytes that each step wrote, and, in a process of its own, seconds and peak memory of
reading the ledger, folding it, checking that the spans tile the staged files, and proving the gate.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "tests")]

from batch_transform.core.isolation.error_classes import ErrorClass, Failure  # noqa: E402
from batch_transform.core.isolation.observed_failures import JudgedJob  # noqa: E402
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA  # noqa: E402
from batch_transform.core.isolation.reconciling import Known, reconcile  # noqa: E402
from batch_transform.core.isolation.verdicts import Evidence, judge  # noqa: E402
from batch_transform.core.object_store import AlreadyThere, ObjectInfo, ObjectNotFound  # noqa: E402
from batch_transform.core.predictions.output_counts import OUTPUT_SCHEMA  # noqa: E402
from batch_transform.core.publishing import gate  # noqa: E402
from batch_transform.core.run_layout import RunLayout  # noqa: E402
from batch_transform.core.spans import EXPORT_SCHEMA, SPAN_SCHEMA, StagedFile, check_tiling, without_history  # noqa: E402
from batch_transform.core.state.fold import advance, fold  # noqa: E402
from batch_transform.core.uris import S3Uri  # noqa: E402
from batch_transform.s3.ledger import Ledger  # noqa: E402

ROWS_OF_SPAN, FILES = 100, 2_000
RUN = RunLayout(S3Uri("bucket", ""), "run")
FAILED = Failure(ErrorClass.REJECTED, "the model answered 400")


class FolderStore:
    """As much of an object store as a ledger needs; counts what is written."""

    def __init__(self, root: Path) -> None:
        self.root, self.written = root, 0

    def _path(self, uri: S3Uri) -> Path:
        return self.root / uri.key

    def get(self, uri: S3Uri, if_match: str | None = None) -> tuple[bytes, str]:
        try:
            return self._path(uri).read_bytes(), ""
        except FileNotFoundError as err:
            raise ObjectNotFound("get", str(uri), "NoSuchKey", "") from err

    def put(self, uri: S3Uri, body: bytes) -> str:
        self._path(uri).parent.mkdir(parents=True, exist_ok=True)
        self._path(uri).write_bytes(body)
        self.written += len(body)
        return ""

    def put_new(self, uri: S3Uri, body: bytes) -> str:
        if self._path(uri).exists():
            raise AlreadyThere("put", str(uri), "PreconditionFailed", "")
        return self.put(uri, body)

    def list(self, prefix: S3Uri) -> Iterator[ObjectInfo]:
        for path in sorted(self._path(prefix).rglob("*.*")):
            yield ObjectInfo(str(path.relative_to(self.root)), "", 0, datetime.now(timezone.utc))


def exported(spans: int) -> pa.Table:
    """Objects of ROWS_OF_SPAN rows."""
    starts = np.arange(spans, dtype=np.int64) * ROWS_OF_SPAN
    names = [f"s{start}-{ROWS_OF_SPAN}-{start * 2654435761 % 2**64:016x}.jsonl" for start in starts.tolist()]
    columns: dict[str, Any] = {
        "start": starts,
        "stop": starts + ROWS_OF_SPAN,
        "lane": pa.repeat("standard", spans),
        "object": names,
        "bytes": np.full(spans, 33_000),
        "largest": np.full(spans, 400),
        "etag": pa.repeat('"d41d8cd98f00b204e9800998ecf8427e"', spans),
    }
    return without_history(pa.table(columns, schema=EXPORT_SCHEMA))


def outputs(spans: pa.Table, failing: np.ndarray) -> pa.Table:
    """What executors counted: all but the failing ones are as they should be."""
    there = spans.filter(pa.array(~failing))
    rows = len(there)
    columns: dict[str, Any] = {
        "object": there["object"],
        "etag": pc.binary_join_element_wise('"', there["object"], ""),
        "lines": pc.subtract(there["stop"], there["start"]),
        "blank": np.zeros(rows, dtype=np.int64),
        "unreadable": pa.array([[]] * rows, OUTPUT_SCHEMA.field("unreadable").type),
    }
    nothing = {field.name: pa.nulls(rows, field.type) for field in OUTPUT_SCHEMA if field.name not in columns}
    return pa.table({**columns, **nothing}).select(OUTPUT_SCHEMA.names).cast(OUTPUT_SCHEMA)


def write(root: Path, spans: int) -> Iterable[tuple[str, int]]:
    """Plays the run; yields each step's kind with the bytes that it wrote."""
    store = FolderStore(root)
    ledger = Ledger(store, RUN, "writer", 1, time.sleep)  # type: ignore[arg-type]
    state = None

    def step(kind: str, payload: dict[str, Any], tables: Iterable[pa.Table] = ()) -> tuple[str, int]:
        nonlocal state
        before = store.written
        parts = tuple(ledger.write_part(table) for table in tables)
        state = advance(state, ledger.append(kind, payload, parts))
        return kind, store.written - before

    yield step("opened", {"run_id": "run", "nonce": "n", "config": {}, "at": "now"})
    rows = spans * ROWS_OF_SPAN // FILES
    files = [StagedFile(f"s3://b/f{n}", rows, n * rows, (n + 1) * rows - 1, rows * 330, 400) for n in range(FILES)]
    yield step("staged", {"files": [asdict(file) for file in files], "schema": "{}"})
    sent = exported(spans)
    yield step("exported", {"objects": spans, "bytes": spans * 33_000}, [sent])
    waiting = OPEN_SCHEMA.empty_table()
    for number in (1, 2):
        name = f"run-n-r{number}-s0-a1"
        jobs = [{"name": name, "request": {}, "round": number, "lane": "standard"}]
        yield step("planned", {"jobs": jobs, "probe": False}, [sent, waiting])
        yield step("job_created", {"job": name, "at": "now"})
        yield step("job_ended", {"job": name, "status": "Failed", "failure_reason": "ClientError: See job logs"})
        assert state is not None
        failing = np.arange(len(sent)) % 100 == 7 if number == 1 else np.zeros(len(sent), bool)
        verdicts = judge(state.jobs[-1], sent, Evidence(outputs(sent, failing), {}))
        yield step("job_judged", {"job": name, "witness_scored": False}, [verdicts])
        judged = JudgedJob(state.jobs[-1], sent, verdicts)
        done = reconcile([judged], waiting, Known(), is_first=number == 1, is_probe=False)
        payload = {"scored_rows": 1, "dead_rows": 0, "probe": False, "stop": [], "failed": []}
        yield step("reconciled", payload, [done.leaves, done.open])
        # Sent again as they were: what a split would do to their number is not this benchmark's matter.
        sent = done.open.select(SPAN_SCHEMA.names).cast(SPAN_SCHEMA)
    leaves = [ledger.read_part(record.leaves) for record in state.round_records if record.leaves]
    table = pa.concat_tables(leaves)
    counts = gate.check(files, table)
    payload = {"rows_in": counts.rows_in, "rows_scored": counts.rows_scored, "rows_dead_letter": 0}
    yield step("gated", payload, [table])


def rebuild(root: Path) -> None:
    """Prints what it takes to know the state again, in this process."""
    began = time.perf_counter()
    ledger = Ledger(FolderStore(root), RUN, "reader", 1, time.sleep)  # type: ignore[arg-type]
    state = fold(ledger.load())
    assert state is not None
    assert state.spans is not None
    assert state.staged is not None
    folded = time.perf_counter()
    spans = ledger.read_part(state.spans)
    check_tiling(state.staged.files, spans)
    tiled = time.perf_counter()
    leaves = pa.concat_tables([ledger.read_part(record.leaves) for record in state.round_records if record.leaves])
    counts = gate.check(state.staged.files, leaves)
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"ledger read and folded in {folded - began:.2f} s; spans read and tiling checked in {tiled - folded:.2f} s")
    print(f"gate of {counts.rows_in:,} rows in {len(leaves):,} leaves proven in {ended - tiled:.2f} s")
    print(f"all in {ended - began:.2f} s; peak memory {peak:.2f} GB")


def main(arguments: list[str]) -> None:
    """Plays the run, prints its steps, and has another process read it."""
    if arguments[:1] == ["--rebuild"]:
        rebuild(Path(arguments[1]))
        return
    spans = int(arguments[0]) if arguments else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for kind, size in write(Path(folder), spans):
            print(f"{kind:<12} {size / 1e6:10.3f} MB")
        print(f"writing: peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB", flush=True)
        subprocess.run([sys.executable, __file__, "--rebuild", folder], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
