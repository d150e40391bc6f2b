"""What this process brings to a run that it works on: its clock, and its name."""

from __future__ import annotations

import getpass
import os
import platform
import time
from contextlib import suppress

from batch_transform.pipeline.context import Clock


def boot_seconds() -> float:
    """Returns seconds since the machine started, those included in which it slept (where the system tells them)."""
    # macOS's CLOCK_MONOTONIC_RAW goes on during sleep; Linux's monotonic clocks do not.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC_RAW))


def this_process() -> str:
    """Returns who is at work here, as a person knows it: user, host, process."""
    user = "an unnamed user"
    with suppress(KeyError, ImportError, OSError):  # a container may have a number and no name
        user = getpass.getuser()
    return f"{user} on {platform.node() or 'an unnamed host'}, process {os.getpid()}"


CLOCK = Clock(time.monotonic, time.time, time.sleep, boot_seconds)
