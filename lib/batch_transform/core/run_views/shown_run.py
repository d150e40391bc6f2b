"""One run as a person looks at it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from batch_transform.core.amounts import counted, decimal
from batch_transform.core.expectations import outcome, values_told
from batch_transform.core.isolation.failure_summary import http_statuses
from batch_transform.core.publishing.last_words import ended_with, next_steps, sentence
from batch_transform.core.report_keys import JobReport, RunReport
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.run_state import RunState
from batch_transform.core.source_identity import input_place
from batch_transform.core.text_table import pairs, text_table


class ShownRun(RunReport):
    """The report of `show`: that of the run as it stands, and what it is.

    Attributes:
        driver: who was at work last, and whether they are.
    """

    begun_at: str
    model: str
    input: str | None
    driver: str | None


def shown_run(state: RunState, report: RunReport, driver: str | None) -> ShownRun:
    """Returns what `show` tells of a run, by its report as it stands."""
    return {
        **report,
        "begun_at": state.opened_at,
        "model": state.settings.model_name,
        "input": input_place(state.config),
        "driver": driver,
    }


def lines_of_run(found: ShownRun, state: RunState) -> list[str]:
    """Returns what a person reads of it."""
    begun = found["begun_at"][:19].replace("T", " ")
    facts = pairs(
        [
            ("run", found["run_id"]),
            ("workspace", found["workspace"]),
            ("begun", f"{begun} UTC"),
            ("driver", found["driver"]),
            ("model", found["model"]),
            ("input", found["input"] or "the DataFrame that score() was given"),
            ("output", found["output"] or _target(state.settings)),
            ("dead letters", found["dead_letter"]),
            ("report", found["report"]),
        ]
    )
    told = ended_with(found.get("error", ()))
    of_rows = [_rounds(state), _jobs(found["jobs"]), _errors(found), _expectations(found)]
    blocks = [[*told, sentence(found)], facts, *of_rows, next_steps(found)]
    return [line for block in blocks if block for line in ("", *block)][1:]


def _target(settings: RunSettings) -> str | None:
    return (settings.output.table or settings.output.path) if settings.output else None


def _rounds(state: RunState) -> list[str]:
    """How the jobs of each round have ended; those of one round may be planned one after another, a line each."""
    heads = ["ROUND", "JOBS", "SCORED", "DEAD", "OBJECTS LEFT", "WHAT FAILED"]
    lines = text_table(heads, [_round(place, each, state) for place, each in enumerate(state.round_records, 1)])
    again = sum(each.retried_rows + each.lost_scored_rows + each.lost_dead_rows for each in state.round_records)
    return [*lines, f"{counted(again, 'row')} sent once more: counted in each of these rounds"] if again else lines


def _round(place: int, record: RoundRecord, state: RunState) -> list[object]:
    jobs = sum(job.plan == place for job in state.jobs)
    if record.leaves is None:
        return [record.round_number, jobs, None, None, None, "not judged yet"]
    failed = "; ".join(f"{each['class']}, {counted(each['rows'], 'row')}" for each in record.failed) or "nothing"
    return [record.round_number, jobs, record.scored_rows, record.dead_rows, record.open_spans, failed]


def _jobs(jobs: Sequence[JobReport]) -> list[str]:
    """The jobs; their lanes where these are several."""
    heads = ["JOB", "ROUND", "INSTANCES", "OBJECTS", "STATUS", "PAID, S", "WHY"]
    if len({job["lane"] for job in jobs}) > 1:
        return text_table([*heads[:2], "RECORDS", *heads[2:]], [_job(job, job["lane"]) for job in jobs])
    return text_table(heads, [_job(job) for job in jobs])


def _job(job: JobReport, *lane: str) -> list[object]:
    paid = job["instance_seconds"]["paid"] if job["instance_seconds"] else None
    return [
        job["name"],
        job["round"],
        *lane,
        f"{job['instance_count']} x {job['instance_type']}",
        job["objects"],
        job["status"] or ("in flight" if job["created_at"] else "planned"),
        None if paid is None else decimal(paid),
        job["failure_reason"] or "",
    ]


def _errors(found: ShownRun) -> list[str]:
    heads = ["CLASS", "ROWS", "HTTP STATUS", "MESSAGE"]
    rows = [
        [
            each["class"],
            each["rows"],
            ", ".join(map(str, http_statuses(each))) or None,
            each["examples"][0]["message"] if each["examples"] else "",
        ]
        for each in found["errors"]
    ]
    return text_table(heads, rows)


def _expectations(found: ShownRun) -> list[str]:
    heads = ["EXPECTATION", "OUTCOME", "FOUND"]
    rows = [
        [each["expression"], outcome(each), "; ".join(filter(None, (values_told(each), each["note"])))]
        for each in found.get("expectations", [])
    ]
    return text_table(heads, rows)
