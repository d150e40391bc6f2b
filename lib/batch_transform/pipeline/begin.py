"""Take a run: hold its lease, and begin its ledger or go on with it. Needs no Spark."""

from __future__ import annotations

import secrets

from batch_transform.core.naming import NONCE_CHARACTERS
from batch_transform.core.records import RunState
from batch_transform.core.state import advance, fold
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.recorded import check_same


def begin(ctx: RunContext) -> RunState:
    """Returns the state of the run once this driver holds it, begun if it is new.

    Raises:
        RunHeld: another driver is at work on it.
        ConfigurationError: another driver has begun it in the meantime, with another configuration.
    """
    held = ctx.lease.look()
    if held is not None and not held.released:
        died = f"waiting up to {held.ttl_seconds:g} s to see whether it lives"
        ctx.tell("resume", f"the last driver ({held.writer}) has not given the run back; {died}")
    epoch = ctx.lease.acquire(ctx.ledger.epoch)
    try:
        ctx.ledger.hold(epoch)
        return _held(ctx, fold(ctx.ledger.load()))
    except BaseException:
        ctx.lease.release()
        raise


def _held(ctx: RunContext, recorded: RunState | None) -> RunState:
    at = {"at": ctx.clock.now().isoformat(), "config": ctx.config.to_document()}
    if recorded is None:
        opened = {"run_id": ctx.run_id, "nonce": secrets.token_hex(NONCE_CHARACTERS // 2), **at}
        return advance(None, ctx.ledger.append("opened", opened))
    check_same(recorded, ctx.config)
    if recorded.report is not None:
        return recorded
    ctx.tell("resume", f"{ctx.run_id} goes on after {recorded.rounds} rounds")
    return advance(recorded, ctx.ledger.append("resumed", at))
