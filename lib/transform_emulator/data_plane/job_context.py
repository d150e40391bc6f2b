"""What the instances of a job share, and what each of them has done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from transform_emulator.containers.chain import Part
from transform_emulator.control_plane.clock import Clock
from transform_emulator.control_plane.jobs import Scope
from transform_emulator.control_plane.stop_signal import StopSignal
from transform_emulator.data_plane.inputs import InputObject
from transform_emulator.data_plane.object_store import ObjectStore
from transform_emulator.data_plane.shares import Shares
from transform_emulator.data_plane.timing import Work
from transform_emulator.faults.register import FaultRegister
from transform_emulator.scripts.serving import ModelContainer
from transform_emulator.service.job_request import JobRequest
from transform_emulator.service.switches import Switches


class Models(Protocol):
    """The models of each account and region, by their names."""

    def containers(self, scope: Scope, name: str, /) -> list[ModelContainer]:
        """Returns what a model is made of, in order; empty for a model that is not there."""


class Logs(Protocol):
    """The log streams of transform jobs."""

    def put(self, scope: Scope, stream: str, now: datetime, lines: Sequence[str], /) -> None:
        """Appends lines to a stream, which is created with its first line."""


PutLog = Callable[[str, datetime, Sequence[str]], None]
Note = Callable[[InputObject, str | None], None]


@dataclass(frozen=True)
class JobContext:
    """What all instances of one job share.

    Attributes:
        request: The job's request.
        parts: What its model is made of, each with the variables that the model has for it.
        shares: Its objects, and which instance has them.
        store: Where they are.
        put_log: Appends lines to a log stream.
        note: Notes that an object is done: its output is written, or why it has none.
        clock: The time of day.
        began: When the instances' containers start, where the clock stands while they work; None where it does not.
        stop: Set when the job is told to stop.
        broken: Set when one instance met a failure that ends the whole job.
        switches: The readings of unconfirmed points.
        faults: What is made to go wrong.
        ping_deadline_seconds: How long a model server may take until /ping answers.
    """

    request: JobRequest
    parts: Sequence[Part]
    shares: Shares
    store: ObjectStore
    put_log: PutLog
    note: Note
    clock: Clock
    began: datetime | None
    stop: StopSignal
    broken: threading.Event
    switches: Switches
    faults: FaultRegister
    ping_deadline_seconds: float


@dataclass(frozen=True)
class InstanceResult:
    """What an instance did.

    Attributes:
        system_reason: The failure that ended the whole job, or None.
        failure_reason: The first reason of a failed file, or of an instance that never worked, or None.
        work: Its requests, and their time by the costs alone.
    """

    system_reason: str | None
    failure_reason: str | None
    work: Work


def job_reason(results: Sequence[InstanceResult], earlier: Sequence[str]) -> str | None:
    """Returns the job's FailureReason: what ended all of it, before what failed a file, in another process or now."""
    reasons = [result.system_reason for result in results] + [*earlier]
    reasons += [result.failure_reason for result in results]
    # One reason at most, and never a file's name: that is in the data-log only.
    return next((reason for reason in reasons if reason), None)
