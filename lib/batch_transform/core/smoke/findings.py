"""What came back from the experiments, in the form in which questions are answered from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from batch_transform.core.isolation.data_log_evidence import parse
from batch_transform.core.statuses import JobStatus

_OUT = ".out"
_LOGGED = "smoke "


class NotTold(Exception):
    """A question has no answer, for this reason."""


@dataclass(frozen=True)
class Seen:
    """A request as the model saw it; times are seconds since the epoch, by its own clock.

    Attributes:
        bytes: of the body.
        lines: newlines in it.
        head: how it begins.
        content_type: the header; None: there was none.
        accept: the same.
        named: whether a header named the input object.
        zipped: whether an answer in gzip was asked for.
        mark: a variable that the job has set; None: it is not there.
        instance: which container it was.
        loaded: when the container's process began.
        began: when the model began to answer.
        ended: and when it was about to.
        connections: the most clients that were connected meanwhile.
        first: what the container in front of it saw.
    """

    bytes: int
    lines: int
    head: str
    content_type: str | None
    accept: str | None
    named: bool
    zipped: bool
    mark: str | None
    instance: str
    loaded: float
    began: float
    ended: float = 0.0
    connections: int = 0
    first: Seen | None = None


@dataclass(frozen=True)
class JobFound:
    """A job that has ended, or that the service refused.

    Attributes:
        name: of the experiment.
        bucket: of its input.
        folder: the key of its input.
        status: None: it was not created.
        reason: FailureReason, or why it was not created or has not ended; '' for neither.
        created, started, ended: seconds since the epoch, as DescribeTransformJob has them.
        outputs: by their names below its folder, with their suffix.
        data_log: its lines.
        container_log: the same.
        log_trouble: why they could not be read.
        was_scored: of a job that is stopped: whether an output was complete before.
        instances: of the job.
    """

    name: str
    bucket: str
    folder: str
    status: JobStatus | None
    reason: str = ""
    created: float | None = None
    started: float | None = None
    ended: float | None = None
    outputs: Mapping[str, bytes] = field(default_factory=dict)
    data_log: tuple[str, ...] = ()
    container_log: tuple[str, ...] = ()
    log_trouble: str = ""
    was_scored: bool = False
    instances: int = 1

    def output(self, name: str) -> bytes | None:
        """Returns the output of an object; None: there is none."""
        return self.outputs.get(name + _OUT)

    def told(self, name: str) -> list[Seen]:
        """Returns what the model answered for an object, request by request.

        Raises:
            NotTold: the object was not scored, or its answers are none of this model's.
        """
        output = self.output(name)
        if output is None:
            raise NotTold(f"{self.name}: {name} was not scored: {self.failure(name) or self.ending}")
        found = [seen for line in output.decode("utf-8", "replace").split("\n") if line if (seen := _seen(line))]
        if not found:
            raise NotTold(f"{self.name}: the output of {name} does not begin as the model's answer: {output[:100]!r}")
        return found

    def asked(self, head: str) -> list[Seen]:
        """Returns the requests whose body begins like this, in the order in which the container's log has them.

        Raises:
            NotTold: the log has no request at all.
        """
        found = [seen for line in self.container_log if line.startswith(_LOGGED) if (seen := _seen(line[6:]))]
        if not found:
            why = f": {self.log_trouble}" if self.log_trouble else ""
            raise NotTold(f"{self.name}: the container's log has no request{why}")
        return sorted((seen for seen in found if seen.head.startswith(head)), key=lambda seen: seen.began)

    def failure(self, name: str) -> str:
        """Returns what the data log says of an object, headline first; '' where it says nothing."""
        entry = parse(self.data_log, self.bucket, self.folder, {name}).get(name)
        return entry.evidence if entry is not None else ""

    def headline(self, name: str) -> str:
        """Returns the data log's headline for an object that failed.

        Raises:
            NotTold: there is none.
        """
        entry = parse(self.data_log, self.bucket, self.folder, {name}).get(name)
        if entry is None:
            why = self.log_trouble or "the data log says nothing of it"
            raise NotTold(f"{self.name}: {name}: {why}; the job is {self.ending}")
        return entry.headline

    @property
    def ending(self) -> str:
        """How the job ended, in words."""
        return " ".join(part for part in (self.status.value if self.status else "not created", self.reason) if part)


@dataclass(frozen=True)
class Refusal:
    """What the service said of a request; code '' if it did as it was asked."""

    code: str
    message: str = ""


@dataclass(frozen=True)
class Findings:
    """All that came back, by the names of experiments."""

    jobs: Mapping[str, JobFound]
    refusals: Mapping[str, Refusal]

    def job(self, name: str) -> JobFound:
        """Returns a job that has ended.

        Raises:
            NotTold: it has not, or was never created.
        """
        found = self.jobs.get(name)
        if found is None:
            raise NotTold(f"{name}: its job was not created")
        if found.status is None or not found.status.is_terminal:
            raise NotTold(f"{name}: {found.ending}")
        return found

    def refusal(self, name: str) -> Refusal:
        """Returns what the service said of a request.

        Raises:
            NotTold: it was not sent.
        """
        found = self.refusals.get(name)
        if found is None:
            raise NotTold(f"{name}: its request was not sent")
        return found


def _seen(line: str) -> Seen | None:
    try:
        return _of(json.loads(line))
    except (ValueError, TypeError, AttributeError):
        return None


def _of(told: Mapping[str, Any]) -> Seen:  # JSON that the model has written, by the names of Seen
    first = told.get("first")
    return Seen(**{**told, "first": _of(first) if first is not None else None})


def scored_lines(job: JobFound, names: Iterable[str]) -> list[bytes]:
    """Returns the lines of the outputs of these objects that are not blank, in their order."""
    return [line for name in names for line in (job.output(name) or b"").split(b"\n") if line]


@dataclass(frozen=True)
class Told:
    """What the service did.

    Attributes:
        value: as the emulator's switch is set to it; None: it is not told, or it is none of the readings.
        evidence: what it is read from, in words.
        why: it is not told; '' where it is, or where the service did something else.
    """

    value: str | None
    evidence: tuple[str, ...]
    why: str = ""


def yes(is_so: bool, *evidence: str) -> Told:
    """Returns the answer to a question of yes or no."""
    return Told("true" if is_so else "false", evidence)


def other(*evidence: str) -> Told:
    """Returns that the service did neither."""
    return Told(None, evidence)
