"""What became of rounds, rows and jobs, as tables; and what was planned beside what happened."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted, dollars, duration
from batch_transform.core.estimate.earlier_jobs import configured_speed
from batch_transform.core.estimate.instance_time import instance_time
from batch_transform.core.isolation.failure_summary import http_statuses
from batch_transform.core.report_keys import FailedClass, FailureExample, JobReport
from batch_transform.core.report_page.clock_times import ClockTimes
from batch_transform.core.report_page.console_links import job_link, logs_link
from batch_transform.core.report_page.facts import PageFacts
from batch_transform.core.report_page.markup import (
    MOST_UNFOLDED,
    Column,
    Html,
    folded,
    joined,
    number,
    paragraph,
    shown,
    table,
)
from batch_transform.core.round_record import RoundRecord
from batch_transform.core.run_state import RunState
from batch_transform.core.sending.instances import no_price
from batch_transform.core.staged_table import Staged

# More jobs are told by their sums: first those that did not complete, then those that were paid for most.
MOST_JOBS = 200


def rounds(state: RunState) -> Html:
    """Returns the outcome of each plan: several may be of one round, a depth of splitting."""
    columns = [
        Column("plan", True),
        Column("round", True),
        Column("jobs", True),
        Column("objects", True),
        Column("rows scored", True),
    ]
    columns += [
        Column("dead rows", True),
        Column("objects open", True),
        Column("what failed", is_wide=True),
        Column("what follows", is_wide=True),
    ]
    rows = [_round(place, record, state) for place, record in enumerate(state.round_records, 1)]
    return table("Outcome of each plan", columns, rows) if rows else Html("")


def _round(place: int, record: RoundRecord, state: RunState) -> list[object]:
    jobs = [job for job in state.jobs if job.plan == place]
    is_done = record.leaves is not None
    known = [number(count if is_done else None) for count in (record.scored_rows, record.dead_rows, record.open_spans)]
    failed = "; ".join(f"{each['class']}, {counted(each['rows'], 'row')}" for each in record.failed)
    if record.stop:
        follows = f"the run ended: {' '.join(record.stop)}"
    elif not is_done:
        follows = "not judged yet"
    else:
        follows = (
            "single rows are tried" if record.probe_next else "sent again" if record.open_spans else "nothing is open"
        )
    label = f"{record.round_number}, single rows" if record.is_probe else record.round_number
    return [
        place,
        label,
        number(len(jobs)),
        number(sum(job.spans.rows for job in jobs)),
        *known,
        failed or ("nothing" if is_done else Html("&ndash;")),
        follows,
    ]


def errors(found: Sequence[FailedClass], staged: Staged | None) -> Html:
    """Returns what failed, by class. The model's own words are in the dead letters alone: they may quote a row."""
    columns = [
        Column("class"),
        Column("rows", True),
        Column("HTTP status"),
        Column("message", is_wide=True),
        Column("examples", is_wide=True),
    ]
    rows = [
        [
            entry["class"],
            number(entry["rows"], f"errors.{place}.rows"),
            ", ".join(map(str, http_statuses(entry))) or Html("&ndash;"),
            entry["examples"][0]["message"] if entry["examples"] else "",
            joined((_place(example, staged) for example in entry["examples"]), "<br>"),
        ]
        for place, entry in enumerate(found)
    ]
    return table("What failed, by class", columns, rows) if rows else Html("")


def _place(example: FailureExample, staged: Staged | None) -> str:
    if example["object"] is None:
        return "not sent"
    row = staged.place_of(example["object"], example["line"]) if staged else None
    return f"{f'{row.words}, ' if row else ''}line {example['line']} of {example['object']}"


def jobs(facts: PageFacts) -> Html:
    """Returns what was paid for, and the jobs; of very many the most telling, and the rest in one row."""
    report = facts.report
    if not report["jobs"]:
        return paragraph("No job was planned." if report["rows_in"] is None else "No job: there was no row to score.")
    numbered = list(enumerate(report["jobs"], 1))
    by_telling = sorted(numbered, key=_telling)
    told, left = sorted(by_telling[:MOST_JOBS], key=lambda each: each[0]), by_telling[MOST_JOBS:]
    rows = [_job(place, job, facts.region) for place, job in told]
    if left:
        sums = [number(round(sum(_paid(job, kind) for _, job in left), 3)) for kind in ("paid", "busy")]
        objects = number(sum(job["objects"] for _, job in left))
        rows.append(["", f"{len(left):,} more", "", "", "", objects, "", "Completed or in flight", *sums])
    found = table("Each job: what it was sent, and what it took", _JOB_COLUMNS, rows)
    shown_jobs = folded(f"All {counted(len(numbered), 'job')}", found) if len(rows) > MOST_UNFOLDED else found
    return Html(f"<p>{_bill(facts)}.</p>" + shown_jobs)


_JOB_COLUMNS = [
    Column("job", True),
    Column("name", is_wide=True),
    Column("round", True),
    Column("lane"),
    Column("instances"),
    Column("objects", True),
    Column("payload"),
    Column("status", is_wide=True),
    Column("paid, s", True),
    Column("busy, s", True),
]


def _bill(facts: PageFacts) -> Html:
    """What instances were paid for, how much of it they were busy, and what that costs."""
    report, is_real = facts.report, facts.region is not None
    seconds, cost = report["instance_seconds"], report["cost_usd"]
    paid, busy = number(seconds["paid"], "instance_seconds.paid"), seconds["busy"]
    words = Html(f"{paid} instance-seconds {'were paid' if is_real else 'would be paid'}")
    if busy is not None:
        waited = number(round(seconds["paid"] - busy, 3))
        busy_words = number(busy, "instance_seconds.busy")
        words = Html(f"{words}: {busy_words} of them busy, {waited} waiting for the last instance of a job")
    if cost is not None:
        amount = Html(f'<data value="{cost!r}" data-key="cost_usd">{dollars(cost)}</data>')
        return Html(f"{words}; {'that cost' if is_real else 'on AWS that would cost'} about {amount}")
    if seconds["paid"]:
        types = sorted({job["instance_type"] for job in report["jobs"]})
        return Html(f"{words}; {shown(no_price(types, facts.region))}")
    return words


def _telling(numbered: tuple[int, JobReport]) -> tuple[bool, float]:
    job = numbered[1]
    return job["status"] in ("Completed", None), -_paid(job, "paid")


def _paid(job: JobReport, kind: str) -> float:
    seconds = job["instance_seconds"]
    value = None if seconds is None else seconds["paid"] if kind == "paid" else seconds["busy"]
    return value or 0.0


def _job(place: int, job: JobReport, region: str | None) -> list[object]:
    seconds, name = job["instance_seconds"], shown(job["name"])
    if region is not None and job["created_at"] is not None:
        link, logs = shown(job_link(region, job["name"])), shown(logs_link(region, job["name"]))
        name = Html(f'<a href="{link}">{name}</a> (<a href="{logs}">logs of {name}</a>)')
    status = job["status"] or ("in flight" if job["created_at"] else "planned")
    if job["failure_reason"]:
        status = f"{status}: {job['failure_reason']}"
    payload = f"{job['max_payload_mb']} MB" if job["max_payload_mb"] else "as the container says"
    concurrent = job["max_concurrent_transforms"]
    paid, busy = (seconds["paid"], seconds["busy"]) if seconds else (None, None)
    key = f"jobs.{place - 1}"
    return [
        number(place),
        name,
        number(job["round"], f"{key}.round"),
        job["lane"],
        f"{job['instance_count']} x {job['instance_type']}",
        number(job["objects"], f"{key}.objects"),
        payload + (f", {concurrent} at once" if concurrent else ""),
        status,
        number(paid, f"{key}.instance_seconds.paid" if paid is not None else ""),
        number(busy, f"{key}.instance_seconds.busy" if busy is not None else ""),
    ]


def plan_and_outcome(facts: PageFacts, times: ClockTimes) -> Html:
    """Returns what the first round would have taken by the run file's speeds, beside all that was done."""
    report, lanes = facts.report, _lanes(facts.objects)
    if not lanes:
        return Html("")
    transform = facts.state.settings.transform
    speed = configured_speed(transform, is_emulated=bool(facts.state.config.get("emulator")))
    planned = instance_time(lanes, transform, speed)
    elapsed = duration(times.jobs_seconds) if any(each.ended for each in times.jobs) else "not known yet"
    paid = report["instance_seconds"]["paid"]
    rows: list[list[object]] = [
        ["rows with a prediction", number(report["rows_in"]), number(report["rows_scored"])],
        ["rounds", number(1), number(report["rounds"])],
        ["jobs", number(planned["jobs"]), number(len(report["jobs"]))],
        [
            "objects sent",
            number(sum(count for _, count in lanes)),
            number(sum(job["objects"] for job in report["jobs"])),
        ],
        ["time in which a job was at work", duration(planned["elapsed_seconds"]), elapsed],
        ["instance-seconds paid", number(planned["paid_seconds"]), number(paid)],
    ]
    columns = [Column("what"), Column("planned, if every row is scored at once", True), Column("happened", True)]
    taken = (
        f"Planned with {speed.start_seconds:g} s for an instance's start and {speed.mb_per_second:g} MB/s "
        "(transform.instance_start_seconds, transform.instance_mb_per_second). Jobs and objects that happened are of "
        "all rounds: what is sent again counts once more, in smaller objects where its rows may be at fault, else as "
        "it was."
    )
    return Html(
        table("The first round by the run file's speeds, beside all that was done", columns, rows) + paragraph(taken)
    )


def _lanes(objects: pa.Table | None) -> list[tuple[int, int]]:
    if objects is None:
        return []
    sent = objects.filter(pc.is_valid(objects["object"]))
    of_lane = sent.group_by("lane").aggregate([("bytes", "sum"), ("bytes", "count")])
    return list(zip(of_lane["bytes_sum"].to_pylist(), of_lane["bytes_count"].to_pylist(), strict=True))
