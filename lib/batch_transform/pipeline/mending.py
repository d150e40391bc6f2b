"""Looks, before an action that needs them, whether the objects that the ledger names are as it says; mends what is not.

One listing tells of all objects of a kind. What can be derived is made again, unasked: input objects and manifests from
the staged rows and the ledger; outputs by scoring their rows again, and no others; merged files by another merge.
"""

from __future__ import annotations

import uuid
from typing import Any

import pyarrow as pa

from batch_transform.core import actions as act
from batch_transform.core import mending, pins
from batch_transform.core.isolation import OPEN_SCHEMA
from batch_transform.core.objects import ObjectNotFound
from batch_transform.core.pins import Hurt
from batch_transform.core.records import JobRecord, RunState
from batch_transform.core.request import manifest
from batch_transform.core.spans import SPAN_SCHEMA, conformed
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.outcome import Outcome

# Up to so many input objects they are listed before each job: ten calls. Of more, once in a round.
_FEW_OBJECTS = 10_000


class Mender:
    """What a driver has looked at so far."""

    def __init__(self) -> None:
        self._planned: set[int] = set()
        self._mended: set[str] = set()  # jobs
        self._listed: dict[int, pa.Table] = {}  # by round; kept where there are too many to list them again

    def before(self, ctx: RunContext, state: RunState, action: act.Action) -> Outcome | act.Action:
        """Returns the action, which may be done now; or the step of what was mended, which comes first.

        Raises:
            ServiceFailure: what is hurt can be mended, but not by this process.
        """
        if isinstance(action, act.Plan) and state.rounds not in self._planned:
            self._planned.add(state.rounds)
            return _mended_open(ctx, state) or action
        if isinstance(action, act.Create):
            return self._before_create(ctx, state, action.job) or action
        return action

    def _before_create(self, ctx: RunContext, state: RunState, job: JobRecord) -> Outcome | None:
        spans = _spans(ctx, job)
        found = self._listed.get(state.rounds)
        if found is None:
            found = _listing(ctx, ctx.places.input)
            if found.num_rows > _FEW_OBJECTS:
                self._listed = {state.rounds: found}
        outcome = None if job.name in self._mended else _mended_job(ctx, state, job, spans, found)
        if outcome is None:
            _write_manifest(ctx, job, spans)
        else:
            self._mended.add(job.name)
        return outcome


def sound(ctx: RunContext, state: RunState, span: dict[str, Any]) -> dict[str, Any]:
    """Returns a scored span that lies in its object; else its first row alone, in an object that holds it again."""
    assert state.staged is not None
    found = ctx.store.head(ctx.places.input.join(span["object"]))
    spans = pa.Table.from_pylist([span], schema=SPAN_SCHEMA)
    shown = pins.found_below(ctx.places.input.prefix, [found] if found else [])
    if not pins.hurt(pins.input_pins(spans, state.framing), shown).names:
        return span
    first = pa.Table.from_pylist([{**span, "stop": span["start"] + 1}], schema=SPAN_SCHEMA)
    orders = mending.under_new_names(first, uuid.uuid4().hex[:16], state.framing.suffix)
    again: dict[str, Any] = mending.placed(first, orders, ctx.tables.export_again(state.staged, orders)).to_pylist()[0]
    return again


def _spans(ctx: RunContext, job: JobRecord) -> pa.Table:
    return conformed(ctx.ledger.read_part(job.spans), SPAN_SCHEMA)


def _listing(ctx: RunContext, folder: S3Uri) -> pa.Table:
    return pins.found_below(folder.prefix, ctx.store.list(folder))


def _tell(ctx: RunContext, broken: Hurt, what: str, done: str) -> None:
    ctx.tell("mend", f"{len(broken.gone):,} {what} are gone and {len(broken.altered):,} altered: {done}")


def _mended_open(ctx: RunContext, state: RunState) -> Outcome | None:
    """Spans that are to be sent or cut get objects of their own where theirs are hurt."""
    last = state.last_round
    if last is None or last.open is None or state.staged is None:
        return None
    left = conformed(ctx.ledger.read_part(last.open), OPEN_SCHEMA)
    broken = pins.hurt(pins.input_pins(left, state.framing), _listing(ctx, ctx.places.input))
    if not broken.names:
        return None
    _tell(ctx, broken, "input objects", "exported again")
    chosen = left.filter(mending.in_objects(left, broken.names))
    orders = mending.under_new_names(chosen, uuid.uuid4().hex[:16], state.framing.suffix)
    made = ctx.tables.export_again(state.staged, orders)
    part = ctx.ledger.write_part(mending.placed(left, orders, made))
    return Outcome("mended", {"objects": orders.num_rows}, (part,))


def _mended_job(ctx: RunContext, state: RunState, job: JobRecord, spans: pa.Table, found: pa.Table) -> Outcome | None:
    """A job's request names its objects already: they are written again under their names."""
    assert state.staged is not None
    broken = pins.hurt(pins.input_pins(spans, state.framing), found)
    if not broken.names:
        return None
    _tell(ctx, broken, "input objects", "exported again")
    orders = mending.under_their_names(spans.filter(mending.in_objects(spans, broken.names)))
    made = ctx.tables.export_again(state.staged, orders)
    part = ctx.ledger.write_part(mending.placed(spans, orders, made))
    return Outcome("mended", {"job": job.name, "objects": orders.num_rows}, (part,))


def _write_manifest(ctx: RunContext, job: JobRecord, spans: pa.Table) -> None:
    """Writes a job's manifest where it is not as it was: the request names it, and the ledger what it holds."""
    place = S3Uri.parse(job.request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
    body = manifest(ctx.places.input, [*spans["object"].to_pylist(), *([job.witness] if job.witness else [])])
    try:
        if ctx.store.get(place)[0] == body:
            return
    except ObjectNotFound:
        pass
    ctx.tell("mend", f"{place} is gone or altered: written again")
    ctx.store.put(place, body)
