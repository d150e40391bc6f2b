"""The commands that print for a person: list, show, errors, logs, report; and init, a first run file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from batch_transform.cloudwatch.container_logs import MOST_LINES, ContainerLogs
from batch_transform.cloudwatch.data_logs import GROUP
from batch_transform.config.places import is_s3
from batch_transform.config.surroundings import url_of_server
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.escaping import one_line, visible, visible_json
from batch_transform.core.ledger import JsonObject
from batch_transform.core.near_names import meant
from batch_transform.core.report_keys import JobReport
from batch_transform.core.run_state import RunState
from batch_transform.core.run_views.container_words import WrittenJob, WrittenLogs, jobs_to_read, lines_of_logs
from batch_transform.core.run_views.failed_rows import failed_rows, lines_of_failures
from batch_transform.core.run_views.listed_runs import ListedRuns, table_of_runs
from batch_transform.core.run_views.shown_run import lines_of_run, shown_run
from batch_transform.core.text_table import folded
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import ERRORS, INIT, JSON, LIST, LOGS, SHOW
from batch_transform.pipeline.commands.failed_words import FailedWords
from batch_transform.pipeline.commands.init import first_run_file
from batch_transform.pipeline.commands.kept_rows import row_places
from batch_transform.pipeline.commands.listing import listed_runs
from batch_transform.pipeline.commands.looked_at import looked_at, recorded_report
from batch_transform.pipeline.commands.named_run import Reached, reached
from batch_transform.pipeline.commands.whole_numbers import whole_number
from batch_transform.pipeline.ending.reporting import Reporting
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.recorded import RecordedRun
from batch_transform.pipeline.spelling import spelled_out_here
from batch_transform.pipeline.telling import Tell, terminal_columns
from batch_transform.s3.store import S3Store

_LINES = 20


def view(asked: CommandLine, environ: Mapping[str, str], tell: Tell) -> str:
    """Returns what is to be printed: a table, or one line of JSON.

    Raises:
        ConfigurationError: there is no such run, or no run at all.
        BatchTransformError: S3 does not tell.
    """
    if asked.command == INIT:
        return first_run_file(asked, environ)
    with reached(asked, environ, borrows=True) as there:
        if asked.command == LIST:
            runs = _listed(there)
            return _printed(asked, runs, table_of_runs(runs))
        run, state = there.run()
        if asked.command == SHOW:
            found = looked_at(there, run, state, tell)
            shown = shown_run(found.state, found.report, found.driver)
            return _printed(asked, shown, lines_of_run(shown, found.state))
        if asked.command == ERRORS:
            seen = recorded_report(run, state)
            failed = failed_rows(seen.report, FailedWords(run, seen.state).of, row_places(run, seen.state))
            return _printed(asked, failed, lines_of_failures(failed))
        if asked.command == LOGS:
            logs = _logs(there, run, state, asked, tell)
            return _printed(asked, logs, lines_of_logs(logs))
        place = _drawn(there, run, state, asked, tell)
        return _printed(asked, {"run_id": state.run_id, "report": place}, [one_line(place)])


def _printed(asked: CommandLine, document: JsonObject, lines: Sequence[str]) -> str:
    if JSON in asked.form[-1:]:
        return visible_json(document)
    columns = terminal_columns()
    # Whatever they quote: a folder that is no run's has any name.
    shown = map(visible, folded(lines, columns) if columns else lines)
    return spelled_out_here("\n".join(shown))


def _listed(there: Reached) -> ListedRuns:
    """The runs of a workspace, or of that which a run file names.

    Raises:
        ConfigurationError: there is none.
    """
    workspace = there.uri
    store = S3Store(there.access.client("s3"))
    runs, what = [], f"bucket {workspace.bucket}"
    if store.bucket(workspace):
        runs, what = listed_runs(store, workspace), "run"
    if not runs:
        raise ConfigurationError(
            f"{workspace}: there is no {what}; name the folder of all runs, as `workspace` in a run file names it"
        )
    return {"workspace": str(workspace), "runs": runs}


def _logs(there: Reached, run: RecordedRun, state: RunState, asked: CommandLine, tell: Tell) -> WrittenLogs:
    jobs = looked_at(there, run, state, tell).report["jobs"]
    chosen = _named(jobs, asked.job[-1], run) if asked.job else jobs_to_read(jobs)
    logs, count = ContainerLogs(there.access.client("logs")), _count(asked)
    written = [_written(logs, job, count) for job in chosen]
    if (url := _served_at(state)) is not None:
        elsewhere = _ELSEWHERE.format(url=url)
        written = [job if job["streams"] else {**job, "trouble": elsewhere} for job in written]
    return {"run_id": state.run_id, "group": GROUP, "jobs": written}


_ELSEWHERE = "its model is the server at {url}, which ran already: what that writes stands where it was started"


def _served_at(state: RunState) -> str | None:
    """The URL at which an emulator's model is served; None where its jobs start it, or the service does."""
    models = (state.config.get("emulator") or {}).get("models") or {}
    return url_of_server(str(models.get(state.settings.model_name, "")))


def _named(jobs: Sequence[JobReport], name: str, run: RecordedRun) -> list[JobReport]:
    found = [job for job in jobs if job["name"] == name]
    if not found:
        hint = meant(name, [str(job["name"]) for job in jobs])
        raise ConfigurationError(f"--job: {name} is no job of this run{hint}; `show {run.uri}` names them")
    return found


def _count(asked: CommandLine) -> int:
    count = whole_number(asked.lines[-1], MOST_LINES) if asked.lines else _LINES
    if count is None:
        raise ConfigurationError(f"--lines: is no number of lines; valid: a whole number, 1 to {MOST_LINES:,}")
    return count


def _written(logs: ContainerLogs, job: JobReport, count: int) -> WrittenJob:
    found = logs.last_lines(job["name"], count)
    return {
        "job": job["name"],
        "status": job["status"],
        "failure_reason": job["failure_reason"],
        "streams": [{"stream": log.stream, "lines": list(log.lines)} for log in found.logs],
        "trouble": found.trouble,
    }


def _drawn(there: Reached, run: RecordedRun, state: RunState, asked: CommandLine, tell: Tell) -> str:
    """The place of the page, once it is written there.

    Raises:
        ConfigurationError: it cannot be written there.
        ServiceFailure: S3 would not take it.
    """
    found = looked_at(there, run, state, tell)
    drawing = Reporting(run.store, run.layout, run.ledger, CLOCK.now(), there.access.console_region)
    page = drawing.drawn(found.state, found.report)
    place = asked.page[-1] if asked.page else f"{run.layout.name}-report.html"
    try:
        if is_s3(place):
            run.store.put(S3Uri.parse(place), page)
            return place
        Path(place).write_bytes(page)
    except (OSError, ValueError) as err:
        words = getattr(err, "strerror", None) or err  # a ValueError has words alone
        raise ConfigurationError(
            f"--output: the page cannot be written to {place}: {words}; name another file"
        ) from err
    return str(Path(place).resolve())
