"""How far a job has come: the objects it reads, and what became of those that are done."""

from collections.abc import Sequence
from typing import Protocol

from transform_emulator.data_plane.inputs import InputObject

Outcomes = dict[InputObject, str | None]


class Progress(Protocol):
    """Jobs are named by their ARNs."""

    def begin(self, job: str, objects: Sequence[InputObject]) -> None:
        """Notes what a job reads, before any of it is sent."""

    def objects(self, job: str) -> list[InputObject]:
        """Returns what a job that has not ended reads, in order; empty until that was noted."""

    def note(self, job: str, item: InputObject, reason: str | None) -> None:
        """Notes that an object is done: its output is written, or it has none for this reason."""

    def outcomes(self, job: str) -> Outcomes:
        """Returns the objects that are done, in the order of that: None for an output, or why there is none."""

    def end(self, job: str) -> None:
        """Forgets a job that has its final status."""


class ProgressInMemory:
    """It satisfies `Progress`, and is gone with the process."""

    def __init__(self) -> None:
        self._objects: dict[str, list[InputObject]] = {}
        self._outcomes: dict[str, Outcomes] = {}

    def begin(self, job: str, objects: Sequence[InputObject]) -> None:
        """Notes what a job reads, before any of it is sent."""
        self._outcomes[job] = {}
        self._objects[job] = list(objects)

    def objects(self, job: str) -> list[InputObject]:
        """Returns what a job that has not ended reads, in order; empty until that was noted."""
        return self._objects.get(job, [])

    def note(self, job: str, item: InputObject, reason: str | None) -> None:
        """Notes that an object is done: its output is written, or it has none for this reason."""
        self._outcomes[job][item] = reason  # one operation of a dict, so instances need no lock

    def outcomes(self, job: str) -> Outcomes:
        """Returns the objects that are done, in the order of that: None for an output, or why there is none."""
        return dict(self._outcomes.get(job, {}))

    def end(self, job: str) -> None:
        """Forgets a job that has its final status."""
        self._objects.pop(job, None)
        self._outcomes.pop(job, None)
