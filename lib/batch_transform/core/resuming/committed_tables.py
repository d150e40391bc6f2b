"""What a run has committed to Delta tables holds, whatever becomes of the outputs that it was read from. Pure.

Dead letters are committed before the result. Where an output is lost in between, its rows are scored again and may end
otherwise: another model's mind, another number of dead rows. So a row that lies in committed dead letters stays dead
and is not sent; rows that die only then are committed beside them, in a commit of their own.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.isolation.verdict_rows import DEAD, LEAF_SCHEMA
from batch_transform.core.ledger import Step
from batch_transform.core.resuming.altered_objects import counting
from batch_transform.core.run_state import Recorded, RunState

# The state of a leaf that an earlier commit of the run has published.
COMMITTED = "committed"
_READ = ("etag", "lines", "unread")


def dead_letter_commits(state: RunState) -> list[str]:
    """Returns the names by which the commits of a run's dead letters are known; the last one may not be made yet."""
    commits = 0 if state.held is None else int(state.held.payload["commits"])
    return [state.nonce, *(f"{state.nonce}-{number}" for number in range(1, commits + 1))]


def dead(leaves: pa.Table) -> pa.Table:
    """Returns the leaves of dead rows."""
    return leaves.filter(pc.equal(leaves["state"], DEAD))


def is_held(leaves: pa.Table, held: pa.Table) -> pa.Array:
    """Returns for each leaf whether it is one of those that are committed (both LEAF_SCHEMA)."""
    known = set(zip(held["job"].to_pylist(), held["start"].to_pylist(), strict=True))
    told = zip(leaves["state"].to_pylist(), leaves["job"].to_pylist(), leaves["start"].to_pylist(), strict=True)
    return pa.array([state == DEAD and (job, start) in known for state, job, start in told], pa.bool_())


def apart(leaves: pa.Table, held: pa.Table) -> pa.Table:
    """Returns the leaves of which those that are committed are no dead rows any more: what is left to commit."""
    return _with(leaves, is_held(leaves, held), {"state": COMMITTED})


def without_output(leaves: pa.Table, chosen: pa.Array) -> pa.Table:
    """Returns the leaves of which the chosen ones are read from no output: dead rows lose their line as evidence."""
    return _with(leaves, chosen, dict.fromkeys(_READ))


def _with(leaves: pa.Table, chosen: pa.Array, values: dict[str, str | None]) -> pa.Table:
    for name, value in values.items():
        field = LEAF_SCHEMA.field(name)
        column = pc.if_else(chosen, pa.scalar(value, field.type), leaves[name])
        leaves = leaves.set_column(leaves.schema.get_field_index(name), field, column)
    return leaves


def still_counting(leaves: pa.Table, lost: pa.Table, held: pa.Table | None) -> pa.Table:
    """Returns the leaves but for those that are read from outputs that count no more (altered_objects.UNSCORED_SCHEMA).

    Those that are committed stay, and are read from no output.
    """
    if held is None:
        return counting(leaves, lost)
    committed = is_held(leaves, held)
    kept, stays = leaves.filter(pc.invert(committed)), leaves.filter(committed)
    gone = set(zip(lost["job"].to_pylist(), lost["object"].to_pylist(), strict=True))
    told = zip(stays["job"].to_pylist(), stays["object"].to_pylist(), strict=True)
    stays = without_output(stays, pa.array([key in gone for key in told], pa.bool_()))
    return pa.concat_tables([counting(kept, lost), stays])


def unscored(state: RunState, step: Step) -> RunState:
    """Returns the state of a run of which outputs are gone or altered: their rows are open again.

    A third part has the dead leaves that are committed.

    Raises:
        ValueError: spans are left to be sent, or the run is published.
    """
    lost, left, *held = step.parts
    if not state.is_settled or state.published is not None:
        raise ValueError("after every span was settled, before it is published")
    if not lost.rows or not left.rows:
        raise ValueError("some outputs and their spans")
    last = state.last_round
    assert last is not None
    state = replace(state, gate=None, publication=None)
    if held:
        if not {"commits", "held"} <= step.payload.keys():
            raise ValueError("what is committed, and how many rows of it are held")
        told = {"commits": step.payload["commits"], "rows": step.payload["held"]}
        state = replace(state, held=Recorded(told, tuple(held)))
    dead = int(step.payload.get("dead", 0))
    last = replace(
        last,
        lost=lost,
        lost_scored_rows=last.lost_scored_rows + int(step.payload.get("rows", 0)) - dead,
        lost_dead_rows=last.lost_dead_rows + dead,
        open=left,
        open_spans=left.rows,
    )
    return state.with_last_round(last)
