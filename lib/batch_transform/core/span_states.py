"""The states of a span, and the only ways from one to the next. Everything else raises.

| from | event | to |
|---|---|---|
| planned | intent: a step with its job's request | sent |
| planned | unsendable: over 100 MB | dead |
| sent | accepted: its output holds one line for each row | scored |
| sent | refused: no output, or any other | failed |
| failed | again: transient with attempts left; one row, evidence not yet enough; another payload fits | sent |
| failed | split: more than one row, not transient; its children tile it | replaced |
| failed | bury: one row that has failed alone so often that no good one would (core.isolation.evidence) | dead |
| scored | lost: its output is gone or altered, and nothing is published | planned |
| dead | retry: a person asks for it, and nothing is published | planned |

Scored, dead and replaced are final but for these. A span that stays failed when the attempts are spent ends the run
with exit code 4. Nothing is published while a leaf is planned, sent or failed.
"""

from __future__ import annotations

from enum import Enum

from batch_transform.core.errors import GateRefused


class SpanState(Enum):
    """Where a span stands."""

    PLANNED = "planned"
    SENT = "sent"
    SCORED = "scored"
    FAILED = "failed"
    REPLACED = "replaced"
    DEAD = "dead"


class SpanEvent(Enum):
    """What can happen to a span."""

    INTENT = "intent"
    UNSENDABLE = "unsendable"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    AGAIN = "again"
    SPLIT = "split"
    BURY = "bury"
    RETRY = "retry"
    LOST = "lost"


_AFTER = {
    (SpanState.PLANNED, SpanEvent.INTENT): SpanState.SENT,
    (SpanState.PLANNED, SpanEvent.UNSENDABLE): SpanState.DEAD,
    (SpanState.SENT, SpanEvent.ACCEPTED): SpanState.SCORED,
    (SpanState.SENT, SpanEvent.REFUSED): SpanState.FAILED,
    (SpanState.FAILED, SpanEvent.AGAIN): SpanState.SENT,
    (SpanState.FAILED, SpanEvent.SPLIT): SpanState.REPLACED,
    (SpanState.FAILED, SpanEvent.BURY): SpanState.DEAD,
    (SpanState.DEAD, SpanEvent.RETRY): SpanState.PLANNED,
    (SpanState.SCORED, SpanEvent.LOST): SpanState.PLANNED,
}


def after(state: SpanState, event: SpanEvent, rows: int) -> SpanState:
    """Returns the state of a span of `rows` rows after an event.

    Raises:
        GateRefused: the event cannot happen in that state, or to that many rows.
    """
    if (state, event) not in _AFTER:
        raise GateRefused(f"a span that is {state.value} cannot be: {event.value}")
    if (event is SpanEvent.BURY and rows != 1) or (event is SpanEvent.SPLIT and rows < 2):
        raise GateRefused(f"a span of {rows} rows cannot be: {event.value}")
    return _AFTER[state, event]
