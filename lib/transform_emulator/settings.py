"""What an emulator is started with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from transform_emulator.faults.model import Fault
from transform_emulator.service.allowed_callers import Doors
from transform_emulator.service.limits import PING_DEADLINE_SECONDS
from transform_emulator.service.switches import Switches

# An emulator whose driver was killed ends its model servers first; the driver's next start is not to fail for that.
STATE_WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Settings:
    """The settings of one emulator.

    Attributes:
        models: For each model name the command that serves it, a URL, or where its script lies (`scripts.serving`).
        port: The port to listen on; 0 for a free one.
        buckets: S3 buckets to create.
        create_buckets: Also create any bucket on the first put or head.
        s3_endpoint: The S3 server that jobs use and clients' S3 requests are passed on to; None for the emulator's own.
        switches: The readings of unconfirmed points.
        faults: What is made to go wrong from the start.
        describes_in_progress: How many describes show a job InProgress before it runs; None for real time.
        emulated_time: Whether time stands but for a describe that finds a job in flight, and costs are only counted.
        ping_deadline_seconds: How long a model server may take until /ping answers.
        state: The directory from which an earlier process's world goes on, and in which this one's is kept; None for
            memory only.
        state_wait_seconds: How long to wait for another process to leave that directory.
        on_state_wait: Is told the process that is waited for.
        doors: Who may talk to it besides this machine's own names and pages.
        pass_env: Variables of the emulator's that its model servers get as well.
    """

    models: Mapping[str, str]
    port: int = 0
    buckets: Sequence[str] = ()
    create_buckets: bool = False
    s3_endpoint: str | None = None
    switches: Switches = field(default_factory=Switches)
    faults: Sequence[Fault] = ()
    describes_in_progress: int | None = None
    emulated_time: bool = False
    ping_deadline_seconds: float = PING_DEADLINE_SECONDS
    state: Path | None = None
    state_wait_seconds: float = STATE_WAIT_SECONDS
    on_state_wait: Callable[[str], None] = lambda _process: None
    doors: Doors = field(default_factory=Doors)
    pass_env: Sequence[str] = ()
