"""What grows with a run, and what its driver takes for it: the project's own code on 1e6 to 1e10 rows.

    .venv/bin/python tests/benchmarks/growth.py [--objects 10000 100000 1000000 10000000]

Three tables in Markdown, in a few minutes, without Spark or a network. What a run makes at so many rows of 330 bytes:
by the functions that plan it. What a plan of so many rows takes. And what a driver takes for so many objects, step by
step, each number in a process of its own: CPU seconds, and the most memory while it is at that step.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "tests")]

from batch_transform.core.estimate.earlier_jobs import speed_told  # noqa: E402
from batch_transform.core.estimate.measured_records import LaneSize, Measured  # noqa: E402
from batch_transform.core.estimate.run_plan import Asked, RunPlan, run_plan  # noqa: E402
from batch_transform.core.framing import JSON_LINES, Framing  # noqa: E402
from batch_transform.core.isolation.observed_failures import JudgedJob  # noqa: E402
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA  # noqa: E402
from batch_transform.core.isolation.reconciling import Known, Reconciled, reconcile  # noqa: E402
from batch_transform.core.isolation.verdicts import Evidence, judge  # noqa: E402
from batch_transform.core.object_store import ObjectInfo  # noqa: E402
from batch_transform.core.publishing import gate  # noqa: E402
from batch_transform.core.resuming.altered_objects import found_below, hurt, input_pins, output_pins  # noqa: E402
from batch_transform.core.run_settings import RunSettings, TransformSettings  # noqa: E402
from batch_transform.core.run_state import JobRecord  # noqa: E402
from batch_transform.core.sending.job_planning import LanePlan, plan_lanes, spread_out  # noqa: E402
from batch_transform.core.sending.manifests import is_same, manifest, sent_names  # noqa: E402
from batch_transform.core.sending.partitioning import Partitioning, partition_count  # noqa: E402
from batch_transform.core.spans import STANDARD, StagedFile, check_tiling  # noqa: E402
from batch_transform.core.statuses import JobStatus  # noqa: E402
from batch_transform.core.uris import S3Uri  # noqa: E402
from batch_transform.s3.part_files import as_parquet  # noqa: E402
from benchmarks.ledger_scale import ROWS_OF_SPAN, exported, outputs  # noqa: E402

RECORD_BYTES = 330
INSTANCES = 64
LIST_PAGE = 1_000  # Amazon S3 API reference, ListObjectsV2: "up to 1,000" keys
PUTS, GETS = 3_500, 5_500  # Amazon S3 user guide, "Optimizing performance": a second and a prefix
FEW_OBJECTS = 1_000  # pipeline/loop/workspace_repair.py
INPUT = S3Uri("a-bucket", "scoring/rows/churn-2024-05-01/input")


def pages(objects: int, jobs: int, files: int) -> dict[str, int]:
    """Returns how many pages a run of one round lists, at most, by folder (held by test_listings.py)."""
    of_all, of_files = (max(1, math.ceil(count / LIST_PAGE)) for count in (objects, files))
    is_many = objects > FEW_OBJECTS
    return {
        "input": 2 * of_all if is_many else 2 * jobs + 1,
        "outputs": (3 if is_many else 4) * of_all + 2 * jobs,
        "staging": 5 * of_files if files > FEW_OBJECTS else jobs + 5,
    }


def planned(rows: int, framing: Framing = JSON_LINES, **transform: Any) -> RunPlan:
    """Returns the plan of so many rows of 330 bytes."""
    size = rows * RECORD_BYTES
    files = partition_count(size)
    settings = RunSettings(transform=TransformSettings(instance_count=INSTANCES, **transform))
    table = Measured({STANDARD: LaneSize(rows, size, 2 * RECORD_BYTES)}, partitions=Partitioning(files, files))
    return run_plan(table, Asked(settings, framing), speed_told((), 0, settings.transform), None)


def run_row(rows: int) -> list[str]:
    """Returns what a run of so many rows makes, as the cells of a row."""
    plan = planned(rows)
    (lane,) = plan["jobs"]
    jobs = next(step["jobs"] for step in plan["instances"] if step["configured"])
    objects, files = lane["objects"], plan["staged_partitions"]
    asked = pages(objects, jobs, files)
    least = max(3 * objects / GETS, 2 * objects / PUTS)
    return [
        f"{rows:,}",
        f"{plan['bytes'] / 1e9:,.1f}",
        f"{plan['object_bytes'] / 1e6:.0f}",
        f"{objects:,}",
        f"{files:,}",
        f"{jobs:,}",
        f"{sum(asked.values()):,}",
        f"{least:,.0f}",
        f"{objects * LEDGER_BYTES / 1e6:,.1f}",
    ]


LEDGER_BYTES = 140  # of an object in all parts of a run of one round; ledger_scale.py prints it


@dataclass(frozen=True)
class Cost:
    """What a step took."""

    step: str
    cpu_seconds: float
    peak_mb: float


def taken(step: str, work: Callable[[], Any], told: list[Cost]) -> Any:
    """Returns what some work gives, and notes what it took."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux: the high-water mark begins anew
    began = time.process_time()
    made = work()
    told.append(Cost(step, time.process_time() - began, _peak_mb()))
    return made


def _peak_mb() -> float:
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="ascii").split("\n")
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def shown(folder: str, names: pa.ChunkedArray, etags: pa.ChunkedArray) -> Iterator[ObjectInfo]:
    """Yields a listing."""
    at = datetime(2024, 5, 1, tzinfo=timezone.utc)
    for name, etag in zip(names, etags, strict=True):
        yield ObjectInfo(f"{folder}{name}", etag.as_py(), RECORD_BYTES, at)


def ended(place: int) -> JobRecord:
    """Returns a job that has completed."""
    at = "2024-05-01T00:00:00+00:00"
    return JobRecord(f"churn-n-r1-s{place}-a1", {}, 1, STANDARD, None, status=JobStatus.COMPLETED, ended_at=at)  # type: ignore[arg-type]


def drive(objects: int) -> list[Cost]:
    """Returns what a driver takes for so many objects: rows, plan, manifests, looks, verdicts, gate."""
    told: list[Cost] = []
    rows = objects * ROWS_OF_SPAN
    count = min(objects, partition_count(rows * RECORD_BYTES))
    bounds = np.linspace(0, rows, count + 1).astype(int).tolist()
    files = [StagedFile(f"f{a}", b - a, a, b - 1, 1, 1) for a, b in itertools.pairwise(bounds)]
    spans = taken("spans", lambda: exported(objects), told)
    taken("tiling", lambda: check_tiling(files, spans), told)
    transform = TransformSettings(instance_count=INSTANCES, instance_start_seconds=0)
    jobs: list[LanePlan] = taken("jobs", lambda: spread_out(plan_lanes(spans, "auto", "auto"), transform, 0), told)
    taken("manifest", lambda: len(b"".join(manifest(INPUT, sent_names(spans, [])))), told)
    same = lambda: is_same(manifest(INPUT, sent_names(spans, [])), manifest(INPUT, sent_names(spans, [])))  # noqa: E731
    taken("manifest looked at", same, told)
    listed = lambda: found_below(INPUT.prefix, shown(INPUT.prefix, spans["object"], spans["etag"]))  # noqa: E731
    found = taken("listing", listed, told)
    taken("objects looked at", partial(_looked_at, jobs, found), told)
    del found
    judged = taken("verdicts", partial(_judged, jobs), told)
    done: Reconciled = taken("reconciled", partial(_reconciled, judged, rows), told)
    del judged, jobs
    leaves = taken("leaves in their order", lambda: done.leaves.sort_by("start"), told)
    taken("gate", lambda: gate.check(files, leaves), told)
    taken("outputs looked at", lambda: output_pins(leaves), told)
    taken("leaves as a part", lambda: as_parquet(leaves), told)
    return told


def _looked_at(jobs: list[LanePlan], found: pa.Table) -> None:
    for job in jobs:
        hurt(input_pins(job.spans, JSON_LINES), found)


def _judged(jobs: list[LanePlan]) -> list[JudgedJob]:
    judged = []
    for place, job in enumerate(jobs):
        counted = outputs(job.spans, np.zeros(job.spans.num_rows, bool))
        judged.append(JudgedJob(ended(place), job.spans, judge(ended(place), job.spans, Evidence(counted, {}))))
    return judged


def _reconciled(judged: list[JudgedJob], rows: int) -> Reconciled:
    return reconcile(judged, OPEN_SCHEMA.empty_table(), Known(rows=rows), is_first=True, is_probe=False)


def print_table(heads: list[str], rows: Iterator[list[str]]) -> None:
    """Prints a table in Markdown."""
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print()


def driver_rows(objects: list[int]) -> Iterator[list[str]]:
    """Yields the rows of what a driver takes: a step each, beside one another the numbers of objects."""
    by_step: dict[str, list[str]] = {}
    for count in objects:
        said = subprocess.run([sys.executable, __file__, "--drive", str(count)], check=True, stdout=subprocess.PIPE)
        for cost in json.loads(said.stdout):
            cell = f"{cost['cpu_seconds']:.2f} s, {cost['peak_mb']:,.0f} MB"
            by_step.setdefault(cost["step"], []).append(cell)
    yield from ([step, *cells] for step, cells in by_step.items())


def plan_rows() -> Iterator[list[str]]:
    """Yields what a plan takes, also where each row is an object and where a job has many instances."""
    one_each = Framing(newline=False, whole=True)
    for rows in (10**6, 10**8, 10**10):
        costs: list[Cost] = []
        plan = taken("plan", lambda rows=rows: planned(rows), costs)
        taken("a row an object", lambda rows=rows: planned(rows, one_each, split="None"), costs)
        taken("and instances", lambda rows=rows: planned(rows, one_each, split="None", spread="instances"), costs)
        cells = [f"{cost.cpu_seconds:.3f} s, {cost.peak_mb:,.0f} MB" for cost in costs]
        yield [f"{rows:,}", f"{plan['jobs'][0]['objects']:,}", *cells]


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, nargs="+", default=[10**4, 10**5, 10**6, 10**7])
    parser.add_argument("--drive", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.drive:
        print(json.dumps([replace(cost).__dict__ for cost in drive(asked.drive)]))
        return
    heads = ["rows", "GB", "object MB", "objects", "staged files", "jobs", "pages listed", "S3 at least s", "ledger MB"]
    print_table(heads, (run_row(10**power) for power in range(6, 11)))
    print_table(["rows", "objects", "plan", "a row an object", "and `spread: instances`"], plan_rows())
    print_table(["driver's step", *(f"{count:,} objects" for count in asked.objects)], driver_rows(asked.objects))


if __name__ == "__main__":
    main()
