"""How fast a model's instances are, told by the jobs of earlier runs. Pure.

Of a job the service tells how long its instances were paid for, of which their start is a part. Two jobs of unlike size
tell both, start and speed; one alone tells them only where its time is much longer than a start.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from batch_transform.core.amounts import counted
from batch_transform.core.report_keys import JobReport, RunReport
from batch_transform.core.run_settings import MB_PER_SECOND, START_SECONDS, TransformSettings
from batch_transform.core.sending.spreading import REQUEST_BYTES, Speed, speed_of
from batch_transform.core.statuses import JobStatus

GUESSED, GIVEN, MEASURED = "guessed", "given", "measured"
# Why earlier runs are not known, where nobody can say that there are none.
NOTHING_KEPT = "earlier runs are not known, since the embedded emulator keeps nothing without emulator.state"
UNREADABLE = "earlier runs are not known, since the workspace cannot be listed"
# Of sizes that are more alike than this, start and speed cannot be told apart.
_UNLIKE = 2.0
# One job alone tells the speed where it took so many starts.
_STARTS = 2.0
_LOST = 0.01


@dataclass(frozen=True)
class TimedJob:
    """A job that completed: what each of its instances worked through, in bytes, and for how long each was paid."""

    weight: float
    seconds: float


@dataclass(frozen=True)
class SpeedTold:
    """A speed and how it is known.

    Attributes:
        how: GUESSED, GIVEN in the run file, or MEASURED.
        source: in words.
        starts_at_once: whether an instance may take no time at all to start.
    """

    speed: Speed
    how: str
    source: str
    starts_at_once: bool = False

    @property
    def ends(self) -> tuple[Speed, Speed]:
        """The fastest and the slowest that are expected."""
        work, start = {GUESSED: (10.0, 1.25), GIVEN: (1.25, 1.1), MEASURED: (1.25, 1.1)}[self.how]
        least = 0.0 if self.starts_at_once else 1 / start
        return _times(self.speed, 1 / work, least), _times(self.speed, work, start)


def _times(speed: Speed, work: float, start: float) -> Speed:
    """A speed with which work and starts take so many times as long."""
    return Speed(speed.start_seconds * start, speed.mb_per_second / work)


# transform_emulator/README.md, the switch instance_start_seconds, and a model that is loaded.
EMULATED_START_SECONDS = 2.0


def timed_jobs(report: RunReport, model: str, types: Sequence[str]) -> list[TimedJob]:
    """Returns the jobs of a run that tell how fast a model is on one of these instance types.

    Args:
        report: of the run; of an earlier version it may not say which model, nor how large its jobs were.
        model: its name.
        types: instance types.
    """
    if report.get("model") != model:
        return []
    return [job for each in report["jobs"] if each["instance_type"] in types and (job := _timed(each))]


def _timed(job: JobReport) -> TimedJob | None:
    paid, size = job["instance_seconds"], job.get("bytes")
    if job["status"] != JobStatus.COMPLETED.value or not size or paid is None or not paid["paid"]:
        return None
    instances = job["instance_count"]
    return TimedJob((size + job["objects"] * REQUEST_BYTES) / instances, paid["paid"] / instances)


def configured_speed(transform: TransformSettings, *, is_emulated: bool) -> Speed:
    """Returns how fast an instance is where nothing was measured: by the run file, or by what is guessed.

    Args:
        transform: as configured.
        is_emulated: whether an emulator's instances are meant, which start at once; their models take seconds.
    """
    speed = speed_of(transform)
    is_guessed = is_emulated and speed.start_seconds == START_SECONDS
    return replace(speed, start_seconds=EMULATED_START_SECONDS) if is_guessed else speed


def speed_told(
    jobs: Iterable[TimedJob], runs: int, transform: TransformSettings, *, is_emulated: bool = False, unknown: str = ""
) -> SpeedTold:
    """Returns how fast an instance is taken to be.

    What the run file says holds; else what earlier jobs tell, if they do; else our guess.

    Args:
        jobs: of earlier runs.
        runs: how many those are.
        transform: as configured.
        is_emulated: as of `configured_speed`.
        unknown: why earlier runs are not known; '': they are.
    """
    configured, timed = configured_speed(transform, is_emulated=is_emulated), list(jobs)
    if configured.mb_per_second != MB_PER_SECOND:
        return SpeedTold(configured, GIVEN, "as the run file says")
    if measured := _fitted(timed, configured):
        by = f"by {counted(len(timed), 'job')} of {counted(runs, 'earlier run')} of this model"
        return SpeedTold(measured, MEASURED, by)
    too_few = "earlier runs of this model were too short or too alike to tell its speed"
    none = "no completed job of this model on such an instance is recorded in this workspace"
    known = too_few if timed else unknown or none
    with_it = "with it " if known == NOTHING_KEPT else ""
    # An emulator's instance waits for nothing but its model, and a model that is served already is there.
    at_once = configured != speed_of(transform)
    return SpeedTold(configured, GUESSED, f"{known}; {with_it}two runs with --limit, N rows and 10 N, tell it", at_once)


def _fitted(jobs: Sequence[TimedJob], configured: Speed) -> Speed | None:
    weights, seconds = np.array([job.weight for job in jobs]), np.array([job.seconds for job in jobs])
    if not jobs:
        return None
    if weights.max() >= _UNLIKE * weights.min():
        slope, start = np.polyfit(weights, seconds, 1)
        # Where large jobs take no longer than small ones, work is lost in the start: taken as a hundredth of it.
        slope = max(slope, _LOST * seconds.mean() / weights.max())
        # By chance small jobs may seem to start before they began: then it is all work.
        slope, start = (slope, start) if start > 0 else (seconds.sum() / weights.sum(), 0.0)
        return _speed(start, slope)
    start = configured.start_seconds
    if seconds.mean() < _STARTS * start:
        return None
    return _speed(start, (seconds.mean() - start) / weights.mean())


def _speed(start_seconds: float, seconds_per_byte: float) -> Speed | None:
    if seconds_per_byte <= 0:
        return None
    return Speed(round(float(start_seconds), 3), float(f"{1 / (seconds_per_byte * 1e6):.4g}"))
