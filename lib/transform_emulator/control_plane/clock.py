"""The time of day, handed in so that a test can choose it; or emulated, so that no client waits for it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone

from transform_emulator.control_plane.stop_signal import StopSignal

Clock = Callable[[], datetime]

# A describe that is to see the end of a job waits for it, but not until its client gives up (60 s in botocore).
LONGEST_DESCRIBE_SECONDS = 30.0


def utc_now() -> datetime:
    """Returns the current time, with its zone."""
    return datetime.now(timezone.utc)


@dataclass
class _Flight:
    stop: StopSignal
    end: datetime | None = None
    seen: bool = True


class EmulatedClock:
    """One clock for all jobs that stands while clients work, and moves to the next end of any job when one looks.

    A look at a job in flight moves it, but the first look at that job after a move: so a client that looks at ten jobs
    in turn sees each end before the next one comes. Jobs are named by their ARNs.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._condition = threading.Condition()
        self._flights: dict[str, _Flight] = {}

    def __call__(self) -> datetime:
        return self._now

    def move_on(self, moment: datetime) -> None:
        """Makes the time no earlier than this moment."""
        with self._condition:
            self._now = max(self._now, moment)

    def enter(self, job: str, stop: StopSignal) -> None:
        """Has a job in flight from now on, of which it is not known yet when it ends."""
        with self._condition:
            self._flights[job] = _Flight(stop)

    def wait_until(self, job: str, end: datetime) -> datetime:
        """Returns the job's end: `end`, once a client's look has moved the clock there, or now if told to stop."""
        flight = self._flights[job]
        with flight.stop.calling(self._wake), self._condition:
            flight.end = end
            self._condition.notify_all()
            self._condition.wait_for(lambda: flight.stop.is_set() or self._now >= end)
            return min(end, self._now)

    def leave(self, job: str) -> None:
        """Has a job that shows its final status in flight no longer."""
        with self._condition:
            del self._flights[job]
            self._condition.notify_all()

    def look(self, job: str) -> None:
        """Lets a client see a job: moves to the next end of any job if it is in flight, and waits until that shows."""
        with self._condition:
            flight = self._flights.get(job)
            if flight is None:
                return
            # Another client's look may move the clock while this one waits for jobs to do their work.
            known = flight.seen and self._condition.wait_for(self._ends_are_known, LONGEST_DESCRIBE_SECONDS)
            if not flight.seen or not known or job not in self._flights:
                flight.seen = True
                return
            ends = {each: flight.end for each, flight in self._flights.items() if flight.end is not None}
            self._now = max(self._now, min(ends.values()))
            due = {each for each, end in ends.items() if end <= self._now}
            for each, other in self._flights.items():
                other.seen = each == job
            self._condition.notify_all()
            self._condition.wait_for(lambda: not due.intersection(self._flights), LONGEST_DESCRIBE_SECONDS)

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()

    def _ends_are_known(self) -> bool:
        """Whether each job has done its work, and none is about to be Stopped."""
        return all(flight.end is not None and not flight.stop.is_set() for flight in self._flights.values())
