"""What stands in the text of a stack: the errors of a JVM and of a Python worker, from the one that is seen on.

Spark hands on a chain of errors as objects only where a JVM is beside the driver. Spark Connect gives text, as does a
task that failed on another machine: `Job aborted due to stage failure: ... (executor 2): java.io.IOException: ...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from batch_transform.core.tracebacks import raised_in


@dataclass(frozen=True)
class Link:
    """One error of a chain of causes.

    Attributes:
        name: of its class, with its package.
        text: its message; may quote rows.
        condition: Spark's name of the error ("error class"), where it is told beside the text.
        state: its SQLSTATE, where that is told beside the text.
        place: in Python, where it was raised.
        is_imported: in Python, whether an import can have raised it.
    """

    name: str
    text: str
    condition: str | None = None
    state: str | None = None
    place: str = ""
    is_imported: bool = True


_JAVA_NAME = r"(?:[a-z_$][\w$]*\.)+[A-Z][\w$]*"
# The message of an error may have several lines; its frames begin with a tab.
_JAVA = re.compile(
    rf"(?:^|\n)(?:Caused by: |: )?({_JAVA_NAME})(?:: (.*?))?(?=\n\tat |\n\t\.\.\. |\nCaused by: |\Z)", re.DOTALL
)
# Java's `new RuntimeException(cause)` has the words of its cause; Spark Connect writes a class before them.
_WRAPPED = re.compile(rf"({_JAVA_NAME}(?:Exception|Error)): ")
_REASON = re.compile(rf"\(({_JAVA_NAME})\) ")
_TASK = re.compile(r"Job aborted due to stage failure: .*?Lost task [^\n]*?\([^()\n]*executor [^()\n]*\): ", re.DOTALL)
_PY4J = "An error occurred while calling"  # and the object in the JVM; what went wrong stands in the next line
JVM_STACK = "\n\nJVM stacktrace:\n"


def expanded(link: Link) -> Iterator[Link]:
    """Yields an error, and those that its message is made of: of the task that failed, of the Python worker."""
    text, _, stack = link.text.partition(JVM_STACK)
    reason = _REASON.match(text)
    name, text = (reason[1], text[reason.end() :]) if reason else (link.name, text)
    aborted = _TASK.search(text)
    if aborted is None:
        yield Link(name, text, link.condition, link.state, link.place, link.is_imported)
        if (wrapped := _WRAPPED.match(text)) and not link.place:
            yield from expanded(Link(wrapped[1], text[wrapped.end() :]))
        yield from _of_python(text)
    else:
        yield Link(name, "Job aborted due to stage failure")
        yield from of_stack(text[aborted.end() :])
    if stack:
        yield from list(of_stack(stack))[1:]


def of_error(err: BaseException) -> list[Link]:
    """Returns what the words of an error tell of it and its causes, by themselves."""
    head, _, rest = str(err).partition(JVM_STACK)
    if head.startswith(_PY4J):
        return list(of_stack(head.partition("\n")[2]))
    return [Link(type(err).__name__, head), *list(of_stack(rest))[1:]]


def of_stack(stack: str) -> Iterator[Link]:
    """Yields the errors of a JVM's stack, the first of which may have lost its message."""
    found = False
    for name, text in _JAVA.findall(stack):
        found = True
        yield from expanded(Link(name, text.partition("\n\nDriver stacktrace:")[0]))
    if not found and stack:
        yield Link("", stack)


def _of_python(text: str) -> Iterator[Link]:
    """Yields the errors of a worker from the last to its cause."""
    for name, words, place, is_imported in raised_in(text):
        yield Link(name, words, place=place or "Python", is_imported=is_imported)
