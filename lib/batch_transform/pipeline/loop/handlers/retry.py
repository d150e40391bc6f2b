"""Handler of a request to send dead rows again."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted, verb
from batch_transform.core.isolation.verdict_rows import DEAD, LEAF_SCHEMA
from batch_transform.core.isolation.verdicts import rows_in_state
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.resuming import retried_dead_rows
from batch_transform.core.run_state import RunState
from batch_transform.core.spans import conformed, row_count
from batch_transform.core.state import actions as act
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.tools.recorded_spans import exported_again, open_spans
from batch_transform.pipeline.loop.tools.settled import settled_leaves


def retry_dead(ctx: RunContext, state: RunState, action: act.RetryDead) -> NewStep:
    """Returns the step `retried`: the dead rows are written as objects of their own again, and are open.

    What was found of them goes into its first part, what is left to send into its second. No part: there was none.
    """
    last = state.last_round
    assert last is not None
    leaves = settled_leaves(ctx.ledger, state)
    dead = retried_dead_rows.retriable(leaves)
    kept = rows_in_state(leaves, DEAD) - row_count(dead)
    if kept:
        ctx.tell("retry", f"{counted(kept, 'dead row')} over the service's largest payload: dead as before")
    if not dead.num_rows:
        ctx.tell("retry", "no dead row can be sent again")
        return NewStep(StepKind.RETRIED, {"rows": 0})
    spans = retried_dead_rows.opened(dead, lambda job: state.job(job).lane)
    spans, left = exported_again(ctx, state, spans, spans), open_spans(ctx, last)
    before = ctx.ledger.read_part(last.retried) if last.retried else LEAF_SCHEMA.empty_table()
    parts = pa.concat_tables([conformed(before, LEAF_SCHEMA), dead]), pa.concat_tables([left, spans])
    rows = int(pc.sum(pc.subtract(dead["stop"], dead["start"])).as_py())
    ctx.tell("retry", f"{counted(rows, 'dead row')} {verb(rows, 'is', 'are')} sent again")
    return NewStep(StepKind.RETRIED, {"rows": rows}, tuple(ctx.ledger.write_part(part) for part in parts))
