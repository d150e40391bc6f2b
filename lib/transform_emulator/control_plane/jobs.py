"""The life of a transform job, and the register of all of them. Threads meet here, so every change takes the lock."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from transform_emulator.control_plane.clock import Clock
from transform_emulator.control_plane.stop_signal import StopSignal
from transform_emulator.service.limits import MAX_FAILURE_REASON_CHARACTERS

log = logging.getLogger(__name__)


class Status(Enum):
    """TransformJobStatus."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"


# How regions of other partitions than `aws` begin (AWS general reference, Amazon Resource Names).
PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}

FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPED})


@dataclass(frozen=True)
class Scope:
    """Whose job it is: names are unique within an account and region."""

    account: str
    region: str
    access_key: str = field(compare=False, repr=False)

    @property
    def partition(self) -> str:
        """The part of AWS that the region is of, as ARNs have it."""
        return next((name for start, name in PARTITIONS.items() if self.region.startswith(start)), "aws")

    def arn(self, kind: str, name: str) -> str:
        """Returns the ARN of one of the scope's SageMaker resources."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:{kind}/{name}"


@dataclass(frozen=True)
class Life:
    """Where a job is in its life; replaced as a whole, so that nobody sees half a change.

    Attributes:
        status: TransformJobStatus.
        modified: When the status changed last.
        started: TransformStartTime, once its instances start.
        ended: TransformEndTime.
        failure_reason: FailureReason, only when Failed.
        tags: The tags it was created with and was given since.
    """

    status: Status
    modified: datetime
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Job:
    """One job: its request as it was sent, and where it is in its life.

    Attributes:
        scope: Account and region.
        body: The request, unchanged.
        created: CreationTime.
        life: What changes, and is seen by clients.
        stop: Set when the job is to end early.
        released: Set when the job may begin to run: at once, or by the describe that is told to see its end.
        done: Set when the status is final.
        describes: How often the job was described.
        work: What each of its instances has done, once it has ended.
        unkept: How it has ended, if that could not be recorded; it is not seen before it is.
    """

    scope: Scope
    body: dict[str, Any]
    created: datetime
    life: Life
    stop: StopSignal = field(default_factory=StopSignal)
    released: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    describes: int = 0
    work: Sequence[Mapping[str, float]] = ()
    unkept: Life | None = None

    @property
    def name(self) -> str:
        """TransformJobName."""
        return str(self.body["TransformJobName"])

    @property
    def arn(self) -> str:
        """TransformJobArn."""
        return self.scope.arn("transform-job", self.name)

    @property
    def status(self) -> Status:
        """TransformJobStatus."""
        return self.life.status


Keep = Callable[[Job, Life], None]


def keep_nothing(job: Job, life: Life) -> None:
    """Keeps no record of a job's life besides the register's."""


class JobRegister:
    """All jobs that were ever created: they cannot be deleted, so their names stay taken."""

    def __init__(self, clock: Clock, keep: Keep = keep_nothing) -> None:
        """Registers nothing yet.

        Args:
            clock: The time of day.
            keep: Records each change before anybody can see it.
        """
        self._clock = clock
        self._keep = keep
        self._lock = threading.Lock()
        self._jobs: dict[tuple[Scope, str], Job] = {}

    def add(self, scope: Scope, body: dict[str, Any]) -> tuple[Job, bool]:
        """Returns the job of that name and whether it is new: False means that the name was taken before."""
        now = self._clock()
        tags = {tag["Key"]: tag["Value"] for tag in body.get("Tags", [])}
        job = Job(scope, body, created=now, life=Life(Status.IN_PROGRESS, now, tags=tags))
        with self._lock:
            known = self._jobs.get((scope, job.name))
            if known is not None:
                return known, False
            self._change(job, job.life)
            self._jobs[scope, job.name] = job
        return job, True

    def restore(self, jobs: Iterable[Job]) -> None:
        """Takes in jobs that were kept, in the order of their creation."""
        with self._lock:
            for job in jobs:
                self._jobs[job.scope, job.name] = job
                if job.status in FINAL:
                    job.done.set()

    def forget(self) -> None:
        """Empties the register; nobody runs any of its jobs."""
        with self._lock:
            self._jobs.clear()

    def get(self, scope: Scope, name: str) -> Job | None:
        """Returns the job of that name, or None."""
        with self._lock:
            return self._jobs.get((scope, name))

    def all(self, scope: Scope | None = None) -> list[Job]:
        """Returns the scope's jobs, or everybody's, in order of creation."""
        with self._lock:
            return [job for (owner, _), job in self._jobs.items() if scope is None or owner == scope]

    def start(self, job: Job, moment: datetime | None = None) -> None:
        """Notes that the job's instances start, now or at another moment."""
        with self._lock:
            self._change(job, replace(job.life, started=moment or self._clock()))

    def set_tags(self, job: Job, tags: Mapping[str, str]) -> None:
        """Gives the job these tags in place of those it has."""
        with self._lock:
            self._change(job, replace(job.life, tags=tags))

    def request_stop(self, job: Job) -> bool:
        """Moves a running job to Stopping; False if it has ended already."""
        with self._lock:
            # A second stop of a job that is Stopping is accepted; one of a finished job is not.
            if job.status in FINAL:
                return False
            if job.status is Status.IN_PROGRESS:
                self._change(job, replace(job.life, status=Status.STOPPING, modified=self._clock()))
        job.stop.set()
        job.released.set()
        return True

    def finish(self, job: Job, failure_reason: str | None, moment: datetime | None = None) -> None:
        """Gives the job its final status: Stopped if it was told to, else Failed with a reason or Completed."""
        with self._lock:
            now = moment or self._clock()
            ended = replace(job.life, status=Status.COMPLETED, modified=now, ended=now)
            # Stopped wins over whatever its interrupted requests looked like; FailureReason is for Failed only.
            if job.status is Status.STOPPING:
                ended = replace(ended, status=Status.STOPPED)
            elif failure_reason is not None:
                reason = failure_reason[:MAX_FAILURE_REASON_CHARACTERS]
                ended = replace(ended, status=Status.FAILED, failure_reason=reason)
            job.unkept = ended
        try:
            self.record_end(job)
        except Exception:
            log.exception(
                "the end of %s cannot be recorded; who describes it is told, and has it tried again", job.name
            )

    def record_end(self, job: Job) -> None:
        """Records how the job has ended, where it has: of a full disk, for one, it would be in progress for ever.

        Raises:
            Exception: It cannot be recorded.
        """
        with self._lock:
            if job.unkept is None:
                return
            self._change(job, job.unkept)
            job.unkept = None
        job.done.set()

    def count_describe(self, job: Job) -> int:
        """Returns how often the job was described, this time included."""
        with self._lock:
            job.describes += 1
            return job.describes

    def _change(self, job: Job, life: Life) -> None:
        # In this order: what a client was shown must be there after a crash.
        self._keep(job, life)
        job.life = life
