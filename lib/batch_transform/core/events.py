"""What happens in a run, as records: progress on the terminal, the log and tests are listeners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class EventKind(str, Enum):
    """What an event says: a sentence; that a step has begun, and so the one before has ended; how far the run is."""

    TOLD = "told"
    BEGINS = "begins"
    FIGURES = "figures"

    def __str__(self) -> str:
        """The word that stands in the log."""
        return self.value


@dataclass(frozen=True)
class Figures:
    """How far a run is.

    Attributes:
        run_id: of the run.
        round: the deepest that is planned, 0 before the first.
        rows: that were staged; None: not yet.
        rows_scored: that are settled with a prediction.
        rows_dead: that are settled without.
        rows_failed: that failed in the latest round of which any did, and were not scored since.
        failed_most: the class of most that failed in that round.
        objects: of all jobs that were created, but for those that are sent again as they are: they count once.
        objects_done: of those, as far as it is known: of jobs that have ended, and outputs that a listing shows.
        bytes: of the records in these objects.
        bytes_done: likewise, by the share of each job's objects.
        jobs: that are planned.
        jobs_in_flight: that were created and have not ended.
        jobs_ended: of those that were created.
        jobs_failed: of those that have ended.
        cost_usd: of the jobs that have ended; None: a price is not known.
        usd_in_flight: of those in flight, by the time for which this driver has seen them.
        usd_per_hour: of the jobs in flight, all together.
        seconds: that the driver has taken, as its report says; None: it is at work.
        emulated: whether money is what AWS would take, and nothing is paid.
        jobs_stopping: of the jobs in flight, that this run has asked to stop.
    """

    run_id: str
    round: int = 0
    rows: int | None = None
    rows_scored: int = 0
    rows_dead: int = 0
    rows_failed: int = 0
    failed_most: str | None = None
    objects: int = 0
    objects_done: int = 0
    bytes: int = 0
    bytes_done: int = 0
    jobs: int = 0
    jobs_in_flight: int = 0
    jobs_ended: int = 0
    jobs_failed: int = 0
    cost_usd: float | None = None
    usd_in_flight: float = 0.0
    usd_per_hour: float = 0.0
    seconds: float | None = None
    emulated: bool = False
    jobs_stopping: int = 0


@dataclass(frozen=True)
class Event:
    """One thing that happened; `text` holds no row data and no secret, and is empty of what is not told in words."""

    step: str
    text: str = ""
    kind: EventKind = EventKind.TOLD
    figures: Figures | None = None


Listener = Callable[[Event], None]


def in_words(listener: Listener) -> Listener:
    """Returns a listener that hears what is told in words, and nothing else."""
    return lambda event: listener(event) if event.kind is EventKind.TOLD else None
