"""The run's state is a fold over its ledger.

| step kind | may come | and sets |
|---|---|---|
| opened | first | run id, nonce, configuration |
| resumed | any time | that another driver went on, its configuration; what failed or was stopped may be tried again |
| staged | once | the staged files |
| exported | after staged | the spans |
| planned | after exported, and after `reconciled` that left spans open | jobs of a round and their requests: intent |
| replanned | for a job not yet created | its new name and request: intent |
| model_recorded | any time before done | what the model is that the next jobs are created with |
| job_created | after planned, for a job not yet created | created |
| job_stopping | for a job that has not ended: intent | that this run asks for its end, and why; whether a person did |
| stopped | any time before done | that a person has stopped the run, whether jobs were in flight or not |
| job_ended | for a created job | terminal status |
| job_judged | for an ended job | the verdicts on its spans |
| inferred | when every job that is not settled has ended | the predictions' schema, if it is to be inferred |
| reconciled | once after `planned`, of judged jobs (`planned_rounds`) | what is settled, and left; whether to go on |
| mended | for a job that is not judged, or spans that are left open | spans of which objects were exported again |
| | after publication | that dead letters have lost the lines that were their evidence |
| unscored | when no span is left, before published | outputs gone or altered: spans open again; committed dead rows |
| retried | on request, after a round and before publication | dead rows that are open again |
| unstaged | before the first round | that the input is to be staged again, and whether copies of its files do not do |
| unmerged | after publication | that merged files were lost, and are to be merged again |
| gated | when no span is left | the counts |
| checked | after gated, before publication | that `expect` is not met, with what was found |
| publication | after gated: intent | what publishing will do; `resumed` may undo an intent to commit |
| published | after publication | that it was done |
| done | after published | the report |
| cleaned | any time, once | that all but the ledger is removed; nothing may follow; or its rows (`rows`) |

Everything else raises, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from batch_transform.core.errors import LedgerCorrupt
from batch_transform.core.ledger import Step, StepKind, require, written_later
from batch_transform.core.report_keys import RunReport
from batch_transform.core.resuming import repair, retried_dead_rows
from batch_transform.core.resuming.resumed_run import inferred, intended, replanned, resumed
from batch_transform.core.run_state import ASKED, JobRecord, Recorded, RunState
from batch_transform.core.staged_table import Staged
from batch_transform.core.state import planned_rounds
from batch_transform.core.state.model_versions import model_recorded
from batch_transform.core.state.payload_forms import LaterForm, check_payload
from batch_transform.core.state.planned_rounds import judged
from batch_transform.core.statuses import JobStatus


def fold(steps: Iterable[Step]) -> RunState | None:
    """Returns the state after `steps`, None for an empty ledger.

    Raises:
        ConfigurationError: a later version has written one of them.
        LedgerCorrupt: an illegal transition.
    """
    state = None
    for step in steps:
        state = advance(state, step)
    return state


def advance(state: RunState | None, step: Step) -> RunState:
    """Returns the state after one more step.

    Raises:
        ConfigurationError: a later version has written it, which knows of more: nothing is damaged.
        LedgerCorrupt: an illegal transition, or a step that does not say what its kind must. What the fold itself trips
            over is its own fault, and raises what it is.
    """
    try:
        check_payload(step)
    except LaterForm as err:
        raise written_later(step.number, str(err)) from err
    except ValueError as err:
        raise LedgerCorrupt(
            f"step {step.number} ({step.kind}) lacks something, or has it in another form: {err}"
        ) from err
    try:
        return _opened(step) if state is None else _after(state, step)
    except ValueError as err:
        raise LedgerCorrupt(f"step {step.number} ({step.kind}) is out of its place: {err}") from err


def _opened(step: Step) -> RunState:
    require(step.kind == StepKind.OPENED, "a ledger begins with `opened`")
    p = step.payload
    at, apart = p["at"], p.get("rows_apart", False)
    return RunState(p["run_id"], p["nonce"], p["config"], at, at, driver_at=at, rows_apart=apart)


def _after(state: RunState, step: Step) -> RunState:
    try:
        kind = StepKind(step.kind)
    except ValueError:
        raise written_later(step.number, f"which knows of {step.kind!r}, as this one does not") from None
    if state.cleaned or kind not in _TRANSITIONS:
        raise ValueError("the run was cleaned" if state.cleaned else "a ledger is opened once")
    return _with_times(_TRANSITIONS[kind](state, step), step)


def _with_times(state: RunState, step: Step) -> RunState:
    state = replace(state, moved_at=step.payload.get("at", state.moved_at))
    if (seconds := step.payload.get("seconds")) is None:
        return state
    total = round(state.seconds_by_step.get(step.kind, 0.0) + seconds, 3)
    return replace(state, seconds_by_step={**state.seconds_by_step, step.kind: total})


def _inferred(state: RunState, step: Step) -> RunState:
    ended = bool(state.unsettled) and all(job.status is not None for job in state.unsettled)
    require(ended and state.inferred is None, "once, after all jobs have ended")
    return inferred(state, step.payload)


def _staged(state: RunState, step: Step) -> RunState:
    require(state.staged is None, "already staged")
    return replace(state, staged=Staged.of(step.payload))


def _exported(state: RunState, step: Step) -> RunState:
    require(state.staged is not None and state.spans is None, "exported once, after staged")
    require(len(step.parts) == 1, "one part of spans")
    return replace(state, spans=step.parts[0], record_sizes=step.payload.get("record_sizes"))


def _job_created(state: RunState, step: Step) -> RunState:
    job = _known_job(state, step)
    require(not job.created, "already created")
    created = replace(job, created=True, model=step.payload.get("model"), created_at=step.payload.get("at"))
    return replace(state, accepts_model=False).with_job(created)


def _job_stopping(state: RunState, step: Step) -> RunState:
    job, reason = _known_job(state, step), step.payload["reason"]
    require(job.status is None, "it has ended")
    state = replace(state, stopped=state.stopped or reason == ASKED)
    return state.with_job(replace(job, stop_reason=reason))


def _stopped(state: RunState, step: Step) -> RunState:
    require(state.report is None, "the run is published")
    return replace(state, stopped=True)


def _job_ended(state: RunState, step: Step) -> RunState:
    job, p = _known_job(state, step), step.payload
    require(job.created and job.status is None, "ends once, after it was created")
    status = JobStatus.parse(p["status"])
    require(status.is_terminal, f"{status.value} is no end")
    ended = replace(
        job,
        status=status,
        failure_reason=p.get("failure_reason"),
        created_at=p.get("created_at"),
        started_at=p.get("started_at"),
        ended_at=p.get("ended_at"),
    )
    return state.with_job(ended)


def _job_judged(state: RunState, step: Step) -> RunState:
    job = _known_job(state, step)
    require(job.status is not None and job.verdicts is None, "judged once, after it ended")
    require(len(step.parts) == 1, "one part of verdicts")
    return state.with_job(judged(job, step.payload, step.parts[0]))


def _gated(state: RunState, step: Step) -> RunState:
    require(state.is_settled and state.gate is None, "gated once, after every span was settled")
    require(len(step.parts) in (1, 2), "a part of leaves, and one where some are committed already")
    return replace(state, gate=Recorded(dict(step.payload), step.parts), expectations=None)


def _checked(state: RunState, step: Step) -> RunState:
    require(state.gate is not None and state.publication is None, "after the gate, before the publication")
    return replace(state, expectations=tuple(step.payload["expectations"]))


def _publication(state: RunState, step: Step) -> RunState:
    require(state.gate is not None and state.publication is None, "intended once, after the gate")
    if "expectations" in step.payload:
        state = replace(state, expectations=tuple(step.payload["expectations"]))
    return intended(state, Recorded(dict(step.payload), step.parts))


def _published(state: RunState, step: Step) -> RunState:
    require(state.publication is not None and state.published is None, "published once, after the intent")
    return replace(state, published=dict(step.payload))


def _done(state: RunState, step: Step) -> RunState:
    require(state.published is not None and state.report is None, "done once, after published")
    report: RunReport = step.payload["report"]
    return replace(state, report=report)


_TRANSITIONS: dict[StepKind, Callable[[RunState, Step], RunState]] = {
    StepKind.RESUMED: lambda state, step: resumed(state, step.payload),
    StepKind.STAGED: _staged,
    StepKind.EXPORTED: _exported,
    StepKind.REPLANNED: lambda state, step: replanned(state, step.payload),
    StepKind.MODEL_RECORDED: lambda state, step: model_recorded(state, step.payload),
    StepKind.JOB_CREATED: _job_created,
    StepKind.JOB_STOPPING: _job_stopping,
    StepKind.STOPPED: _stopped,
    StepKind.JOB_ENDED: _job_ended,
    StepKind.INFERRED: _inferred,
    StepKind.JOB_JUDGED: _job_judged,
    StepKind.GATED: _gated,
    StepKind.CHECKED: _checked,
    StepKind.PUBLICATION: _publication,
    StepKind.PUBLISHED: _published,
    StepKind.DONE: _done,
    StepKind.CLEANED: lambda state, step: replace(state, cleaned="rows" not in step.payload, forgotten=True),
    **planned_rounds.TRANSITIONS,
    **repair.TRANSITIONS,
    **retried_dead_rows.TRANSITIONS,
}


def _known_job(state: RunState, step: Step) -> JobRecord:
    try:
        return state.job(step.payload["job"])
    except KeyError:
        raise LedgerCorrupt(
            f"step {step.number} ({step.kind}) is about {step.payload['job']}, a job that was not planned"
        ) from None
