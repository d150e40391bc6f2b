"""The run's state is a fold over its ledger.

| step kind | may come | and sets |
|---|---|---|
| opened | first | run id, nonce, configuration |
| resumed | any time | that another driver took over, which may try again what failed before |
| staged | once | the staged files |
| exported | after staged | the spans |
| planned | after exported, and after a round that left spans to send again | a round's jobs and requests: intent |
| job_created | after planned, for a job not yet created | created |
| job_ended | for a created job | terminal status |
| job_judged | for an ended job | the outcome of its spans |
| gated | when every job is judged | the counts |
| publication | after gated: intent | what publishing will do |
| published | after publication | that it was done |
| done | after published | the report |

Everything else raises, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from .errors import LedgerCorrupt
from .ledger import Part, Step
from .records import JobRecord, Recorded, RunState, Staged
from .spans import StagedFile
from .status import JobStatus


def fold(steps: Iterable[Step]) -> RunState | None:
    """Returns the state after `steps`, None for an empty ledger.

    Raises:
        LedgerCorrupt: an unknown kind or an illegal transition.
    """
    state: RunState | None = None
    for step in steps:
        state = advance(state, step)
    return state


def advance(state: RunState | None, step: Step) -> RunState:
    """Returns the state after one more step.

    Raises:
        LedgerCorrupt: an unknown kind, an illegal transition, or a step that does not say what its kind must.
    """
    try:
        return _opened(step) if state is None else _after(state, step)
    except (KeyError, TypeError, ValueError) as err:
        raise LedgerCorrupt(f"step {step.number} ({step.kind}) cannot be read: {err!r}") from err


def _opened(step: Step) -> RunState:
    _require(step.kind == "opened", step, "a ledger begins with `opened`")
    p = step.payload
    return RunState(p["run_id"], p["nonce"], p["config"], p["at"])


def _after(state: RunState, step: Step) -> RunState:
    transition = _TRANSITIONS.get(step.kind)
    if transition is None:
        raise LedgerCorrupt(f"step {step.number}: unknown kind {step.kind!r}")
    return _with_seconds(transition(state, step, step.parts), step)


def _with_seconds(state: RunState, step: Step) -> RunState:
    seconds = step.payload.get("seconds")
    if seconds is None:
        return state
    total = state.seconds_by_step.get(step.kind, 0.0) + seconds
    return replace(state, seconds_by_step={**state.seconds_by_step, step.kind: round(total, 3)})


def _require(condition: bool, step: Step, why: str) -> None:
    if not condition:
        raise LedgerCorrupt(f"step {step.number} ({step.kind}) cannot be: {why}")


def _resumed(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    return replace(state, rounds_before=state.rounds)


def _staged(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    _require(state.staged is None, step, "already staged")
    files = tuple(StagedFile(**file) for file in step.payload["files"])
    return replace(state, staged=Staged(step.payload["schema"], files))


def _exported(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    _require(state.staged is not None and state.spans is None, step, "exported once, after staged")
    _require(len(parts) == 1, step, "one part of spans")
    return replace(state, spans=parts[0])


def _planned(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    _require(state.spans is not None, step, "planned after exported")
    _require(not state.planned or state.spans_to_retry > 0, step, "no span is left to send")
    _require(_all_judged(state), step, "a job of the round before is not judged")
    jobs = step.payload["jobs"]
    names = [job.name for job in state.jobs] + [job["name"] for job in jobs]
    _require(len(set(names)) == len(names), step, "a job's name comes twice")
    _require(len(jobs) == len(parts), step, f"{len(jobs)} jobs with {len(parts)} parts")
    records = tuple(
        JobRecord(job["name"], job["request"], job["round"], job["lane"], part)
        for job, part in zip(jobs, parts, strict=True)
    )
    return replace(state, planned=True, jobs=state.jobs + records)


def _job_created(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    job = _known_job(state, step)
    _require(not job.created, step, "already created")
    return _with_job(state, replace(job, created=True))


def _job_ended(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    job, p = _known_job(state, step), step.payload
    _require(job.created and job.status is None, step, "ends once, after it was created")
    status = JobStatus.parse(p["status"])
    _require(status.is_terminal, step, f"{status.value} is no end")
    ended = replace(
        job,
        status=status,
        failure_reason=p.get("failure_reason"),
        created_at=p.get("created_at"),
        started_at=p.get("started_at"),
        ended_at=p.get("ended_at"),
    )
    return _with_job(state, ended)


def _job_judged(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    job = _known_job(state, step)
    _require(job.status is not None and job.verdicts is None, step, "judged once, after it ended")
    _require(len(parts) == 1, step, "one part of verdicts")
    p = step.payload
    judged = replace(job, verdicts=parts[0], spans_to_retry=p["spans_to_retry"], model_failed=p["model_failed"])
    return _with_job(state, judged)


def _gated(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    decided = _all_judged(state) and not state.spans_to_retry
    _require(state.planned and decided and state.gate is None, step, "gated once, after every span was judged")
    _require(len(parts) == 1, step, "one part of leaves")
    return replace(state, gate=Recorded(dict(step.payload), parts))


def _publication(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    _require(state.gate is not None and state.publication is None, step, "intended once, after the gate")
    return replace(state, publication=Recorded(dict(step.payload), parts))


def _published(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    _require(state.publication is not None and state.published is None, step, "published once, after the intent")
    return replace(state, published=dict(step.payload))


def _done(state: RunState, step: Step, parts: tuple[Part, ...]) -> RunState:
    _require(state.published is not None and state.report is None, step, "done once, after published")
    return replace(state, report=dict(step.payload["report"]))


_TRANSITIONS: dict[str, Callable[[RunState, Step, tuple[Part, ...]], RunState]] = {
    "resumed": _resumed,
    "staged": _staged,
    "exported": _exported,
    "planned": _planned,
    "job_created": _job_created,
    "job_ended": _job_ended,
    "job_judged": _job_judged,
    "gated": _gated,
    "publication": _publication,
    "published": _published,
    "done": _done,
}


def _all_judged(state: RunState) -> bool:
    return all(job.verdicts is not None for job in state.jobs)


def _known_job(state: RunState, step: Step) -> JobRecord:
    try:
        return state.job(step.payload["job"])
    except KeyError:
        raise LedgerCorrupt(f"step {step.number} ({step.kind}): no job {step.payload['job']!r} was planned") from None


def _with_job(state: RunState, job: JobRecord) -> RunState:
    return replace(state, jobs=tuple(job if other.name == job.name else other for other in state.jobs))
