"""When what was done, by the clock on the wall: steps by when they were recorded, jobs by their own times. Pure.

A clock may have been put back meanwhile, and another driver may have another: what comes later is never told as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batch_transform.core.ledger import Step, StepKind
from batch_transform.core.run_state import JobRecord

# What a driver is at while it writes these; the time of the others is waiting, or counts for nothing.
_LABELS = {
    StepKind.STAGED: "Stage",
    StepKind.EXPORTED: "Export",
    StepKind.PLANNED: "Plan",
    StepKind.REPLANNED: "Plan",
    StepKind.JOB_CREATED: "Create jobs",
    StepKind.INFERRED: "Judge",
    StepKind.JOB_JUDGED: "Judge",
    StepKind.RECONCILED: "Reconcile",
    StepKind.MENDED: "Mend",
    StepKind.UNSCORED: "Mend",
    StepKind.UNSTAGED: "Mend",
    StepKind.UNMERGED: "Mend",
    StepKind.GATED: "Gate",
    StepKind.PUBLICATION: "Merge",
    StepKind.PUBLISHED: "Publish",
}
LABELS = tuple(dict.fromkeys(_LABELS.values()))


@dataclass(frozen=True)
class Interval:
    """From one time to another."""

    start: datetime
    stop: datetime

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.stop - self.start).total_seconds()


@dataclass(frozen=True)
class JobTimes:
    """When a job was made, when its instances had started and when it ended; None: not yet, or it never started."""

    job: JobRecord
    made: datetime
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True)
class ClockTimes:
    """A run by the clock.

    Attributes:
        whole: from its beginning to its end, or to now.
        work: of the driver, by label, in order.
        jobs: those that were created.
        jobs_seconds: in which one of them was there at least; those of a job in flight until now.
        waiting_for_jobs: no step was at work, and a job was.
        waiting: neither was: nobody was at the run, or a command was awaited.
    """

    whole: Interval
    work: dict[str, tuple[Interval, ...]]
    jobs: tuple[JobTimes, ...]
    jobs_seconds: float
    waiting_for_jobs: tuple[Interval, ...]
    waiting: tuple[Interval, ...]


def clock_times(steps: Sequence[Step], jobs: Sequence[JobRecord], now: datetime) -> ClockTimes:
    """Returns when what was done.

    A ledger of an earlier version has no time beside most steps; those follow each other there as they were recorded.

    Args:
        steps: of the ledger, from the first on.
        jobs: of the run.
        now: when it is looked at.
    """
    done = _done(steps, now)
    of_jobs = tuple(times for job in jobs if (times := _of_job(job, done.made)) is not None)
    flying = _joined(Interval(each.made, each.ended or max(now, each.made)) for each in of_jobs)
    busy = _joined(each for intervals in done.work.values() for each in intervals)
    last = max([done.whole.stop, *(each.stop for each in (*flying, *busy))])
    first = min([done.whole.start, *(each.start for each in flying)])
    whole = Interval(first, last)
    gaps = _without([whole], busy)
    waiting = _without(gaps, flying)
    seconds = sum(each.seconds for each in flying)
    return ClockTimes(whole, done.work, of_jobs, seconds, _without(gaps, waiting), waiting)


@dataclass(frozen=True)
class _Done:
    """What the steps tell: from the first to the last of them, the work by label, and when each job was made."""

    whole: Interval
    work: dict[str, tuple[Interval, ...]]
    made: dict[str, datetime]


def _done(steps: Sequence[Step], now: datetime) -> _Done:
    work: dict[str, list[Interval]] = {label: [] for label in LABELS}
    made: dict[str, datetime] = {}
    begun = cursor = _time(steps[0].payload.get("at")) or now if steps else now
    for step in steps:
        seconds = timedelta(seconds=step.payload.get("seconds") or 0.0)
        stop = max(cursor, _recorded_at(step) or cursor + seconds)
        label = _LABELS.get(StepKind(step.kind))
        if label is not None and seconds:
            work[label].append(Interval(max(stop - seconds, begun), stop))
        if step.kind == StepKind.JOB_CREATED:
            made[step.payload["job"]] = stop
        cursor = stop
    joined = {label: _joined(intervals) for label, intervals in work.items() if intervals}
    return _Done(Interval(begun, cursor), joined, made)


def _recorded_at(step: Step) -> datetime | None:
    return _time(step.payload.get("clock") or step.payload.get("at"))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _of_job(job: JobRecord, made: dict[str, datetime]) -> JobTimes | None:
    """A job's times as the service says; before it has ended, when it was created is what the driver noted."""
    at = _time(job.created_at) or made.get(job.name)
    if at is None:
        return None
    started, ended = _time(job.started_at), _time(job.ended_at)
    begun = at if started is None else max(at, started)
    return JobTimes(job, at, started and begun, ended and max(begun, ended))


def _joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same time, in intervals that do not touch each other."""
    found: list[Interval] = []
    for each in sorted(intervals, key=lambda interval: interval.start):
        if found and each.start <= found[-1].stop:
            found[-1] = Interval(found[-1].start, max(found[-1].stop, each.stop))
        else:
            found.append(each)
    return tuple(found)


def _without(intervals: Sequence[Interval], others: Sequence[Interval]) -> tuple[Interval, ...]:
    """What of the intervals is in none of the others; both in order, neither with two that touch."""
    found: list[Interval] = []
    place = 0
    for each in intervals:
        start = each.start
        while place < len(others) and others[place].stop <= start:
            place += 1
        at = place
        while at < len(others) and others[at].start < each.stop:
            if others[at].start > start:
                found.append(Interval(start, others[at].start))
            start = max(start, others[at].stop)
            at += 1
        if start < each.stop:
            found.append(Interval(start, each.stop))
    return tuple(found)
