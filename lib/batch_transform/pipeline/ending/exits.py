"""What an error becomes, whichever way in was taken: words for a person, a report for a program, an exit code.

`exit_of` decides, and is pure; the job, a step, a command without Spark, the console script and `score()` all go by it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from batch_transform.core.amounts import first_of
from batch_transform.core.error_causes import Outlook, cause_of
from batch_transform.core.errors import (
    BatchTransformError,
    ConfigurationError,
    Interrupted,
    PredictionsDiffer,
    ServiceFailure,
    SmokeFailed,
    SmokeInterrupted,
)
from batch_transform.core.escaping import hidden
from batch_transform.core.events import Event
from batch_transform.core.ledger import JsonObject
from batch_transform.core.progress.event_lines import END, ERROR
from batch_transform.core.report_keys import FaultReport
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.spelling import spelled_out_here
from batch_transform.pipeline.telling import tell_terminal
from batch_transform.spark.error_chains import causes_of, chain_of, is_of_spark, jvm_is_gone, told

# Python's own errors that quote what they were given, which may be of a row; and all of Arrow's, whatever they are.
_QUOTING = (ValueError, LookupError)
_ARROW = "pyarrow"
# botocore's, where the default chain has found none; whoever keeps some may not answer for a moment, which is another.
NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError")

# Of commands whose finding is an error.
_WITH_REPORT = (PredictionsDiffer, SmokeFailed, SmokeInterrupted)


@dataclass(frozen=True)
class Exit:
    """How a process ends that an error ends.

    Attributes:
        code: of the process.
        status: of its report.
        lines: what is told, a fault each, without a row.
        ways: how a person goes on, a sentence with its command each.
        stack: of an error that nobody has named, without its words; else "".
        found: the report of a command whose finding the error is.
    """

    code: int
    status: RunStatus
    lines: tuple[str, ...]
    ways: tuple[str, ...] = ()
    stack: str = ""
    found: JsonObject | None = None

    def report(self, run_id: str | None = None) -> JsonObject:
        """Returns what a program is told where no run has begun."""
        told = [*self.lines, *self.ways]
        fault = FaultReport(run_id=run_id, status=self.status.value, error=told, report=None)
        if self.ways:
            fault["ways"] = list(self.ways)
        return self.found or fault

    def tell(self) -> None:
        """Writes what a person is told to the terminal."""
        with suppress(OSError):  # the pipe to a dead JVM
            sys.stderr.write(self.stack)
        step = END if self.status is RunStatus.INTERRUPTED else ERROR  # who interrupts it knows
        for line in first_of(self.lines):  # the report has all; its ways stand last, with what else the report says
            tell_terminal(Event(step, line))


def exit_of(err: BaseException, *more: str, is_begun: bool = True, secrets: Collection[str] = ()) -> Exit:
    """Returns how a process ends by an error.

    Args:
        err: any.
        more: lines about the run, after the error's own.
        is_begun: whether a run may have been paid for, which no refusal may say.
        secrets: what no line may quote.
    """
    if not is_begun and isinstance(err, ServiceFailure) and _asks_as_nobody(err):
        return Exit(ConfigurationError.exit_code, ConfigurationError.status, _told((*err.lines, *more), secrets))
    if isinstance(err, (BatchTransformError, Interrupted)):
        found = err.report if isinstance(err, _WITH_REPORT) else None
        ways = _told(getattr(err, "ways", ()), secrets)
        return Exit(err.exit_code, err.status, _told((*err.lines, *more), secrets), ways, found=found)
    named = _named(err, is_begun=is_begun)
    return Exit(named.exit_code, named.status, _told((*named.lines, *more), secrets), stack=_stack(err))


def _asks_as_nobody(err: BaseException) -> bool:
    """Whether there are no credentials with which AWS could be asked: no later try finds any."""
    return any(type(each).__name__ in NO_CREDENTIALS for each in causes_of(err))


def _told(lines: Iterable[str], secrets: Collection[str]) -> tuple[str, ...]:
    return tuple(hidden(spelled_out_here(line), secrets) for line in lines)


def ended(err: BaseException, handshake: Handshake, *more: str) -> int:
    """Returns the exit code of a process that an error has ended before it held a run, once all is told.

    Args:
        err: as of `exit_of`, and so is `more`.
        handshake: takes the report.
        more: lines, after the error's own.
    """
    found = exit_of(err, *more, is_begun=False)
    found.tell()
    handshake.report(found.report())
    return found.code


@contextmanager
def typed_errors(*, is_begun: bool = True, secrets: Collection[str] = ()) -> Iterator[None]:
    """Raises what nobody has named as an error of ours, and not as its cause: a notebook shows what that quotes.

    Args:
        is_begun: as of `exit_of`, and so are `secrets`.
        secrets: what no error may quote; where one did, its cause, which a notebook shows, does as well.
    """
    try:
        yield
    except BatchTransformError as err:
        shown = "".join(traceback.format_exception(err))
        err.hide(secrets)
        if hidden(shown, secrets) != shown:
            raise err from None
        if not is_begun and isinstance(err, ServiceFailure) and _asks_as_nobody(err):
            raise ConfigurationError(err.lines) from err
        raise
    except Exception as err:  # noqa: BLE001 - whoever calls is promised errors of ours
        with suppress(OSError):
            sys.stderr.write(_stack(err))
        named = _named(err, is_begun=is_begun)
        named.hide(secrets)
        raise named from None


def teller(step: str) -> Callable[[str], None]:
    """Returns what tells the terminal of a command without Spark."""
    return lambda text: tell_terminal(Event(step, spelled_out_here(text)))


def _named(err: BaseException, *, is_begun: bool) -> BatchTransformError:
    """What nobody has named is the service's or the cluster's until it is known better, and the run can be resumed."""
    if jvm_is_gone(err):
        return ServiceFailure(_GONE)
    if not is_of_spark(err):
        if _is_nowhere():
            return (ServiceFailure if is_begun else ConfigurationError)(f"{_NOWHERE} ({_words(err)})")
        return ServiceFailure(_words(err))
    cause = cause_of(chain_of(err))
    is_refused = cause.outlook is Outlook.FINAL and not is_begun
    return (ConfigurationError if is_refused else ServiceFailure)(told(cause.words, "Spark"))


_GONE = (
    "Spark's JVM has ended, or does not answer any more: what it wrote last says why. It is often memory; give it more "
    "(spark.driver.memory), and start Spark anew"
)
_NOWHERE = (
    "the folder in which this was begun is there no more, and nothing can be found from it: give the same command in "
    "another one"
)


def _is_nowhere() -> bool:
    """Whether this process works in a folder that was removed: whatever asks where that is fails."""
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _words(err: BaseException) -> str:
    """What is told of an error, and behind it of the last of its causes, which says more than what wraps it."""
    *_, last = causes_of(err)
    return _said(err) if last is err else f"{_said(err)}, because of {_said(last)}"


def _said(err: BaseException) -> str:
    """The class of an error with its first line, or with its place where that may quote a row."""
    if not isinstance(err, _QUOTING) and not type(err).__module__.startswith(_ARROW):
        line = str(err).partition("\n")[0]
        return f"{type(err).__name__}: {line}" if line else type(err).__name__
    raised = traceback.extract_tb(err.__traceback__)[-1:]
    at = "".join(f" at {frame.filename.rpartition('/')[2]} line {frame.lineno}, in {frame.name}" for frame in raised)
    return f"{type(err).__name__}{at} (what it says may quote a row, and is left out)"


def _stack(err: BaseException) -> str:
    """The stack of an error of ours; Spark's is a JVM's, and its cause is told."""
    return "" if is_of_spark(err) or jvm_is_gone(err) or _is_nowhere() else "".join(_stacks(err))


def _stacks(err: BaseException) -> list[str]:
    """The stack of an error, below those of its causes."""
    before = err.__cause__ or (None if err.__suppress_context__ else err.__context__)
    beneath = [*_stacks(before), f"{type(before).__name__}, and then:\n"] if before is not None else []
    return [*beneath, "Traceback (most recent call last):\n", *traceback.format_tb(err.__traceback__)]
