"""What the rounds of a run have settled, as its ledger tells it."""

from __future__ import annotations

import pyarrow as pa

from batch_transform.core.isolation.verdict_rows import LEAF_SCHEMA
from batch_transform.core.isolation.verdicts import unsendable
from batch_transform.core.resuming import retried_dead_rows
from batch_transform.core.resuming.committed_tables import still_counting
from batch_transform.core.run_state import RunState
from batch_transform.core.spans import conformed
from batch_transform.s3.ledger import Ledger


def settled_leaves(ledger: Ledger, state: RunState) -> pa.Table:
    """Returns the leaves (LEAF_SCHEMA) of all rounds, but for lost outputs and rows that are sent again since."""
    return _settled(ledger, state)[0]


def lines_set_aside(ledger: Ledger, state: RunState) -> pa.Table:
    """Returns the leaves (LEAF_SCHEMA) that have a line in an accepted output and whose rows are sent again since."""
    return _settled(ledger, state)[1]


def held_leaves(ledger: Ledger, state: RunState) -> pa.Table | None:
    """Returns the dead leaves (LEAF_SCHEMA) that are known to be committed; None: it is not known of any."""
    return None if state.held is None else conformed(ledger.read_part(state.held.parts[0]), LEAF_SCHEMA)


def _settled(ledger: Ledger, state: RunState) -> tuple[pa.Table, pa.Table]:
    assert state.spans is not None
    none, held = LEAF_SCHEMA.empty_table(), held_leaves(ledger, state)
    table, aside = pa.concat_tables([conformed(unsendable(ledger.read_part(state.spans)), LEAF_SCHEMA), none]), none
    for settled in state.round_records:
        assert settled.leaves is not None
        table = pa.concat_tables([table, conformed(ledger.read_part(settled.leaves), LEAF_SCHEMA)])
        if settled.retried is not None:
            retried = conformed(ledger.read_part(settled.retried), LEAF_SCHEMA)
            table = retried_dead_rows.without(table, retried)
            aside = pa.concat_tables([aside, retried_dead_rows.lines_aside(retried)])
        if settled.lost is not None:
            lost = ledger.read_part(settled.lost)
            table, aside = still_counting(table, lost, held), still_counting(aside, lost, None)
    return table, aside
