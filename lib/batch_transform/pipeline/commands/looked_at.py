"""A recorded run as it stands: its ledger and lease, what its last driver said, what the service says of its jobs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from batch_transform.core.errors import BatchTransformError
from batch_transform.core.foreign_json import parsed
from batch_transform.core.object_store import ObjectNotFound
from batch_transform.core.publishing.standing import report_as_it_stands, standing, who_drives
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_state import RunState
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.commands.named_run import Reached
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.recorded import RecordedRun
from batch_transform.pipeline.remedies import way_on
from batch_transform.pipeline.spelling import reached_as_here
from batch_transform.pipeline.telling import Tell
from batch_transform.pipeline.world.aws_access import jobs_of

# At a run that others go on with while it is looked at, each time in another process.
_LOOKS = 4
_GOES_ON = (RunStatus.ENDED, RunStatus.DIED)


@dataclass(frozen=True)
class LookedAt:
    """A run as it stands.

    Attributes:
        state: of it, as of when its lease was looked at.
        report: of it; jobs in flight with the status that the service tells.
        driver: who was at work last, and whether they are; None: nobody ever was.
    """

    state: RunState
    report: RunReport
    driver: str | None


def looked_at(there: Reached, run: RecordedRun, state: RunState, tell: Tell) -> LookedAt:
    """Returns a run as it stands; what the service does not tell is left as the ledger has it, and told."""
    found = recorded_report(run, state)
    if not there.access.is_of_aws:  # a run that has not ended has not said so itself
        found.report["emulated"] = True
    if found.state.in_flight:
        _ask_for_jobs(there, found.state, found.report, tell)
    return found


def recorded_report(run: RecordedRun, state: RunState) -> LookedAt:
    """Returns a run as S3 alone tells it.

    A driver may have ended since its ledger was read: what it has recorded until it gave its lease back is read then.

    Args:
        run: as it was read.
        state: of it.
    """
    for _ in range(_LOOKS):
        lease = run.lease().look()
        status = standing(state, lease, run.lease_age_seconds())
        if status not in _GOES_ON:
            break
        known = len(run.ledger.steps)
        if len(run.ledger.load()) == known:
            break
        state = run.ledger.folded() or state
    report = report_as_it_stands(state, status, str(run.uri), last_said(run), CLOCK.now())
    is_of_frame = state.settings.is_of_frame
    # An earlier version named no command, and none goes on with a call of score().
    is_unsaid = report["status"] == RunStatus.INTERRUPTED and "next" not in report
    if is_unsaid or (report["status"] in _GOES_ON and is_of_frame):
        report["next"] = way_on(str(run.uri), takes_frame=is_of_frame)
    _reach_as_here(report)
    return LookedAt(state, report, who_drives(lease, status))


def _reach_as_here(report: RunReport) -> None:
    """Has the commands that a report names begin from here."""
    if said := report.get("next"):
        report["next"] = reached_as_here(said)
    if said := report.get("see_errors"):
        report["see_errors"] = reached_as_here(said)
    if lines := report.get("error"):
        report["error"] = [reached_as_here(line) for line in lines]
    if lines := report.get("ways"):
        report["ways"] = [reached_as_here(line) for line in lines]


def last_said(run: RecordedRun) -> RunReport | None:
    """Returns what the run's last driver, or `stop`, has written of its end, where that is a report."""
    with suppress(ObjectNotFound, ValueError):
        said: RunReport = parsed(run.store.get(run.layout.status)[0])
        if isinstance(said, dict) and said.keys() >= _OF_A_REPORT and isinstance(said["status"], str):
            return said
    return None


# By which a report is told from one of a run that did not begin, and what is taken over from it.
_OF_A_REPORT = {"seconds_by_step", "status", "report", "advice"}


def _ask_for_jobs(there: Reached, state: RunState, report: RunReport, tell: Tell) -> None:
    jobs = jobs_of(there.access)
    flying = {job.name for job in state.in_flight}
    for told in report["jobs"]:
        if told["name"] not in flying:
            continue
        try:
            found = jobs.describe(told["name"])
        except BatchTransformError as err:
            tell(f"its state is not known: {err}")
            continue
        times = found.created_at, found.started_at, found.ended_at
        told["status"], told["failure_reason"] = found.status.value, found.failure_reason
        told["created_at"], told["started_at"], told["ended_at"] = (at.isoformat() if at else None for at in times)
