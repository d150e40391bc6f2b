"""Handler of the step that infers the predictions' schema from the first answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pyarrow as pa

from batch_transform.core import actions as act
from batch_transform.core.answer_schema import encode_schema
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.json_stream import NotUnpacked
from batch_transform.core.output_counts import OutputObject, count_output
from batch_transform.core.own_names import PROVENANCE
from batch_transform.core.prediction_lines import blocks, lines_of
from batch_transform.core.predictions import PLACEHOLDER_REASON, PredictionReader
from batch_transform.core.records import JobRecord, RunState
from batch_transform.core.schema_inference import MOST_LINES, Inferred, infer_schema
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.handlers.reconcile import outputs_of
from batch_transform.pipeline.outcome import Outcome

# The answers of one object may be odd.
_SAMPLED_OUTPUTS = 4
# Not much more than the sample takes.
_BLOCK_BYTES = 16 * 1024
# Delta refuses names with these.
_NOT_IN_DELTA = set(" ,;{}()\n\t=")


def infer(ctx: RunContext, state: RunState, action: act.Infer) -> Outcome:
    """Returns the step `inferred`, with the schema, or without one where no job has answered.

    Raises:
        ServiceFailure: no schema can be inferred, or the result cannot have its fields; the answers are kept.
    """
    outputs = [output for job in action.jobs for output in _outputs(ctx, job)][:_SAMPLED_OUTPUTS]
    if not outputs:
        return Outcome("inferred", {"schema": None, "fields": ""})
    share = MOST_LINES // len(outputs)
    lines = (line for output in outputs for line in itertools.islice(_lines(ctx, output), share))
    try:
        found = infer_schema(lines, bare=ctx.config.answer_form.is_unpacked)
    except NotUnpacked:
        found = None
    if found is None:
        raise ServiceFailure(f"prediction.schema: infer: {_why_none(ctx, outputs[0])}. {_KEPT}")
    _check_names(ctx, state, found)
    ctx.tell("infer", f"pin the schema with prediction.schema: {found.ddl}")
    for name in found.left_out:
        ctx.tell("infer", f"{name} is left out: it has no value in the sample")
    return Outcome("inferred", {"schema": found.ddl, "fields": encode_schema(found.schema)})


_KEPT = "The answers are kept: start the run again with that changed, and nothing is paid for twice"


def _outputs(ctx: RunContext, job: JobRecord) -> list[OutputObject]:
    return outputs_of(ctx, job, ctx.ledger.read_part(job.spans)["object"].to_pylist())


def _lines(ctx: RunContext, output: OutputObject) -> Iterator[bytes]:
    chunks = ctx.config.answer_form.lines(ctx.store.open_stream(output.uri, output.etag).chunks)
    reader = PredictionReader(None, ctx.config.prediction.placeholder)
    for block in blocks(chunks, _BLOCK_BYTES):
        found = lines_of(block)
        marked = {place.line for place in reader.read(block).unreadable if place.reason == PLACEHOLDER_REASON}
        yield from (found[place] for place in range(len(found)) if place not in marked)


def _why_none(ctx: RunContext, output: OutputObject) -> str:
    reader = PredictionReader(None, ctx.config.prediction.placeholder, ctx.config.answer_form)
    counted = count_output(ctx.store, output, reader)
    if counted["setting"]:
        return f"{output.object} holds {counted['shape']}; set {counted['setting']}"
    return counted["shape"] or _why_no_object(ctx, output)


def _why_no_object(ctx: RunContext, output: OutputObject) -> str:
    sample = list(itertools.islice(_lines(ctx, output), MOST_LINES))
    if not sample:
        return f"{output.object} holds no prediction, only what begins with prediction.placeholder; give a schema"
    bare = infer_schema(sample)
    if bare is None:
        return f"no line of {output.object} is JSON; see prediction.format"
    if any(pa.types.is_nested(kind) for kind in bare.schema.types):
        return f"the lines of {output.object} are JSON, but no objects; set prediction.format: json"
    words = f"set prediction.format: text and prediction.schema: {bare.ddl}"
    return f"the lines of {output.object} are values and no JSON objects; {words}"


def _check_names(ctx: RunContext, state: RunState, found: Inferred) -> None:
    assert state.staged is not None
    output, asked = ctx.config.output, ctx.config.prediction
    taken = {name.lower() for name in state.staged.input_names}
    names = [] if asked.column else found.schema.names
    clashes = [name for name in names if name.lower() in taken]
    owned = [name for name in names if asked.provenance and name.lower() == PROVENANCE]
    odd = [name for name in found.names if set(name) & _NOT_IN_DELTA] if output and output.format == "delta" else []
    if clashes:
        words = f"the fields {', '.join(clashes)} are columns of the input already; set prediction.column"
    elif owned:
        words = f"the field {owned[0]} has the name of the column of prediction.provenance; set prediction.column"
    elif odd:
        words = f"Delta takes no column named {odd[0]!r}; give a schema without it, such as a part of {found.ddl}"
    else:
        return
    raise ServiceFailure(f"prediction.schema: infer: {words}. {_KEPT}")
