"""The log streams of jobs, in moto's CloudWatch Logs."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from moto.logs.models import logs_backends

from transform_emulator.control_plane.jobs import Scope
from transform_emulator.moto.world import World, within
from transform_emulator.service.limits import MAX_LOG_EVENT_BYTES

LOG_GROUP = "/aws/sagemaker/TransformJobs"
MILLISECONDS = 1000

KeepLines = Callable[[Scope, str, int, Sequence[str]], None]


def keep_no_lines(scope: Scope, stream: str, timestamp_ms: int, lines: Sequence[str]) -> None:
    """Keeps no record of log lines besides moto's."""


class LogGroup:
    """Streams of the group that all transform jobs log to.

    Args:
        world: Where moto knows streams.
        keep: Records lines before anybody can see them.
    """

    def __init__(self, world: World, keep: KeepLines) -> None:
        self._world = world
        self._keep = keep
        self._lock = threading.Lock()  # moto's streams are not thread-safe

    def put(self, scope: Scope, stream: str, now: datetime, lines: Sequence[str]) -> None:
        """Appends lines to a stream, which is created with its first line."""
        cut, timestamp_ms = [_cut(line) for line in lines], int(now.timestamp() * MILLISECONDS)
        with self._lock:
            self._keep(scope, stream, timestamp_ms, cut)
            self._append(scope, stream, timestamp_ms, cut)

    def restore(self, scope: Scope, stream: str, timestamp_ms: int, lines: Sequence[str]) -> None:
        """Appends lines that were kept."""
        with self._lock:
            self._append(scope, stream, timestamp_ms, lines)

    @within
    def _append(self, scope: Scope, stream: str, timestamp_ms: int, lines: Sequence[str]) -> None:
        backend = logs_backends[scope.account][scope.region]
        backend.ensure_log_group(LOG_GROUP)
        backend.ensure_log_stream(LOG_GROUP, stream)
        events = [{"timestamp": timestamp_ms, "message": line} for line in lines]
        # The stream's own method: the backend's drops lines of more than 14 days ago, which were younger once.
        backend.groups[LOG_GROUP].streams[stream].put_log_events(events)


def _cut(line: str) -> str:
    return line.encode()[:MAX_LOG_EVENT_BYTES].decode("utf-8", "ignore")
