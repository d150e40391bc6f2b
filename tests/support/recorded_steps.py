"""Steps of a ledger as drivers write them, for folds that need no driver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batch_transform.core.ledger import Part, Step
from support.core_tables import step

FILE = {"path": "f", "rows": 4, "first": 0, "last": 3, "json_bytes": 40, "largest": 10}
OPENED = step("opened", run_id="run", nonce="n", config={"a": 1}, at="2024-05-01T00:00:00+00:00")
STAGED = step("staged", files=[FILE], schema="{}")
EXPORTED = step("exported", parts=1, objects=1, bytes=9)
GATED = step("gated", parts=1, rows_scored=3, rows_dead_letter=1)
PUBLICATION = step("publication", parts=1, mode="append")
PUBLISHED = step("published", output="out")
DONE = step("done", report={"status": "published"})
RESUMED = step("resumed", config={"a": 1})
CLEANED = step("cleaned")
STOPPED = step("stopped")


def planned(*names: str, round_number: int = 1, probe: bool = False, witness: str | None = None) -> Step:
    jobs = [
        {"name": n, "request": {"n": n}, "round": round_number, "lane": "standard", "witness": witness} for n in names
    ]
    return step("planned", parts=len(names) + 1, jobs=jobs, probe=probe)


def created(name: str) -> Step:
    return step("job_created", job=name)


def ended(name: str, status: str = "Completed", **more: Any) -> Step:
    return step("job_ended", job=name, status=status, **more)


def judged(name: str, **more: Any) -> Step:
    return step("job_judged", parts=1, job=name, witness_scored=False, **more)


def reconciled(
    left: int = 0, stop: Sequence[str] = (), probe: bool = False, jobs: Sequence[str] | None = None, **more: Any
) -> Step:
    """Three rows are settled and `left` spans are left, of these jobs; None: of all that are not settled."""
    parts = (Part("leaves", 3, "d"), Part("open", left, "d"))
    named = {} if jobs is None else {"jobs": list(jobs)}
    payload = {"scored_rows": 2, "dead_rows": 1, "probe": probe, "stop": list(stop), "failed": [], **named, **more}
    return Step(0, "w", 1, "", "reconciled", 1, payload, parts)


def tried(name: str, round_number: int, left: int, stop: Sequence[str] = ()) -> list[Step]:
    """All the steps of a round of one job that leaves `left` spans."""
    first = planned(name, round_number=round_number)
    return [first, created(name), ended(name, "Failed"), judged(name), reconciled(left, stop)]
