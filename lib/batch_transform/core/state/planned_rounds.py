"""A plan and what is settled after it, by turns; what still runs then is carried over to the next plan. Pure.

| | reconciled whole | reconciled early |
|---|---|---|
| comes | when every job is judged | when some jobs are judged, others are not |
| names its jobs | no: it is of all that are not settled | yes |
| says | what is settled and left, whether to probe, why to end | what is settled and left; never that nothing is |
| then | another plan, the end, or the gate | another plan, whose jobs run beside those that are carried over |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from batch_transform.core.ledger import JsonObject, Part, Step, StepKind, require
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.state.job_records import PlannedJob, planned_jobs


def _planned(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    require(state.spans is not None, "planned after exported")
    last, number = state.last_round, state.next_round
    require(last is None or (last.leaves is not None and last.open_spans > 0), "no span is left to send")
    require(last is None or not last.stop, "the round before ended the run")
    jobs: list[PlannedJob] = step.payload["jobs"]
    names = [job.name for job in state.jobs] + [job["name"] for job in jobs]
    require(len(set(names)) == len(names), "a job's name comes twice")
    require(all(job["round"] == number for job in jobs), f"a job is not of round {number}")
    require(len(jobs) + 1 == len(parts), f"{len(jobs)} jobs with {len(parts)} parts, one of them what waits")
    records = planned_jobs(jobs, parts, state.plans + 1)
    planned = RoundRecord(parts[-1], step.payload["probe"], number)
    return replace(state, jobs=state.jobs + records, round_records=(*state.round_records, planned))


def _reconciled(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    last, p = state.last_round, step.payload
    require(last is not None and last.leaves is None, "once after a plan")
    require(len(parts) == 2, "a part of leaves and one of open spans")
    assert last is not None
    chosen = _settled_by(state, p, parts[1])
    require(all(job.verdicts is not None for job in chosen), "once its jobs are judged")
    jobs = tuple(replace(job, settled_in=state.plans) if job in chosen else job for job in state.jobs)
    done = replace(
        last,
        leaves=parts[0],
        open=parts[1],
        open_spans=parts[1].rows,
        scored_rows=p["scored_rows"],
        dead_rows=p["dead_rows"],
        probe_next=p["probe"],
        stop=tuple(p["stop"]),
        failed=tuple(p["failed"]),
        misread=p.get("misread", False),
        unread=p.get("unread", False),
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


TRANSITIONS: Mapping[StepKind, Callable[[RunState, Step, tuple[Part, ...]], RunState]] = {
    StepKind.PLANNED: _planned,
    StepKind.RECONCILED: _reconciled,
}
