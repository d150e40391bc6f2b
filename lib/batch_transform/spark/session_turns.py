"""Runs of one session take turns: its settings are all of theirs at once.

A run sets the session's settings around its jobs and puts back what it found. Of two that did so at once, each worked
under what the other had set, and the later to end put the other's settings back as if they were the user's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from pyspark.sql import SparkSession

_TURNS: WeakKeyDictionary[SparkSession, threading.RLock] = WeakKeyDictionary()
_TAKEN = threading.Lock()


@contextmanager
def turn(spark: SparkSession, tell: Callable[[str], None]) -> Iterator[None]:
    """Holds a session for a run of this thread; another thread's run waits until it has ended.

    Args:
        spark: the session.
        tell: is told that this run waits.
    """
    with _TAKEN:
        own = _TURNS.setdefault(spark, threading.RLock())
    if not own.acquire(blocking=False):
        tell(
            "another thread's run is at work in this Spark session, whose settings are one run's at a time: this one "
            "waits until it has ended. Both work at once if each reads its table in a session of its own, as "
            "spark.newSession() gives"
        )
        own.acquire()
    try:
        yield
    finally:
        own.release()
