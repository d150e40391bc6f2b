"""The life of a transform job, and the register of all of them. Threads meet here, so every change takes the lock."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from transform_emulator.clock import Clock
from transform_emulator.limits import MAX_FAILURE_REASON_CHARACTERS
from transform_emulator.stop_signal import StopSignal


class Status(Enum):
    """TransformJobStatus."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"


FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPED})


@dataclass(frozen=True)
class Scope:
    """Whose job it is: names are unique within an account and region."""

    account: str
    region: str
    access_key: str = field(compare=False, repr=False)

    def arn(self, kind: str, name: str) -> str:
        """The ARN of one of the scope's SageMaker resources."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name}"


@dataclass
class Job:
    """One job: its request as it was sent, and where it is in its life.

    Attributes:
        scope: Account and region.
        body: The request, unchanged.
        created: CreationTime.
        status: TransformJobStatus.
        started: TransformStartTime, once its instances start.
        ended: TransformEndTime.
        modified: When the status changed last.
        failure_reason: FailureReason, only when Failed.
        stop: Set when the job is to end early.
        released: Set when the job may begin to run: at once, or by the describe that is told to see its end.
        done: Set when the status is final.
        describes: How often the job was described.
        tags: The tags it was created with and was given since.
    """

    scope: Scope
    body: dict[str, Any]
    created: datetime
    modified: datetime
    status: Status = Status.IN_PROGRESS
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    stop: StopSignal = field(default_factory=StopSignal)
    released: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    describes: int = 0
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """TransformJobName."""
        return str(self.body["TransformJobName"])

    @property
    def arn(self) -> str:
        """TransformJobArn."""
        return self.scope.arn("transform-job", self.name)


class JobRegister:
    """All jobs that were ever created: they cannot be deleted, so their names stay taken."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: dict[tuple[Scope, str], Job] = {}

    def add(self, scope: Scope, body: dict[str, Any]) -> tuple[Job, bool]:
        """The job of that name and whether it is new: False means that the name was taken before."""
        now = self._clock()
        tags = {tag["Key"]: tag["Value"] for tag in body.get("Tags", [])}
        job = Job(scope, body, created=now, modified=now, tags=tags)
        with self._lock:
            known = self._jobs.setdefault((scope, job.name), job)
        return known, known is job

    def get(self, scope: Scope, name: str) -> Job | None:
        """The job of that name, or None."""
        with self._lock:
            return self._jobs.get((scope, name))

    def all(self, scope: Scope | None = None) -> list[Job]:
        """The scope's jobs, or everybody's, in order of creation."""
        with self._lock:
            return [job for (owner, _), job in self._jobs.items() if scope is None or owner == scope]

    def start(self, job: Job) -> None:
        """Note that the job's instances start."""
        with self._lock:
            job.started = self._clock()

    def request_stop(self, job: Job) -> bool:
        """Move a running job to Stopping; False if it has ended already."""
        with self._lock:
            # A second stop of a job that is Stopping is accepted; one of a finished job is not.
            if job.status in FINAL:
                return False
            if job.status is Status.IN_PROGRESS:
                job.status, job.modified = Status.STOPPING, self._clock()
        job.stop.set()
        job.released.set()
        return True

    def finish(self, job: Job, failure_reason: str | None) -> None:
        """Give the job its final status: Stopped if it was told to, else Failed with a reason or Completed."""
        with self._lock:
            job.ended = job.modified = self._clock()
            # Stopped wins over whatever its interrupted requests looked like; FailureReason is for Failed only.
            if job.status is Status.STOPPING:
                job.status = Status.STOPPED
            elif failure_reason is not None:
                job.status = Status.FAILED
                job.failure_reason = failure_reason[:MAX_FAILURE_REASON_CHARACTERS]
            else:
                job.status = Status.COMPLETED
        job.done.set()

    def count_describe(self, job: Job) -> int:
        """How often the job was described, this time included."""
        with self._lock:
            job.describes += 1
            return job.describes
