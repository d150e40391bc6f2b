"""How a process has ended, for a person: what became of it in one sentence, then what to do next. Pure.

The page of a run has the sentence at its head, and the terminal has it as its last lines. `lib/README.md` has the table
of all endings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeGuard
from urllib.parse import quote

from batch_transform.core.amounts import cost, counted, dollars, duration, size
from batch_transform.core.ledger import JsonObject
from batch_transform.core.object_names import another_run_id
from batch_transform.core.report_keys import RunReport
from batch_transform.core.statuses import RunStatus

# What each status of a run says, without its numbers.
_SAID: dict[str, str] = {
    RunStatus.PUBLISHED.value: "Published",
    RunStatus.REFUSED.value: "Refused, the run is not published",
    RunStatus.OVER_BUDGET.value: "Too many dead letters, the run is not published",
    RunStatus.OVER_COST.value: "The jobs have cost what the run may, it is not published",
    RunStatus.UNEXPECTED_PREDICTIONS.value: "The predictions are not what was expected, the run is not published",
    RunStatus.FAILED.value: "Failed, the run is not published",
    RunStatus.UNVERIFIED.value: "Published, unverified",
    RunStatus.HELD.value: "Another driver is at work on the run, this one has changed nothing",
    RunStatus.FENCED.value: "Another driver has taken over the run, this one has stopped",
    RunStatus.INTERRUPTED.value: "Interrupted, the run is not published",
    RunStatus.PREPARED.value: "Prepared, nothing was sent yet",
    RunStatus.WAITING.value: "Waiting for jobs",
    RunStatus.SETTLED.value: "All is scored, nothing is published yet",
    RunStatus.RUNNING.value: "A driver is at work on the run",
    RunStatus.DIED.value: "The driver has died, the run is not published",
    RunStatus.ENDED.value: "The driver has ended, the run is not published",
    RunStatus.CLEANED.value: "Given up and cleaned, the run is not published",
}
_OTHER = "The run is not published"
# Instead, of a run that a person has stopped, whoever drove it.
_STOPPED = "Stopped as a person has asked, the run is not published"
_MAY_BE_STOPPED = (RunStatus.INTERRUPTED.value, RunStatus.ENDED.value)
# What a person does where no command is known.
_DO: dict[str, str] = {
    RunStatus.REFUSED.value: "Mend what is named here, and start the run again.",
    RunStatus.HELD.value: "Wait for the driver that is at work, or end it as the error says.",
    RunStatus.FENCED.value: "Nothing: the other driver goes on with it.",
    RunStatus.DIED.value: "`resume {run}` goes on with it; jobs that are in flight are waited for.",
    RunStatus.ENDED.value: "`resume {run}` goes on with it.",
    RunStatus.CLEANED.value: "Its name cannot be used again: its input is scored under another run_id.",
}
# What a process says that held no run.
_WITHOUT_RUN: dict[str, tuple[str, str]] = {
    RunStatus.REFUSED.value: (
        "Refused: nothing was done and nothing is paid.",
        "Mend what is named above, and try again.",
    ),
    RunStatus.FAILED.value: (
        "Failed, with no report of a run.",
        "Mend what is named above; the same command again goes on where a run has ended.",
    ),
    RunStatus.HELD.value: (f"{_SAID[RunStatus.HELD.value]}.", _DO[RunStatus.HELD.value]),
    RunStatus.FENCED.value: (f"{_SAID[RunStatus.FENCED.value]}.", _DO[RunStatus.FENCED.value]),
    RunStatus.INTERRUPTED.value: (
        "Interrupted, with no report of a run.",
        "The same command again begins it, or goes on with what was begun before.",
    ),
}


def sentence(report: RunReport) -> str:
    """Returns what became of the run, in one sentence."""
    return f"{_what(report)}."


def closing(report: RunReport) -> str:
    """Returns that sentence with where the report's page is."""
    page = report["report"]
    return f"{_what(report)}{f'; report {_place(page)}' if page else ''}."


def ended_with(errors: Sequence[str]) -> list[str]:
    """Returns the errors of a run as whoever looks at it is told them: they are the run's, and not his command's."""
    return [f"{'' if place else 'the run ended with: '}{line}" for place, line in enumerate(errors)]


def last_lines(report: JsonObject) -> list[str]:
    """Returns what a person is told last of a process, by its report; nothing of what is no report.

    The errors of a run stand there once more: many lines may be between them and the end.
    """
    if _is_of_run(report):
        # An interruption is no error, and its sentence says all of it.
        told = () if report["status"] == RunStatus.INTERRUPTED else report.get("error", ())
        errors = [f"error: {line}" for line in told]
        return [*errors, closing(report), *next_steps(report)]
    status = str(report.get("status"))
    if "left" in report:
        return _of_smoke(report)
    if status in _WITHOUT_RUN:
        said, what_to_do = _WITHOUT_RUN[status]
        return [said, *(report.get("ways") or [what_to_do])]
    return _COMMANDS[status](report) if status in _COMMANDS else []


def is_told_in_words(report: JsonObject) -> bool:
    """Returns whether a person at a terminal has been told a report in words: of a run, a plan, a refusal, a cleaning.

    Not what `status` prints, which is for programs, and no dry run, which is its report.
    """
    if _is_of_run(report):
        return "rows_forgotten" not in report
    is_refusal = report.get("status") in _WITHOUT_RUN and "error" in report and "left" not in report
    is_of_one = report.get("status") == RunStatus.CLEANED and "cleaned" not in report
    return is_refusal or is_of_one or ("missing" in report and "quotas" in report)


def ways_on(ways: Sequence[str], command: str | None) -> list[str]:
    """Returns how a person goes on, a sentence each: in these ways, else by the one command, if any is known."""
    return [*ways] or ([f"To go on: {command}"] if command else [])


def next_steps(report: RunReport) -> list[str]:
    """Returns what a person does next, a sentence each."""
    command, found = report.get("see_errors"), list[str]()
    if command and report["errors"]:
        found.append(f"To see what failed, with the model's words: {command}")
    if report["status"] == RunStatus.PUBLISHED:
        if report["rows_dead_letter"] and report["dead_letter"]:
            found.append(f"The rows without a prediction lie in {report['dead_letter']}, each with its error.")
    elif ways := ways_on(report.get("ways", ()), report.get("next")):
        found.extend(ways)
    elif report["status"] in _DO:
        found.append(_DO[report["status"]].replace("{run}", report["workspace"]))
    return [*found, *report["advice"]]


def _is_of_run(report: JsonObject) -> TypeGuard[RunReport]:
    return "rows_in" in report and "advice" in report


def _what(report: RunReport) -> str:
    table = report["output"]
    where = f"; table {table}" if report["status"] == RunStatus.PUBLISHED and table else ""
    is_stopped = report.get("stopped", False) and report["status"] in _MAY_BE_STOPPED
    said = _STOPPED if is_stopped else _SAID.get(report["status"], _OTHER)
    return f"{said}: {', '.join(_counts(report))}{where}"


def _counts(report: RunReport) -> list[str]:
    rows, scored, dead = report["rows_in"], report["rows_scored"], report["rows_dead_letter"]
    found = ["no row was staged" if rows is None else f"{counted(rows, 'row')} in"]
    found += [] if scored is None else [f"{scored:,} scored"]
    found += [] if dead is None else [counted(dead, "dead letter")]
    found += [counted(report["rounds"], "round"), counted(len(report["jobs"]), "job")]
    seconds, paid = report.get("seconds"), report.get("cost_usd")
    since = " since it was resumed" if report.get("resumed") else ""
    found += [] if seconds is None else [f"{duration(seconds)}{since}"]
    return [*found, cost(paid, emulated=report.get("emulated", False))] if paid else found


def _place(page: str) -> str:
    """A place as a terminal makes a link of it."""
    return f"file://{quote(page)}" if page.startswith("/") else page


def _cleaned(report: JsonObject) -> list[str]:
    if "cleaned" in report:
        return [f"Cleaned: {_of_runs(report)}."]
    found = [f"Cleaned: {_removed(report)} of {report['run_id']}; kept: {', '.join(report['kept'])}."]
    if report["given_up"]:
        found.append(
            f"Its name cannot be used again: give another run_id (--set run_id={another_run_id(report['run_id'])})."
        )
    return found


def _of_runs(report: JsonObject) -> str:
    left = f"; {counted(len(report['kept']), 'run')} not cleaned" if report["kept"] else ""
    return f"{_removed(report)} of {counted(len(report['cleaned']), 'run')}{left}"


def _removed(report: JsonObject) -> str:
    return f"{counted(report['objects'], 'object')} of {size(report['bytes'])}"


def _planned(report: JsonObject) -> list[str]:
    if "kept" in report:
        what = _of_runs(report) if "cleaned" in report else _removed(report)
        return [f"Nothing was removed; without --dry-run it would be {what}."]
    return ["Planned: nothing was done and nothing is paid."]


def _submitted(report: JsonObject) -> list[str]:
    named = f" as {report['id']}" if report.get("id") else ""
    return [f"Submitted{named}.", f"What becomes of the run stands in {report['report']}."]


def _packaged(report: JsonObject) -> list[str]:
    return [f"Packaged: {report['wheel']}, {size(report['wheel_bytes'])}, for Python {report['python']}."]


def _compared(report: JsonObject) -> list[str]:
    rows, different = report["rows_compared"], report["rows_different"]
    return [f"Compared: {counted(rows, 'row')}, of which the endpoint predicts {different:,} otherwise."]


def _of_smoke(report: JsonObject) -> list[str]:
    left = [f"Left: {each}" for each in report["left"]]
    if "switches" not in report:
        said = _SAID[report["status"]].partition(",")[0]
        return [f"{said}: what was made is {'removed, but for what is named below' if left else 'removed'}.", *left]
    told = sum(each["value"] is not None for each in report["switches"])
    rows, amount = report["rows"], report["cost_usd"]
    found = [] if rows is None else [f"{rows['as_expected']:,} of {counted(rows['sent'], 'row')} scored as expected"]
    found += [f"{told} of {counted(len(report['switches']), 'open point')} told"]
    paid = f"{duration(report['paid_instance_seconds'])} of instances are paid"
    found += [f"it took {duration(report['seconds'])}", paid if amount is None else f"{paid}, about {dollars(amount)}"]
    set_so = " ".join(f"--switch {each}" for each in report["emulator"])
    return [f"Tried: {'; '.join(found)}.", *([f"The emulator does the same with: {set_so}"] if set_so else []), *left]


_COMMANDS: dict[str, Callable[[JsonObject], list[str]]] = {
    RunStatus.CLEANED.value: _cleaned,
    RunStatus.PLANNED.value: _planned,
    RunStatus.SUBMITTED.value: _submitted,
    RunStatus.PACKAGED.value: _packaged,
    RunStatus.ALIKE.value: _compared,
    RunStatus.DIFFERENT.value: _compared,
}
