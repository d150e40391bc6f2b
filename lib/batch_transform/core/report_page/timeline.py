"""The timeline: what the driver did, when it waited, and each round with its jobs, by the clock on the wall."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from batch_transform.core.amounts import counted, duration
from batch_transform.core.report_page.charts import (
    FAILED,
    JOBS_RUN,
    NOTHING_RUNS,
    START,
    WORK,
    Bar,
    Chart,
    Mark,
    Row,
    rows_chart,
)
from batch_transform.core.report_page.clock_times import ClockTimes, Interval, JobTimes
from batch_transform.core.report_page.markup import Html
from batch_transform.core.statuses import JobStatus

# With more jobs a round is one row.
MOST_JOBS_SHOWN = 40
# Bars that are closer together than this part of the whole are drawn as one, so that a page stays small.
_NEAR = 0.002
# Between two steps the ledger is written: what is shorter than this part of the whole is no waiting.
_SHORT = 0.005

_LEGEND = (
    (WORK, "at work"),
    (START, "instances start"),
    (JOBS_RUN, "waiting for jobs"),
    (NOTHING_RUNS, "waiting, nothing runs"),
    (FAILED, "a job that did not complete"),
)


def timeline(times: ClockTimes) -> Html:
    """Returns the chart, below what its patterns mean."""
    scale = _Scale(times.whole)
    rows = [scale.row(f"{label}, {_total(each)}", each, WORK) for label, each in times.work.items()]
    if times.waiting_for_jobs:
        words = f"Waiting for jobs, {_total(times.waiting_for_jobs)}"
        rows.append(scale.row(words, times.waiting_for_jobs, JOBS_RUN))
    if long := [each for each in times.waiting if each.seconds > _SHORT * times.whole.seconds]:
        rows.append(scale.row(f"Waiting, nothing runs, {_total(long)}", long, NOTHING_RUNS))
    rows += _jobs(times.jobs, scale)
    words = (
        f"From {times.whole.start:%Y-%m-%d %H:%M:%S} to {times.whole.stop:%Y-%m-%d %H:%M:%S} UTC, "
        f"{duration(times.whole.seconds)} in all."
    )
    return Html(_legend() + rows_chart(Chart("timeline", "Timeline by the clock", words), rows, scale.ticks()))


def _legend() -> str:
    swatch = (
        '<svg class="key" width="22" height="12" aria-hidden="true"><rect width="22" height="12" class="{}"/></svg>'
    )
    return f"<ul class=keys>{''.join(f'<li>{swatch.format(kind)}{words}</li>' for kind, words in _LEGEND)}</ul>"


def _total(intervals: Sequence[Interval]) -> str:
    return duration(sum(each.seconds for each in intervals))


class _Scale:
    """The axis: times to parts of its width."""

    def __init__(self, whole: Interval) -> None:
        self.whole = whole
        self._seconds = whole.seconds or 1.0

    def at(self, time: datetime) -> float:
        return (time - self.whole.start).total_seconds() / self._seconds

    def bar(self, start: datetime, stop: datetime, kind: str, title: str) -> Bar:
        return Bar(self.at(start), self.at(stop), kind, f"{title}: {start:%H:%M:%S} to {stop:%H:%M:%S}")

    def row(self, label: str, intervals: Sequence[Interval], kind: str) -> Row:
        near: list[Interval] = []
        for each in intervals:
            if near and self.at(each.start) - self.at(near[-1].stop) < _NEAR:
                near[-1] = Interval(near[-1].start, each.stop)
            else:
                near.append(each)
        name = label.rpartition(",")[0]
        return Row(label, tuple(self.bar(each.start, each.stop, kind, name) for each in near))

    def ticks(self) -> list[Mark]:
        form = "%H:%M:%S" if self.whole.start.date() == self.whole.stop.date() else "%m-%d %H:%M"
        middle = self.whole.start + (self.whole.stop - self.whole.start) / 2
        places = ((0.0, self.whole.start), (0.5, middle), (1.0, self.whole.stop))
        return [Mark(at, time.strftime(form)) for at, time in places]


def _jobs(jobs: Sequence[JobTimes], scale: _Scale) -> list[Row]:
    """Each round as a row, in front of those of its jobs; with many jobs the rounds alone."""
    numbers = {each.job.name: place for place, each in enumerate(jobs, 1)}
    rows: list[Row] = []
    for number in sorted({each.job.round_number for each in jobs}):
        of_round = [each for each in jobs if each.job.round_number == number]
        rows.append(_round(number, of_round, scale))
        if len(jobs) <= MOST_JOBS_SHOWN:
            rows += [_job(numbers[each.job.name], each, scale) for each in of_round]
    return rows


def _round(number: int, jobs: Sequence[JobTimes], scale: _Scale) -> Row:
    start = min(each.made for each in jobs)
    stop = max(_end(each, scale) for each in jobs)
    lacking = sum(not _is_completed(each) for each in jobs)
    words = f"Round {number}, {counted(len(jobs), 'job')}" + (f", {lacking:,} not completed" if lacking else "")
    return scale.row(f"{words}, {duration((stop - start).total_seconds())}", [Interval(start, stop)], WORK)


def _is_completed(times: JobTimes) -> bool:
    return times.job.status is JobStatus.COMPLETED


def _end(times: JobTimes, scale: _Scale) -> datetime:
    return times.ended or max(scale.whole.stop, times.made)


def _job(number: int, times: JobTimes, scale: _Scale) -> Row:
    """A job: until its instances have started, and from then on."""
    stop = _end(times, scale)
    started = times.started or (stop if times.ended else None)
    status = times.job.status.value if times.job.status else "in flight"
    bars = []
    if started is None or started > times.made:
        bars.append(scale.bar(times.made, started or stop, START, "starts"))
    if started is not None and stop > started:
        kind = WORK if _is_completed(times) or times.job.status is None else FAILED
        bars.append(scale.bar(started, stop, kind, status))
    label = f"  Job {number}, {times.job.lane}, {status}, {duration((stop - times.made).total_seconds())}"
    return Row(label, tuple(bars))
