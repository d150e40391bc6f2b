"""What a run may cost, and how long it waits for what the service does not give now.

Costs are held against the budget before the first job by an estimate, before each further one by what was paid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from batch_transform.core.amounts import counted, dollars, duration, verb
from batch_transform.core.errors import ConfigurationError, OverCost, ServiceFailure
from batch_transform.core.estimate.earlier_jobs import NOTHING_KEPT, speed_told
from batch_transform.core.estimate.instance_time import instance_time
from batch_transform.core.run_state import RunState
from batch_transform.core.sending.instances import SECONDS_PER_HOUR, overspent, price_of
from batch_transform.core.sending.job_planning import LanePlan
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.earlier_runs import earlier_runs
from batch_transform.pipeline.remedies import going_on, on_another_type
from batch_transform.sagemaker.service_errors import NotNow

Answer = TypeVar("Answer")


def require_estimate(ctx: RunContext, state: RunState, lanes: Sequence[LanePlan], instance_type: str) -> None:
    """Raises ConfigurationError if the first round is estimated to cost more than the run may; nothing is paid then.

    Args:
        ctx: of the run.
        state: the run, of which no job is planned.
        lanes: of the first round, before they are spread over jobs.
        instance_type: that is asked for.
    """
    budget, transform = ctx.config.budget_usd, state.settings.transform
    price = price_of(instance_type, transform, ctx.region)
    if budget is None or price is None:
        return
    before, emulated = earlier_runs(ctx.store, ctx.places.layout.workspace, state.settings), ctx.config.emulated
    unknown = NOTHING_KEPT if ctx.config.ephemeral else before.unknown
    told = speed_told(before.jobs, before.runs, transform, is_emulated=emulated, unknown=unknown)
    speed = told.speed
    sizes = [(sum(lane.spans["bytes"].to_pylist()), lane.spans.num_rows) for lane in lanes]
    seconds = instance_time(sizes, transform, speed)["paid_seconds"]
    if (cost := price * seconds / SECONDS_PER_HOUR) > budget:
        raise ConfigurationError(
            f"budget_usd: is {budget:g}, but the run is estimated at {dollars(cost)}: {duration(seconds)} "
            f"of instances at {price:g} an hour, with {speed.start_seconds:g} s for a start and "
            f"{speed.mb_per_second:g} MB/s ({told.how}: {told.source}; or set transform.instance_start_seconds and "
            f"transform.instance_mb_per_second). Nothing is sent. To go on all the same: {_with_more(ctx, cost)}"
        )


def require_budget(ctx: RunContext, state: RunState) -> None:
    """Raises OverCost if what the run has cost is what it may: no further job is created, and none is in flight."""
    cost, budget = overspent(state), ctx.config.budget_usd
    if budget is None or cost is None:
        return
    done = sum(job.status is not None for job in state.jobs)
    amount = dollars(cost)
    paid = f"would have cost {amount} on AWS" if ctx.region is None else f"{verb(done, 'has', 'have')} cost {amount}"
    what = f"{counted(done, 'job')} {paid}"
    raise OverCost(
        [
            f"budget_usd: is {budget:g}, and {what}: no further one is created, and nothing is published. What was "
            "scored is kept"
        ],
        [f"To go on: {_with_more(ctx, 2 * cost)}"],
    )


def _with_more(ctx: RunContext, amount: float) -> str:
    """The command that goes on with a budget of at least so much, in whole cents."""
    enough = math.ceil(amount * 100) / 100
    return going_on(ctx, f"--set budget_usd={enough:g}", f"budget_usd={enough:g}")


# Before the second try; doubled up to a minute.
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
_MOST_DOUBLINGS = 30
# In a row, on top of botocore's own retries: some six minutes. A quota is waited for longer.
_MOST_REFUSALS = 12


def back_off(ctx: RunContext, tries: int) -> None:
    """Waits after so many tries in a row before the one that was refused last, by a clock and a jitter of the run's."""
    wait = min(_FIRST_WAIT_SECONDS * 2.0 ** min(tries, _MOST_DOUBLINGS), _LONGEST_WAIT_SECONDS)
    ctx.clock.sleep(wait * (0.75 + 0.5 * ctx.jitter()))


class Patience:
    """How long a call is repeated that the service does not obey now."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self._began = ctx.clock.monotonic()
        self._refusals = 0

    def after(self, err: NotNow) -> None:
        """Tells of a refusal.

        Raises:
            ServiceFailure: it was one too many; for a quota that is when a job's whole time has passed, or at once if
                no wait helps.
            NotNow: it is a quota, and this run does not wait.
        """
        if err.is_beyond:
            otherwise = f"On another instance type: {on_another_type(self._ctx)}"
            raise ServiceFailure(f"{err} The run can be resumed once it is raised. {otherwise}") from err
        if err.is_quota and not self._ctx.waits:
            raise err
        minutes = self._ctx.config.transform.job_timeout_minutes
        self._refusals += 1
        if self._ctx.clock.monotonic() - self._began > 60 * minutes or (
            not err.is_quota and self._refusals == _MOST_REFUSALS
        ):
            otherwise = f". On another instance type: {on_another_type(self._ctx)}" if err.is_quota else ""
            raise ServiceFailure(f"{err}; given up after {self._refusals} tries{otherwise}") from err
        self._ctx.tell("score", f"{err}; waiting")

    def obeyed(self) -> None:
        """The service has obeyed: refusals in a row are counted from none."""
        self._refusals = 0


def insisted(ctx: RunContext, call: Callable[[], Answer]) -> Answer:
    """Returns what a call gives, which is made again as long as the service does not obey it now.

    Raises:
        ServiceFailure: it was refused too often.
        NotNow: a quota is used up, and `ctx.waits` is false.
    """
    patience, tries = Patience(ctx), 0
    while True:
        ctx.refuse_if_asked_to_stop()
        ctx.lease.renew()
        try:
            return call()
        except NotNow as err:
            patience.after(err)
        back_off(ctx, tries)
        tries += 1
