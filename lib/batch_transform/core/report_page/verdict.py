"""How a run ended in one sentence, and what to do next; for a page, whatever the ending was."""

from __future__ import annotations

from batch_transform.core.report_keys import RunReport
from batch_transform.core.report_page.markup import Html, counted, joined, listed, paragraph, shown
from batch_transform.core.statuses import RunStatus

# What each status of a run says, without its numbers, and what a person does where no command is known.
_SAID: dict[RunStatus, tuple[str, str]] = {
    RunStatus.PUBLISHED: ("Published", ""),
    RunStatus.REFUSED: ("Refused, the run is not published", "Mend what is named here, and start the run again."),
    RunStatus.OVER_BUDGET: ("More rows failed than are accepted, the run is not published", ""),
    RunStatus.OVER_COST: ("The jobs have cost what the run may, it is not published", ""),
    RunStatus.FAILED: ("Failed, the run is not published", ""),
    RunStatus.INTERRUPTED: ("Interrupted, the run is not published", ""),
    RunStatus.PREPARED: ("Prepared, nothing was sent yet", ""),
    RunStatus.WAITING: ("Waiting for jobs", ""),
    RunStatus.SETTLED: ("All is scored, nothing is published yet", ""),
}
_OTHER = ("The run is not published", "")


def sentence(report: RunReport) -> str:
    """Returns what became of the run, in one sentence."""
    said = _said(report)[0]
    table = report["output"]
    if report["status"] == RunStatus.PUBLISHED and table:
        said = f"{said} to {table}"
    return f"{said}: {'; '.join(_counts(report))}."


def _said(report: RunReport) -> tuple[str, str]:
    known = {status.value: said for status, said in _SAID.items()}
    return known.get(report["status"], _OTHER)


def _counts(report: RunReport) -> list[str]:
    rows, scored, dead = report["rows_in"], report["rows_scored"], report["rows_dead_letter"]
    found = ["no row was staged" if rows is None else f"{rows:,} rows in"]
    found += [] if scored is None else [f"{scored:,} scored"]
    found += [] if dead is None else [f"{dead:,} dead letters"]
    return [*found, counted(report["rounds"], "round"), counted(len(report["jobs"]), "job")]


def next_steps(report: RunReport) -> list[str]:
    """Returns what a person does next, a sentence each."""
    found = []
    if report["status"] == RunStatus.PUBLISHED:
        found += [f"The table lies in {report['output']}."] if report["output"] else []
        if report["rows_dead_letter"]:
            found.append(f"The rows without a prediction lie in {report['dead_letter']}, each with its error.")
    elif command := report.get("next"):
        found.append(f"To go on: {command}")
    elif other := _said(report)[1]:
        found.append(other)
    return [*found, *report["advice"]]


def verdict(report: RunReport) -> Html:
    """Returns the box at the head of the page."""
    errors = report.get("error", [])
    is_good = report["status"] == RunStatus.PUBLISHED
    inner = [
        paragraph(sentence(report)),
        *([Html("<p><strong>Error</strong></p>"), listed(errors)] if errors else []),
        *([Html("<p><strong>What to do next</strong></p>"), listed(steps)] if (steps := next_steps(report)) else []),
    ]
    name = " good" if is_good else ""
    return Html(f'<div class="verdict{name}" data-status="{shown(report["status"])}">{joined(inner)}</div>')
