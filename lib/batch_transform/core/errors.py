"""The errors a caller may meet, each with the exit code and the status of the report that a process ends with."""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from batch_transform.core.amounts import first_of
from batch_transform.core.escaping import hidden, one_line
from batch_transform.core.statuses import RunStatus


class BatchTransformError(Exception):
    """An error of this package: what the job ends with, and `ways` to go on, a sentence with its command each."""

    exit_code = 4
    status = RunStatus.FAILED
    # Whether the run ends with it, however often it is started; and whether until what its words name is set.
    is_final = wants_setting = False

    def __init__(self, *words: object, ways: Iterable[str] = ()) -> None:
        self.ways = tuple(map(one_line, ways))
        super().__init__(*words)

    @property
    def lines(self) -> tuple[str, ...]:
        """What is told of it, a line each, without its ways."""
        return (str(self),)

    def hide(self, secrets: Collection[str]) -> None:
        """Takes secrets out of its words."""
        self.args = tuple(hidden(word, secrets) if isinstance(word, str) else word for word in self.args)
        self.ways = tuple(hidden(way, secrets) for way in self.ways)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it in the place of a stack (its `ultratb`, of an exception that has this method)."""
        return [*(f"{type(self).__name__}: {line}" for line in self.lines), *self.ways]

    def __str__(self) -> str:
        """Returns its words on one line, in which what cannot be seen of foreign text is escaped."""
        return one_line(super().__str__())


class ConfigurationError(BatchTransformError):
    """The run file, an argument or an input is wrong; nothing was written or paid for. All faults are in `faults`."""

    exit_code = 2
    status = RunStatus.REFUSED

    def __init__(self, faults: str | Iterable[str], ways: Iterable[str] = ()) -> None:
        self.faults: tuple[str, ...] = tuple(map(one_line, (faults,) if isinstance(faults, str) else faults))
        super().__init__(self.faults, ways=ways)

    def hide(self, secrets: Collection[str]) -> None:
        """Takes secrets out of its faults."""
        self.faults = tuple(hidden(fault, secrets) for fault in self.faults)
        super().hide(secrets)
        self.args = (self.faults,)

    @property
    def lines(self) -> tuple[str, ...]:
        """All faults at once, a line for each, as a report has them."""
        return self.faults

    def __str__(self) -> str:
        """Returns the faults below their number, as many as a person reads, and the ways below them."""
        head = "" if len(self.faults) == 1 else f"{len(self.faults)} faults:\n  "
        return head + "\n  ".join((*first_of(self.faults), *self.ways))


class OtherRows(ConfigurationError):
    """A run that is known is given other rows than those that it was begun over; nothing was changed."""


class HeldBack(BatchTransformError):
    """Nothing is published, and what was scored is kept: a person says how it goes on; its args are a line each."""

    exit_code = 3

    def __init__(self, lines: Iterable[str], ways: Iterable[str] = ()) -> None:
        super().__init__(*lines, ways=ways)

    @property
    def lines(self) -> tuple[str, ...]:
        """What was found."""
        return tuple(one_line(str(line)) for line in self.args)

    def __str__(self) -> str:
        """Returns the lines and the ways below each other."""
        return "\n  ".join((*self.lines, *self.ways))


class ErrorBudgetExceeded(HeldBack):
    """More dead letters than `errors` accepts; the run can be resumed with more accepted."""

    status = RunStatus.OVER_BUDGET


class OverCost(HeldBack):
    """The jobs have cost what the run may; with a larger `budget_usd` the run goes on."""

    status = RunStatus.OVER_COST


class UnexpectedPredictions(HeldBack):
    """The predictions are not what `expect` says, a line each; until a person accepts them."""

    status = RunStatus.UNEXPECTED_PREDICTIONS


class Found(BatchTransformError):
    """What a command has found, which is no success; `report` is what it prints of it."""

    # JSON to be printed; its type is that of the command which raises this (estimate.comparison, smoke.report).
    def __init__(self, message: str, report: Mapping[str, Any]) -> None:
        self.report = report
        super().__init__(message)


class PredictionsDiffer(Found):
    """An endpoint predicts something else than the run did; nothing was changed."""

    exit_code = 3
    status = RunStatus.DIFFERENT


class SmokeFailed(Found):
    """The service did not score the rows of `smoke` as expected, or did not answer; what was made is removed."""


class ServiceFailure(BatchTransformError):
    """SageMaker, S3 or the cluster failed beyond the retries; the run can be resumed."""


class AnswersMisread(ServiceFailure):
    """All answers are in another form than was configured; with the setting that is named the same ones are read."""

    wants_setting = True


class RowsLost(BatchTransformError):
    """The staged rows of a run are gone or altered and cannot be had again: it ends here, however often it is begun."""

    is_final = True


class GateRefused(BatchTransformError):
    """Two counts of the same rows do not agree, as `what` tells; nothing was published."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            f"{what}. Nothing is published, as rows could be lost, or be there twice. Start the run again, which "
            "counts anew; if it ends alike, this program is at fault: please report this line, and score the input "
            "under another run_id"
        )


class PublishedUnverified(BatchTransformError):
    """A table was committed, but its row count is not what the gate expected; nothing is restored automatically."""

    status = RunStatus.UNVERIFIED


class LedgerFenced(BatchTransformError):
    """Another driver has taken over this run; this one stops and changes nothing more."""

    status = RunStatus.FENCED


class RunHeld(BatchTransformError):
    """Another driver is at work on this run; this one has changed nothing."""

    status = RunStatus.HELD

    def __init__(self, lease: object, holder: str, run: object) -> None:
        super().__init__(
            f"another driver ({holder}) is at work on this run: it renews {lease}. Wait for it, or end it: `stop {run}`"
        )


class RunStopped(BatchTransformError):
    """A person has stopped this run; only who means it goes on with it. The exit code is that of the driver then."""

    exit_code = 143
    status = RunStatus.INTERRUPTED

    def __init__(self, run: object, way: str = "") -> None:
        goes_on = way or f"`submit {run}` or `resume {run}`"
        super().__init__(f"{run} was stopped by a person; {goes_on} goes on with it")


class LedgerCorrupt(BatchTransformError):
    """The ledger holds a step that cannot be: a gap, a broken digest or an illegal transition.

    It is final: nothing else says what was sent and what was answered.

    Attributes:
        what: it is.
    """

    is_final = True

    def __init__(self, what: str, paid: str = "") -> None:
        self.what = what
        super().__init__(
            f"{what}. A damaged ledger cannot be mended: the run ends here, however often it is started. {paid}"
            "Saved: what its jobs have answered, below output/ in its folder; each line of `<job>/<name>.out` answers "
            "the same line of input/<name>. To score the input, choose another run_id"
        )


class Interrupted(KeyboardInterrupt):
    """The run was interrupted by a signal; jobs in flight were stopped. `exit_code` is 128 + the signal's number.

    No Exception, as KeyboardInterrupt is none: libraries that catch those (the SageMaker SDK, Py4J) would go on. A
    KeyboardInterrupt, because Py4J gives up the connection of a call that one cuts short
    (`GatewayClient.send_command`): the JVM goes on with that call, and the next one over the same connection would wait
    until it has ended.
    """

    status = RunStatus.INTERRUPTED

    def __init__(self, signal_number: int) -> None:
        self.exit_code = 128 + signal_number
        name = signal.Signals(signal_number).name
        super().__init__(f"interrupted by {'Ctrl-C (SIGINT)' if signal_number == signal.SIGINT else name}")

    @property
    def lines(self) -> tuple[str, ...]:
        """What is told of it."""
        return (str(self),)


class SmokeInterrupted(Interrupted):
    """A signal has ended `smoke`, which has removed what it made; `report` is of what it could not remove."""

    def __init__(self, signal_number: int, report: Mapping[str, Any]) -> None:  # as of SmokeFailed
        self.report = report
        super().__init__(signal_number)


class StopRequested(Interrupted):
    """A person has asked for the end of the run with `stop`; as SIGTERM would."""

    def __init__(self) -> None:
        super().__init__(15)
        self.args = ("stopped as a person has asked",)
