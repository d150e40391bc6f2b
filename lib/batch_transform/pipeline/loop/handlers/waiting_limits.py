"""How long a run waits for what the service does not give now, and before it asks again."""

from __future__ import annotations

from batch_transform.core.errors import ServiceFailure
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.remedies import on_another_type
from batch_transform.sagemaker.service_errors import NotNow

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
            ServiceFailure: it was one too many; for a quota that is when a job's whole time has passed.
            NotNow: it is a quota, and this run does not wait.
        """
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
