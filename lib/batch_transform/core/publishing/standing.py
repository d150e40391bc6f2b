"""Where a recorded run stands, by its ledger, its lease, and what its last driver said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from batch_transform.core.lease import Lease
from batch_transform.core.publishing.report import Took, run_report
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_state import RunState
from batch_transform.core.statuses import GONE_ON_WITH, RunStatus

_SAID_AT_ITS_END = ("error", "ways", "next", "emulated", "see_errors", "seconds", "resumed")


def standing(state: RunState, lease: Lease | None, age_seconds: float) -> RunStatus:
    """Returns where a run stands.

    Args:
        state: the run.
        lease: as it is; None: nobody ever held it.
        age_seconds: since it was renewed, by S3's clock in whole seconds: good enough to tell a person, too coarse to
            decide anything.
    """
    if state.report is not None:
        return RunStatus.PUBLISHED
    if state.cleaned:
        return RunStatus.CLEANED
    if lease is None or lease.released:
        return RunStatus.ENDED
    return RunStatus.RUNNING if age_seconds < lease.ttl_seconds else RunStatus.DIED


def report_as_it_stands(
    state: RunState, status: RunStatus, workspace: str, said: RunReport | None, now: datetime
) -> RunReport:
    """Returns the report of a run that is looked at, with what its last driver said where nothing was recorded since.

    Each step that a driver does adds to the seconds of its kind; by these it is known whether one came later.

    Args:
        state: the run.
        status: as `standing` says.
        workspace: the run's own folder on S3.
        said: `status.json`; None: there is none.
        now: the time of day.
    """
    took = Took.until(now, datetime.fromisoformat(state.driver_at), state) if status is RunStatus.RUNNING else None
    report = run_report(state, status, workspace, took)
    if status is RunStatus.PUBLISHED:
        said = state.report
    elif status is not RunStatus.ENDED or not _is_of(state, said):
        said = None
    if said is None:
        return report
    # Those of a published run were told before its last step was recorded.
    report["seconds_by_step"] = said["seconds_by_step"]
    report["status"] = said["status"]
    return _taken_over(report, said)


def report_of_stopped(
    state: RunState, before: RunState, workspace: str, said: RunReport | None, way: str, *, emulated: bool
) -> RunReport:
    """Returns the report of a run that `stop` has ended, with what the end of its last driver has said.

    Args:
        state: the run.
        before: the run when that driver had left it.
        workspace: the run's own folder on S3.
        said: `status.json`, as that driver has left it; None: there is none.
        way: what goes on with the run.
        emulated: as of `run_report`.
    """
    report = run_report(state, RunStatus.INTERRUPTED, workspace, emulated=emulated)
    report["next"] = way
    if said is None:
        return report
    if not _is_of(before, said):
        report["report"] = said["report"]
        return report
    _taken_over(report, said)
    is_told = bool(said.get("ways") or said["advice"])
    if said["status"] in GONE_ON_WITH:  # its end tells itself what goes on, if anything does
        report["next"] = said.get("next", way)
    else:  # a poll does not go on with it now
        report["next"] = None if is_told and not said.get("next") else way
    return report


def _is_of(state: RunState, said: RunReport | None) -> bool:
    """Whether nothing was recorded since an end was told."""
    return said is not None and said["seconds_by_step"] == state.seconds_by_step


def _taken_over(report: RunReport, said: RunReport) -> RunReport:
    """The report with what the end of a driver has said beside the state."""
    report["report"], report["advice"] = said["report"], said["advice"]
    for key in _SAID_AT_ITS_END:
        if key in said:
            report[key] = said[key]  # type: ignore[literal-required]
    return report


def who_drives(lease: Lease | None, status: RunStatus) -> str | None:
    """Returns who was at work on a run last, and whether they are; None: nobody ever was."""
    if lease is None:
        return None
    said: Mapping[RunStatus, str] = {RunStatus.RUNNING: "is at work", RunStatus.DIED: "has died"}
    return f"{lease.who} ({said.get(status, 'has ended')})"
