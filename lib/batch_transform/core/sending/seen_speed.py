"""How fast instances are, by the jobs of a run that have just ended: what they left is spread by that. Pure.

A speed that a run file gives, or our guess, may be a hundred times too high. Then what failed looks like no work worth
a start-up, and would be one job, or be packed into the one instance that is free while others are at work.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.run_settings import START_SECONDS, TransformSettings
from batch_transform.core.run_state import TIMEOUT, JobRecord, RunState
from batch_transform.core.sending.instances import instances_of
from batch_transform.core.sending.spreading import REQUEST_BYTES, Speed, speed_of

# Beside so many start-ups' work it makes little difference if a start-up took twice as long as is taken for it.
_PLENTY = 10


def as_slow_as_seen(transform: TransformSettings, state: RunState) -> TransformSettings:
    """Returns the section `transform` with a speed no higher than that of the jobs that were just settled.

    So what they left is sent in as many jobs as its work is worth, and none holds more than may end before it is
    stopped. Of several jobs the fastest tells.
    """
    asked = speed_of(transform)
    seen = [mb_per_second for job in state.just_settled if (mb_per_second := _seen(job, asked)) is not None]
    if not seen:
        return transform
    return replace(transform, instance_mb_per_second=min(transform.instance_mb_per_second, max(seen)))


def _seen(job: JobRecord, asked: Speed) -> float | None:
    """MB a second of an instance of an ended job, or more, never less; None: it does not tell.

    One that was stopped as late tells what it cannot have worked through, unless it had less work than a start-up: it
    may have hung. Of another what it took beyond a start-up is work, where that is much more than a start-up. One that
    was asked for with less load is slower for that.
    """
    if not job.started_at or not job.ended_at:
        return None
    weight, seconds = _weight(job), _seconds(job.started_at, job.ended_at)
    is_worth_it = asked.start_ups(weight) >= 1
    if job.stop_reason == TIMEOUT:
        return _speed(job, weight, seconds) if is_worth_it and seconds > 0 else None
    if job.is_helped or not job.objects_scored:
        return None
    at_work = seconds - asked.start_seconds
    if at_work >= _PLENTY * max(asked.start_seconds, START_SECONDS):
        return _speed(job, weight, at_work)
    return asked.mb_per_second if is_worth_it else None


def _speed(job: JobRecord, weight: int, seconds: float) -> float:
    return weight / BYTES_PER_MB / instances_of(job) / seconds


def _seconds(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def _weight(job: JobRecord) -> int:
    """What a job holds, its requests included, as what is sent next is weighed (spreading.weights_of)."""
    return (job.bytes or 0) + job.spans.rows * REQUEST_BYTES
