"""The report of `smoke`: time, cost, and for each open point what the service did. It can be attached to an issue."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.artifact import ROWS, as_expected, row_objects
from batch_transform.core.smoke.findings import Findings, JobFound, Told, scored_lines
from batch_transform.core.smoke.images import is_public
from batch_transform.core.smoke.questions import Question
from batch_transform.core.statuses import RunStatus

TOLD, NOT_TOLD, OTHER = "told", "not told", "none of the readings"
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
_SECONDS_PER_HOUR = 3_600


class SwitchReport(TypedDict):
    """What the service did where nobody had said it.

    Attributes:
        switch: of the emulator.
        outcome: TOLD, NOT_TOLD or OTHER.
        value: that the switch is to have; None: it has none that does as the service did.
        default: of the emulator.
        why: it is not told.
        evidence: what the answer is read from.
    """

    switch: str
    outcome: str
    value: str | None
    default: str
    why: str
    evidence: list[str]


class RowsReport(TypedDict):
    """The rows that were scored, how many of them as the model computes them here, and from Create to end."""

    sent: int
    as_expected: int
    status: str
    seconds: float | None


class SmokeJob(TypedDict):
    """A job: how it ended, and the seconds between its start and its end that each of its instances is paid for."""

    name: str
    status: str
    instances: int
    seconds: float | None


class SmokeReport(TypedDict):
    """The report of `smoke`.

    Attributes:
        rows: None: they were not asked for.
        paid_instance_seconds: of all jobs.
        cost_usd: None: no price was given.
        emulator: what makes the emulator do as this service did, where that is not its default.
        left: what could not be removed, or was to be kept.
    """

    status: str
    seconds: float
    paid_instance_seconds: float
    cost_usd: float | None
    region: str | None
    image: str
    instance_type: str
    rows: RowsReport | None
    switches: list[SwitchReport]
    emulator: list[str]
    jobs: list[SmokeJob]
    left: list[str]


class BrokenSmoke(TypedDict):
    """The report of one that has ended early."""

    status: str
    error: list[str]
    left: list[str]


@dataclass(frozen=True)
class Circumstances:
    """Where and how the jobs were run; `hidden` are words that the report does not repeat, with what it has instead."""

    region: str | None
    image: str
    instance_type: str
    price_per_hour: float | None
    hidden: Mapping[str, str]

    def told(self, text: str) -> str:
        """Returns a text without the account's number and without these words."""
        for word, instead in self.hidden.items():
            text = text.replace(word, instead)
        return _ACCOUNT.sub("<account>", text)


def smoke_report(
    questions: Sequence[Question], found: Findings, where: Circumstances, seconds: float, left: Sequence[str]
) -> SmokeReport:
    """Returns the report.

    Args:
        questions: that were asked.
        found: what came back.
        where: the jobs were run.
        seconds: that all of it took.
        left: what remains of it.
    """
    switches = [_switch(question, question.answer(found), where) for question in questions]
    paid = sum(job.instances * (_paid(job) or 0.0) for job in found.jobs.values())
    price = where.price_per_hour
    return {
        "status": RunStatus.TRIED.value,
        "seconds": round(seconds, 1),
        "paid_instance_seconds": round(paid, 1),
        "cost_usd": None if price is None else round(paid * price / _SECONDS_PER_HOUR, 4),
        "region": where.region,
        "image": where.image if is_public(where.image) else where.told(where.image),
        "instance_type": where.instance_type,
        "rows": _rows(found.jobs[smoke.ROWS_JOB]) if smoke.ROWS_JOB in found.jobs else None,
        "switches": switches,
        "emulator": [
            f"{each['switch']}={each['value']}" for each in switches if each["value"] not in (None, each["default"])
        ],
        "jobs": [_job(job, where) for job in found.jobs.values()],
        "left": list(left),
    }


def _switch(question: Question, told: Told, where: Circumstances) -> SwitchReport:
    outcome = TOLD if told.value is not None else NOT_TOLD if told.why else OTHER
    return {
        "switch": question.switch,
        "outcome": outcome,
        "value": None if told.value is None else where.told(told.value),
        "default": question.readings[0],
        "why": where.told(told.why),
        "evidence": [where.told(text) for text in told.evidence],
    }


def _rows(job: JobFound) -> RowsReport:
    seconds = None if job.created is None or job.ended is None else round(job.ended - job.created, 1)
    answers = scored_lines(job, row_objects())
    return {"sent": ROWS, "as_expected": as_expected(answers), "status": job.ending, "seconds": seconds}


def _job(job: JobFound, where: Circumstances) -> SmokeJob:
    paid = _paid(job)
    return {
        "name": job.name,
        "status": where.told(job.ending),
        "instances": job.instances,
        "seconds": None if paid is None else round(paid, 1),
    }


def _paid(job: JobFound) -> float | None:
    return None if job.started is None or job.ended is None else job.ended - job.started


def sentence(switch: SwitchReport) -> str:
    """Returns what a person is told of a switch."""
    name, value = switch["switch"], switch["value"]
    if switch["outcome"] == NOT_TOLD:
        return f"{name}: not told: {switch['why']}"
    if value is None:
        return f"{name}: none of the readings: {'; '.join(switch['evidence'])}"
    same = " (as the emulator has it)" if value == switch["default"] else f", not {switch['default']}"
    return f"{name}: {value}{same}"
