"""A job's input: determined by the first instance that is healthy, and shared out to all; no file is divided."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from transform_emulator.data_plane.inputs import InputObject
from transform_emulator.service.switches import Sharding


def shards(objects: Sequence[InputObject], instance_count: int, sharding: Sharding) -> list[list[InputObject]]:
    """Returns one list of objects for each instance, together all of them, in input order within an instance.

    "Partitions the Amazon S3 objects in the input by key and maps Amazon S3 objects to instances" (developer guide).
    """
    result: list[list[InputObject]] = [[] for _ in range(instance_count)]
    if sharding is Sharding.ALL_TO_ONE:
        result[0].extend(objects)
        return result
    if sharding is Sharding.CONTIGUOUS_RANGES:
        for place, item in enumerate(sorted(objects, key=lambda each: each.key)):
            result[place * instance_count // len(objects)].append(item)
        return result
    for item in objects:
        digest = hashlib.blake2b(item.key.encode(), digest_size=8).digest()
        result[int.from_bytes(digest, "big") % instance_count].append(item)
    return result


class InputError(Exception):
    """The input cannot be determined; the text is the job's FailureReason."""


class Shares:
    """Each instance's objects; instances ask from threads of their own."""

    def __init__(self, determine: Callable[[], list[list[InputObject]]]) -> None:
        """Determines nothing yet.

        Args:
            determine: The objects of each instance, by its number; called once, however it ends.
        """
        self._determine = determine
        self._lock = threading.Lock()
        self._shares: Future[list[list[InputObject]]] = Future()

    def of(self, number: int) -> list[InputObject]:
        """Returns the objects of an instance.

        Raises:
            InputError: They cannot be determined; every instance is told.
        """
        with self._lock:
            if not self._shares.done():
                try:
                    self._shares.set_result(self._determine())
                except InputError as error:
                    self._shares.set_exception(error)
        return self._shares.result()[number]
