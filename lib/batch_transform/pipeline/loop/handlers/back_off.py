"""How long a run waits before it asks again for what the service does not give now."""

from __future__ import annotations

from batch_transform.pipeline.context import RunContext

# Before the second try; doubled up to a minute.
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
_MOST_DOUBLINGS = 30


def back_off(ctx: RunContext, tries: int) -> None:
    """Waits after so many tries in a row before the one that was refused last, by a clock and a jitter of the run's."""
    wait = min(_FIRST_WAIT_SECONDS * 2.0 ** min(tries, _MOST_DOUBLINGS), _LONGEST_WAIT_SECONDS)
    ctx.clock.sleep(wait * (0.75 + 0.5 * ctx.jitter()))
