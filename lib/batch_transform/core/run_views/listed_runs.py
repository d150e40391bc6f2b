"""The runs of a workspace, a line each. Pure."""

from __future__ import annotations

from typing import TypedDict

from batch_transform.core.escaping import one_line
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.statuses import RunStatus
from batch_transform.core.text_table import text_table

# What a status that one may take for another says.
_IN_WORDS = {
    RunStatus.OVER_BUDGET.value: "too many dead letters",
    RunStatus.OVER_COST.value: "over its cost",
    RunStatus.UNVERIFIED.value: "published, unverified",
}


class ListedRun(TypedDict):
    """One of the runs that `list` tells of; of one whose ledger cannot be read nothing is known but where it lies.

    Attributes:
        moved_at: when something was last recorded of it, by S3's clock.
        in_flight: jobs; `stopping` of them were asked to stop, and nobody has seen their end yet.
        error: why it cannot be read.
    """

    run_id: str | None
    status: str
    begun_at: str | None
    moved_at: str
    rows_in: int | None
    rows_scored: int | None
    rows_dead_letter: int | None
    jobs: int
    in_flight: int
    stopping: int
    model: str | None
    output: str | None
    workspace: str
    error: str | None


class ListedRuns(TypedDict):
    """The report of `list`: the runs of a workspace, the one that was last at work first."""

    workspace: str
    runs: list[ListedRun]


def jobs_at_work(state: RunState) -> tuple[JobRecord, ...]:
    """Returns the jobs that the service may work on still; a run is cleaned once there is none of its own."""
    return () if state.cleaned else state.in_flight


def listed_run(state: RunState, report: RunReport, moved_at: str) -> ListedRun:
    """Returns what `list` tells of a run, by its report as it stands."""
    output = state.settings.output
    flying = jobs_at_work(state)
    return {
        "run_id": state.run_id,
        "status": report["status"],
        "begun_at": state.opened_at,
        "moved_at": moved_at,
        "rows_in": report["rows_in"],
        "rows_scored": _scored(state, report),
        "rows_dead_letter": report["rows_dead_letter"],
        "jobs": len(state.jobs),
        "in_flight": len(flying),
        "stopping": sum(job.stop_reason is not None for job in flying),
        "model": state.settings.model_name,
        "output": report["output"] or (output and (output.table or output.path)) or None,
        "workspace": report["workspace"],
        "error": None,
    }


def listed_published(begun_at: str, report: RunReport, workspace: str, moved_at: str) -> ListedRun:
    """Returns what `list` tells of a published run, by the report that its last step has.

    Raises:
        KeyError: an earlier version has written it, which did not report all of this.
    """
    flying = [job for job in report["jobs"] if job["created_at"] and not job["status"]]
    return {
        "run_id": report["run_id"],
        "status": report["status"],
        "begun_at": begun_at,
        "moved_at": moved_at,
        "rows_in": report["rows_in"],
        "rows_scored": report["rows_scored"],
        "rows_dead_letter": report["rows_dead_letter"],
        "jobs": len(report["jobs"]),
        "in_flight": len(flying),
        "stopping": 0,
        "model": report["model"],
        "output": report["output"],
        "workspace": workspace,
        "error": None,
    }


def unreadable_run(workspace: str, moved_at: str, error: str) -> ListedRun:
    """Returns what `list` tells of a run whose ledger cannot be read."""
    return {
        "run_id": None,
        "status": "unreadable",
        "begun_at": None,
        "moved_at": moved_at,
        "rows_in": None,
        "rows_scored": None,
        "rows_dead_letter": None,
        "jobs": 0,
        "in_flight": 0,
        "stopping": 0,
        "model": None,
        "output": None,
        "workspace": workspace,
        "error": error,
    }


def _scored(state: RunState, report: RunReport) -> int | None:
    """The rows that have a prediction, as far as they are known before the gate."""
    counted = report["rows_scored"]
    if counted is not None or not state.round_records:
        return counted
    return state.rows_scored


def table_of_runs(found: ListedRuns) -> list[str]:
    """Returns the lines of a table of runs, and below it how one of them, the latest, is shown.

    It has what tells runs apart, so that a line of it fits a terminal; `show` and JSON have the rest.
    """
    is_flying = any(run["in_flight"] for run in found["runs"])
    heads = [
        "RUN",
        "STATUS",
        "LAST STEP (UTC)",
        "ROWS",
        "SCORED",
        "DEAD",
        *(["IN FLIGHT"] if is_flying else []),
        "MODEL",
        "OUTPUT",
    ]
    rows = [
        [
            run["run_id"] or run["workspace"].rpartition("/")[2],
            _IN_WORDS.get(run["status"], run["status"]),
            _minute(run["moved_at"]),
            run["rows_in"],
            run["rows_scored"],
            run["rows_dead_letter"],
            *([_flying(run)] if is_flying else []),
            run["model"],
            run["output"],
        ]
        for run in found["runs"]
    ]
    broken = [one_line(f"{run['workspace']}: {run['error']}") for run in found["runs"] if run["error"]]
    show = [one_line(f"To see one: `show {run['workspace']}`") for run in found["runs"][:1]]
    return [*text_table(heads, rows), "", *broken, *show]


def _flying(run: ListedRun) -> int | str:
    """The jobs that nobody knows to have ended; those that were asked to stop cost little any more."""
    return f"{run['in_flight']} (asked to stop: {run['stopping']})" if run["stopping"] else run["in_flight"]


def _minute(at: str) -> str:
    return at[:16].replace("T", " ")
