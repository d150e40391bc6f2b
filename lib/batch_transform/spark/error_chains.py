"""The chain of causes behind an error: from the JVM beside the driver, or from the text that Spark Connect sends.

Imports no PySpark, as whoever ends a run has to tell of an error without it too.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from batch_transform.core.error_causes import cause_of
from batch_transform.core.missing_jars import missing_jar
from batch_transform.core.stack_traces import JVM_STACK, Link, of_stack

_MOST_LINKS = 20
# Spark Connect hands on what it does not know under names of its own.
_NAMELESS = ("SparkConnectGrpcException", "SparkException", "UnknownException")
# Py4J's whole words for a call that the end of the JVM has cut short; of what Java raises a trace follows.
_UNANSWERED = re.compile(r"An error occurred while calling \S+")


def _of_py4j(name: str) -> tuple[type[Exception], ...]:
    """An error class of Py4J's; none where nobody has imported it, as then no such error can have been raised."""
    protocol = sys.modules.get("py4j.protocol")
    return (getattr(protocol, name),) if protocol is not None else ()


def said(err: BaseException) -> str:
    """Returns what is told of an error: with its cause, and without a row."""
    return told(cause_of(chain_of(err)).words)


def told(words: str, what: str = "") -> str:
    """Returns the words of an error behind what has failed, and before both the jar that the session lacks, if it does.

    Args:
        words: of the error and its causes.
        what: has failed; '': who tells of it says so himself.
    """
    of_all = f"{what}: {words}" if what else words
    pyspark = sys.modules.get("pyspark")
    lacks = missing_jar(words, getattr(pyspark, "__version__", ""))
    return f"{lacks} ({of_all})" if lacks else of_all


def is_of_spark(err: BaseException) -> bool:
    """Returns whether Spark has raised an error, with a JVM beside the driver or without."""
    return isinstance(err, _of_py4j("Py4JJavaError")) or hasattr(err, "getErrorClass")


def jvm_is_gone(err: BaseException) -> bool:
    """Returns whether an error says that the JVM beside the driver has ended: Py4J has lost it, or cannot reach it."""
    return any(_is_lost(each) for each in causes_of(err))


def _is_lost(err: BaseException) -> bool:
    if isinstance(err, ConnectionError):
        raised = traceback.extract_tb(err.__traceback__)[-1:]
        return any(Path(frame.filename).parent.name == "py4j" for frame in raised)
    is_cut_short = type(err) in _of_py4j("Py4JError") and _UNANSWERED.fullmatch(str(err)) is not None
    return is_cut_short or isinstance(err, _of_py4j("Py4JNetworkError"))


def causes_of(err: BaseException) -> Iterator[BaseException]:
    """Yields an error and its causes, in this order, as Python has them; so many at most, as they may be a circle."""
    seen: BaseException | None = err
    for _ in range(_MOST_LINKS):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__


def chain_of(err: BaseException) -> list[Link]:
    """Returns an error and its causes, in this order, with those that a JVM has."""
    links: list[Link] = []
    for seen in causes_of(err):
        if len(links) >= _MOST_LINKS:
            break
        links += _links(seen)
    return links


def _links(err: BaseException) -> list[Link]:
    thrown = getattr(err, "java_exception", None) or getattr(err, "_origin", None)
    if thrown is not None:
        with suppress(OSError, *_of_py4j("Py4JError")):  # the JVM is gone, and with it all that it could tell
            return list(_thrown(thrown))
    if isinstance(err, _of_py4j("Py4JJavaError")):  # whose `str` asks the JVM
        return [Link(type(err).__name__, "")]
    condition = getattr(err, "getCondition", getattr(err, "getErrorClass", None))
    if condition is None:
        module = type(err).__module__
        name = type(err).__name__ if module == "builtins" else f"{module}.{type(err).__name__}"
        return [Link(name, str(err), place="Python")]
    return _told_by_spark(err, condition())


def _told_by_spark(err: BaseException, condition: str | None) -> list[Link]:
    """An error of PySpark's without a JVM's error behind it."""
    state = getattr(err, "getSqlState", None)
    text = str(err).partition(JVM_STACK)[0]
    stack = list(of_stack(getattr(err, "_stacktrace", None) or getattr(err, "_stackTrace", None) or ""))
    name = type(err).__name__
    if name in _NAMELESS and stack:
        name = stack[0].name or name
    return [Link(name, text, condition, state() if state else None), *stack[1:]]


def _thrown(thrown: Any) -> Iterator[Link]:
    """Yields a JVM's error and its causes."""
    for _ in range(_MOST_LINKS):
        state = None
        with suppress(OSError, *_of_py4j("Py4JError")):  # none of Spark's own has one
            state = thrown.getSqlState()
        yield Link(thrown.getClass().getName(), thrown.getMessage() or "", state=state)
        thrown = thrown.getCause()
        if thrown is None:
            return
