"""The steps of a run, each of which does what can be done now and ends: `prepare`, `submit`, `collect`.

They drive the same loop as `run` does; the ledger says where the last one ended, whichever command that was.
"""

from __future__ import annotations

from collections.abc import Callable

from batch_transform.core.publishing.report import run_report
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_state import RunState
from batch_transform.core.state import actions as act
from batch_transform.core.state.next_action import next_action
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, SUBMIT
from batch_transform.pipeline.loop.driver import Driver

_END = (act.Gate, act.Intend, act.Publish, act.Finish, act.Nothing)


def is_prepared(state: RunState | None) -> bool:
    """Returns whether the jobs of the first round are recorded."""
    return state is not None and state.last_round is not None


def prepare(driver: Driver) -> None:
    """Stages, exports and plans the first round, as far as it is not done."""
    while not is_prepared(driver.state):
        driver.step()


def submit(driver: Driver) -> None:
    """Creates the recorded jobs of the round, as many as may be in flight."""
    while isinstance(next_action(driver.state), (act.Replan, act.Create)) and driver.step():
        pass


def collect(driver: Driver) -> None:
    """Does all that can be done without Spark and, unless the driver waits, without waiting for a job.

    It ends when jobs are in flight that have not ended, or when only gate, merge and publication are left.
    """
    while not isinstance(next_action(driver.state), _END) and driver.step():
        pass


def without_spark(driver: Driver, command: str) -> None:
    """Does what a step does of a run that is prepared, as far as it needs no Spark; `prepare` is done already."""
    if command == SUBMIT:
        submit(driver)
    elif command == COLLECT:
        collect(driver)


def step_report(driver: Driver, command: str, spell: Callable[[str], str]) -> RunReport:
    """Returns the report of a step: that of the run, and what comes next.

    Beside the keys of every report there are `wait_for`, the names of the jobs in flight, and `next`, the command line
    to call then, None for a published run.

    Args:
        driver: of the run.
        command: the step that was done.
        spell: the command line of a step.
    """
    ctx, state = driver.ctx, driver.state
    status, named = _status(state, command), str(ctx.places.run)
    report = state.report or run_report(state, status, named, ctx.took(state), emulated=ctx.region is None)
    following = {
        RunStatus.PREPARED: SUBMIT,
        RunStatus.WAITING: COLLECT,
        RunStatus.SETTLED: COLLECT,
        RunStatus.PUBLISHED: None,
    }[status]
    waiting = [job.name for job in state.in_flight]
    return report | {"wait_for": waiting, "next": spell(following) if following else None}


def _status(state: RunState, command: str) -> RunStatus:
    if state.report is not None:
        return RunStatus.PUBLISHED
    if isinstance(next_action(state), _END):
        return RunStatus.SETTLED
    if command == PREPARE and state.rounds == 1 and not any(job.created for job in state.jobs):
        return RunStatus.PREPARED
    return RunStatus.WAITING
