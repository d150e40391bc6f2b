"""A job's input: determined by the first instance that is healthy, and shared out to all of them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from transform_emulator.data_plane.inputs import InputObject


class InputError(Exception):
    """The input cannot be determined; the text is the job's FailureReason."""


class Shares:
    """Each instance's objects; instances ask from threads of their own."""

    def __init__(self, determine: Callable[[], list[list[InputObject]]]) -> None:
        """Make it.

        Args:
            determine: The objects of each instance, by its number; called once, however it ends.
        """
        self._determine = determine
        self._lock = threading.Lock()
        self._shares: Future[list[list[InputObject]]] = Future()

    def of(self, number: int) -> list[InputObject]:
        """The objects of an instance.

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
