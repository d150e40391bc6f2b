"""A plan with its jobs, and what is settled after it, by turns; what still runs then is carried over to the next plan.

| | reconciled whole | reconciled early |
|---|---|---|
| comes | when every job is judged | when some jobs are judged, others are not |
| names its jobs | no: it is of all that are not settled | yes |
| says | what is settled and left, whether to probe, why to end | what is settled and left; never that nothing is |
| then | another plan, the end, or the gate | another plan, whose jobs run beside those that are carried over |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

from batch_transform.core.amounts import counted
from batch_transform.core.ledger import JsonObject, Part, Step, StepKind, require
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.service_shapes import TransformJobRequest


class _Planned(TypedDict):
    name: str
    round: int
    lane: str
    request: TransformJobRequest


class PlannedJob(_Planned, total=False):
    """One of the jobs of a step `planned`; what one of an earlier version does not say has its default."""

    controls: list[str]
    control_etags: list[str]
    is_helped: bool
    witness: str | None
    busy_share: float
    price_per_hour: float | None
    bytes: int


def planned_jobs(jobs: Sequence[PlannedJob], parts: Sequence[Part], plan: int) -> tuple[JobRecord, ...]:
    """Returns the jobs of a step `planned`, by its number; the parts of their spans come first."""
    return tuple(
        JobRecord(
            job["name"],
            job["request"],
            job["round"],
            job["lane"],
            part,
            controls=_controls(job),
            control_etags=tuple(job.get("control_etags", ())),
            is_helped=job.get("is_helped", False),
            busy_share=job.get("busy_share"),
            plan=plan,
            price_per_hour=job.get("price_per_hour"),
            bytes=job.get("bytes"),
        )
        for job, part in zip(jobs, parts, strict=False)
    )


def _controls(job: PlannedJob) -> tuple[str, ...]:
    # Before there were controls, a job had one of them at most, the witness.
    witness = job.get("witness")
    return tuple(job.get("controls", [witness] if witness else []))


def judged(job: JobRecord, payload: JsonObject, verdicts: Part) -> JobRecord:
    """Returns the job of a step `job_judged`; a ledger of before does not tell why a witness failed."""
    return replace(
        job,
        verdicts=verdicts,
        controls_passed=payload.get("controls_passed", int(payload.get("witness_scored", False))),
        controls_failed=payload.get("controls_failed", 0),
        instances=payload.get("instances"),
        data_logs=payload.get("data_logs"),
        objects_scored=payload.get("objects_scored", 0),
        objects_failed=payload.get("objects_failed", 0),
    )


def _planned(state: RunState, step: Step) -> RunState:
    require(state.spans is not None, "planned after exported")
    last, number = state.last_round, state.next_round
    require(last is None or (last.leaves is not None and last.open_spans > 0), "no span is left to send")
    require(last is None or not last.stop, "the round before ended the run")
    jobs: list[PlannedJob] = step.payload["jobs"]
    names = [job.name for job in state.jobs] + [job["name"] for job in jobs]
    require(len(set(names)) == len(names), "a job's name comes twice")
    require(all(job["round"] == number for job in jobs), f"a job is not of round {number}")
    require(
        len(jobs) + 1 == len(step.parts),
        f"{counted(len(jobs), 'job')} with {counted(len(step.parts), 'part')}, one of them what waits",
    )
    records = planned_jobs(jobs, step.parts, state.plans + 1)
    planned = RoundRecord(step.parts[-1], step.payload["probe"], number)
    return replace(state, jobs=state.jobs + records, round_records=(*state.round_records, planned))


def _reconciled(state: RunState, step: Step) -> RunState:
    last, p = state.last_round, step.payload
    require(last is not None and last.leaves is None, "once after a plan")
    require(len(step.parts) == 2, "a part of leaves and one of open spans")
    assert last is not None
    chosen = _settled_by(state, p, step.parts[1])
    require(all(job.verdicts is not None for job in chosen), "once its jobs are judged")
    jobs = tuple(replace(job, settled_in=state.plans) if job in chosen else job for job in state.jobs)
    done = replace(
        last,
        leaves=step.parts[0],
        open=step.parts[1],
        open_spans=step.parts[1].rows,
        scored_rows=p["scored_rows"],
        dead_rows=p["dead_rows"],
        probe_next=p["probe"],
        stop=tuple(p["stop"]),
        failed=tuple(p["failed"]),
        misread=p.get("misread", False),
        unread=p.get("unread", False),
        broken=p.get("broken", last.is_probe and bool(p["stop"])),
        trials=p.get("trials", {}),
        left_round=p.get("round", last.round_number),
    )
    return replace(state, jobs=jobs).with_last_round(done)


def _settled_by(state: RunState, payload: JsonObject, left: Part) -> tuple[JobRecord, ...]:
    """The jobs that a step settles: those that it names, or all that are not settled."""
    if (names := payload.get("jobs")) is None:
        return state.unsettled
    chosen = tuple(job for job in state.unsettled if job.name in names)
    require(0 < len(chosen) == len(names) < len(state.unsettled), "early of some of the jobs that are not settled")
    require(left.rows > 0 and not payload["stop"] and not payload["probe"], "early only to send what is left")
    return chosen


TRANSITIONS: Mapping[StepKind, Callable[[RunState, Step], RunState]] = {
    StepKind.PLANNED: _planned,
    StepKind.RECONCILED: _reconciled,
}
