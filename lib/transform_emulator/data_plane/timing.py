"""What the work of an instance takes, where start-up, requests and bytes have a cost: waited for, or only counted."""

import heapq
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transform_emulator.control_plane.stop_signal import StopSignal
from transform_emulator.data_plane.inputs import InputObject
from transform_emulator.service.switches import Switches

MILLISECONDS = 1_000
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class Work:
    """What an instance has done.

    Attributes:
        requests: How many requests it has sent, attempts each.
        size_bytes: Their bodies' bytes.
        seconds: From its containers' start to its last answer, by the costs alone.
        ends: When each object was done, in seconds from the same moment.
    """

    requests: int
    size_bytes: int
    seconds: float
    ends: Mapping[InputObject, float]


class Meter:
    """The costs of one instance. Its requests' threads meet here."""

    def __init__(self, switches: Switches, stop: StopSignal, counts_only: bool) -> None:
        """Spends nothing yet.

        Args:
            switches: The cost of a request and of a byte.
            stop: Set when the job is told to stop.
            counts_only: Whether time is only counted, rather than waited for.
        """
        self._request_seconds = switches.milliseconds_per_request / MILLISECONDS
        self._byte_seconds = switches.nanoseconds_per_byte / NANOSECONDS
        self._side_by_side = switches.files_in_parallel
        self._stop = stop
        self._counts_only = counts_only
        self._lock = threading.Lock()
        self._before = 0.0
        self._spent: dict[tuple[InputObject, int], float] = {}
        self._requests = 0
        self._size_bytes = 0

    def wait(self, seconds: float) -> bool:
        """Spends time before the first request; True if the job was told to stop."""
        self._before += seconds
        return self._pass(seconds)

    def pause(self, item: InputObject, number: int, seconds: float) -> bool:
        """Spends time on a request of an object, by its number; True if the job was told to stop."""
        # A job may have as many requests as records, of which nothing is remembered where they cost nothing.
        if seconds:
            with self._lock:
                self._spent[item, number] = self._spent.get((item, number), 0.0) + seconds
        return self._pass(seconds)

    def request(self, item: InputObject, number: int, size_bytes: int) -> bool:
        """Spends what a request of this size costs; True if the job was told to stop."""
        with self._lock:
            self._requests += 1
            self._size_bytes += size_bytes
        return self.pause(item, number, self._request_seconds + size_bytes * self._byte_seconds)

    def work(self, files: Sequence[InputObject], slots: int) -> Work:
        """Returns all that was done for these objects, in their order, with so many requests at once."""
        spent: dict[InputObject, list[tuple[int, float]]] = {item: [] for item in files}
        for (item, number), seconds in self._spent.items():
            spent[item].append((number, seconds))
        costs = [[seconds for _, seconds in sorted(spent[item])] for item in files]
        ends = file_ends(costs, slots, self._side_by_side)
        by_item = {item: self._before + end for item, end in zip(files, ends, strict=True)}
        return Work(self._requests, self._size_bytes, max(by_item.values(), default=self._before), by_item)

    def _pass(self, seconds: float) -> bool:
        return self._stop.wait(0 if self._counts_only else seconds)


def file_ends(costs: Sequence[Sequence[float]], slots: int, side_by_side: bool) -> list[float]:
    """Returns after how many seconds each file is done, if each of its requests takes the slot that is free first.

    Args:
        costs: For each file its requests' seconds, in order.
        slots: How many requests are in flight at once.
        side_by_side: Whether a file's requests may begin before those of the file before it have ended.
    """
    free, ends = [0.0] * slots, []
    for seconds_of_file in costs:
        if not side_by_side:
            free = [max(free)] * slots
        end = free[0]
        for seconds in seconds_of_file:
            done = heapq.heappop(free) + seconds
            heapq.heappush(free, done)
            end = max(end, done)
        ends.append(end)
    return ends
