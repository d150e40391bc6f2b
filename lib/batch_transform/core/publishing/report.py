"""The report of a run: one JSON document, printed as the last line and stored in the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from batch_transform.core.report_keys import InstanceSeconds, JobReport, RunReport
from batch_transform.core.run_settings import TransformSettings
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.sending.instances import cost_of, paid_seconds, spent, type_of
from batch_transform.core.state.model_versions import models_told
from batch_transform.core.statuses import RunStatus

_CUT_SHORT = (RunStatus.INTERRUPTED, RunStatus.FAILED, RunStatus.DIED, RunStatus.ENDED)


@dataclass(frozen=True)
class Took:
    """The seconds that a driver has taken, and whether it has gone on with what another had begun."""

    seconds: float
    resumed: bool = False

    @classmethod
    def until(cls, now: datetime, began: datetime, state: RunState) -> Took:
        """Returns it of a driver of a run; another machine, whose clock may be ahead, may have noted when it began."""
        seconds = max(0.0, (now - began).total_seconds())
        return cls(seconds, began > datetime.fromisoformat(state.opened_at))


def run_report(
    state: RunState,
    status: RunStatus,
    workspace: str,
    took: Took | None = None,
    see_errors: str | None = None,
    *,
    emulated: bool = False,
) -> RunReport:
    """Returns the report of a run as far as it has come.

    Args:
        state: the run.
        status: where it stands.
        workspace: the run's own folder on S3.
        took: what the driver has taken which reports; None: that is not told.
        see_errors: the command that shows what failed.
        emulated: whether something else answers for AWS; the embedded emulator is known by the run itself.
    """
    counts = state.gate.payload if state.gate else {}
    published, last = state.published or {}, state.last_round
    report: RunReport = {
        "run_id": state.run_id,
        "status": status.value,
        "model": state.settings.model_name,
        "rows_in": state.staged.rows if state.staged else None,
        "rows_scored": counts.get("rows_scored"),
        "rows_dead_letter": counts.get("rows_dead_letter"),
        "rounds": state.rounds,
        "errors": counts.get("errors", list(last.failed) if last else []),
        "advice": [*counts.get("advice", []), *_of_a_part(state, status)],
        "jobs": [_job(job, state.settings.transform) for job in state.jobs],
        "output": published.get("output"),
        "dead_letter": published.get("dead_letter"),
        "instance_seconds": _all_seconds(state.jobs),
        "cost_usd": _rounded(spent(state)) if _has_cost(state) else None,
        "seconds_by_step": state.seconds_by_step,
        "workspace": workspace,
        "report": None,
    }
    if took is not None:
        report["seconds"], report["resumed"] = round(took.seconds, 3), took.resumed
    if emulated or state.config.get("emulator"):
        report["emulated"] = True
    if see_errors:
        report["see_errors"] = see_errors
    _tell_what_is_known(report, state)
    return report


def _of_a_part(state: RunState, status: RunStatus) -> list[str]:
    """What is told of an end within the publication: of files some may be copied, of two tables one committed."""
    if state.publication is None or state.published is not None or status not in _CUT_SHORT:
        return []
    return ["Its publication has begun: a part of the run may be in the output already."]


def _tell_what_is_known(report: RunReport, state: RunState) -> None:
    """Adds the keys that a report has only where there is something to tell."""
    told = {**(state.publication.payload if state.publication else {}), **(state.published or {})}
    if state.stopped:
        report["stopped"] = True
    if state.inferred:
        report["prediction_schema"] = state.inferred
    if state.models:
        report["models"] = models_told(state)
    if ranges := told.get("predictions"):
        report["predictions"] = ranges
    if left_out := told.get("predictions_left_out"):
        report["predictions_left_out"] = left_out
    if state.record_sizes:
        report["record_sizes"] = state.record_sizes
    if state.expectations is not None:
        report["expectations"] = list(state.expectations)


def already_published(report: RunReport) -> str:
    """Returns what is told of a published run that is started again, beside its report."""
    return f"already published at {report.get('output') or report['workspace']}, nothing done"


def _seconds(job: JobRecord) -> InstanceSeconds | None:
    """What the instances of an ended job are paid for."""
    paid = paid_seconds(job)
    if paid is None:
        return None
    return {"paid": paid, "busy": None if job.busy_share is None else round(paid * job.busy_share, 3)}


def _all_seconds(jobs: Sequence[JobRecord]) -> InstanceSeconds:
    known = [each for each in map(_seconds, jobs) if each]
    busy = [each["busy"] for each in known if each["busy"] is not None]
    paid = round(sum(each["paid"] for each in known), 3)
    return {"paid": paid, "busy": round(sum(busy), 3) if len(busy) == len(known) else None}


def _has_cost(state: RunState) -> bool:
    """Whether what a run has cost is known: none of its jobs was created, or one has ended."""
    return not state.in_flight or any(job.status is not None for job in state.jobs)


def _rounded(cost: float | None) -> float | None:
    return None if cost is None else round(cost, 6)


def _job(job: JobRecord, transform: TransformSettings) -> JobReport:
    request = job.request
    report: JobReport = {
        "name": job.name,
        "round": job.round_number,
        "lane": job.lane,
        "objects": job.spans.rows,
        "bytes": job.bytes,
        "status": job.status.value if job.status else None,
        "failure_reason": job.failure_reason,
        "max_payload_mb": request.get("MaxPayloadInMB"),
        "max_concurrent_transforms": request.get("MaxConcurrentTransforms"),
        "instance_type": type_of(job),
        "instance_count": request["TransformResources"]["InstanceCount"],
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "instance_seconds": _seconds(job),
        "cost_usd": _rounded(cost_of(job, transform)),
    }
    if job.model:
        report["model_version"] = job.model
    return report
