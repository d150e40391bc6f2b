"""Handler of the step that infers the predictions' schema from the first answers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.isolation.verdict_rows import SCORED, names_of
from batch_transform.core.isolation.verdicts import Evidence, judge
from batch_transform.core.ledger import NewStep, StepKind
from batch_transform.core.predictions.answer_form import TEXT
from batch_transform.core.predictions.json_stream import NotUnpacked
from batch_transform.core.predictions.output_counts import OutputCount, OutputObject, count_output
from batch_transform.core.predictions.output_lines import Lines, blocks
from batch_transform.core.predictions.prediction_types import encode_schema
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.predictions.schema_inference import MOST_LINES, Inferred, infer_schema
from batch_transform.core.reserved_columns import PROVENANCE
from batch_transform.core.resuming.repair import in_objects
from batch_transform.core.run_state import JobRecord, RunState
from batch_transform.core.state import actions as act
from batch_transform.outputs.registry import format_named
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.loop.handlers.reconcile import outputs_of
from batch_transform.pipeline.loop.tools.recorded_spans import spans_of
from batch_transform.pipeline.recorded import form_of_outputs

# The answers of one object may be odd.
_SAMPLED_OUTPUTS = 4
# Not much more than the sample takes.
_BLOCK_BYTES = 16 * 1024


@dataclass(frozen=True)
class _Answers:
    """The lines of an output that are answers, by their places."""

    output: OutputObject
    places: frozenset[int]


def infer(ctx: RunContext, state: RunState, action: act.Infer) -> NewStep:
    """Returns the step `inferred`, with the schema, or without one where no job has an answer that counts.

    Raises:
        ServiceFailure: no schema can be inferred, or the result cannot have its fields; the answers are kept.
    """
    # As the answers will be read: a schema of fields has no blank answers.
    form = replace(form_of_outputs(ctx.config.answer_form, state, ctx.ledger), skips_blank=True)
    ctx = replace(ctx, objects=ctx.objects.reading(None, form))
    sample, first = _sample(ctx, action)
    if not sample:
        if first is not None and (why := _why_none_counts(ctx, first)):
            raise ServiceFailure(f"prediction.schema: infer: {why}. {_KEPT}")
        ctx.tell("infer", "no answer counts yet: prediction.schema is inferred once one does")
        return NewStep(StepKind.INFERRED, {"schema": None, "fields": ""})
    share = MOST_LINES // len(sample)
    lines = (line for answers in sample for line in itertools.islice(_lines(ctx, answers), share))
    try:
        found = infer_schema(lines, bare=ctx.config.answer_form.is_unpacked)
    except NotUnpacked:
        found = None
    if found is None:
        raise ServiceFailure(f"prediction.schema: infer: {_why_none(ctx, sample[0])}. {_KEPT}")
    _check_names(ctx, state, found)
    _check_output(ctx, state, found)
    ctx.tell(
        "infer",
        f"answers are read as by prediction.schema: {found.ddl} (say so in the run file, and no sample is taken)",
    )
    for name in found.left_out:
        ctx.tell("infer", f"{name} is left out: it has no value in the sample")
    return NewStep(StepKind.INFERRED, {"schema": found.ddl, "fields": encode_schema(found.schema)})


_KEPT = "The answers are kept: start the run again with that changed, and nothing is paid for twice"


def _sample(ctx: RunContext, action: act.Infer) -> tuple[list[_Answers], OutputObject | None]:
    """Outputs that the rounds will count as well, by the same judge; and the first output, whatever it is.

    Few are counted at first, and more only where those do not count: all of them will be once more, with the schema.
    """
    found: list[_Answers] = []
    first: OutputObject | None = None
    for job in action.jobs:
        every = spans_of(ctx, job)
        spans = every.filter(pc.invert(in_objects(every, action.doubted)))
        names = [name for span in spans.select(["object", "copies"]).to_pylist() for name in names_of(span)]
        outputs, taken = outputs_of(ctx, replace(job, controls=()), names), 0
        first = first or next(iter(outputs), None)
        while taken < len(outputs) and len(found) < _SAMPLED_OUTPUTS:
            some = outputs[taken : taken + max(_SAMPLED_OUTPUTS, 3 * taken)]
            taken += len(some)
            found += _counting(ctx, job, spans, some)
    return found[:_SAMPLED_OUTPUTS], first


def _reader(ctx: RunContext) -> PredictionReader:
    return PredictionReader(None, ctx.config.prediction.placeholder, ctx.objects.reader.form)


def _counting(ctx: RunContext, job: JobRecord, spans: pa.Table, outputs: list[OutputObject]) -> Iterator[_Answers]:
    by_name = {output.object: output for output in outputs}
    counted = ctx.objects.count(outputs)
    verdicts = judge(job, spans.filter(in_objects(spans, by_name)), Evidence(counted, {}))
    places: dict[str, set[int]] = {}
    for leaf in verdicts.filter(pc.equal(verdicts["state"], SCORED)).to_pylist():
        end = min(leaf["line"] + leaf["stop"] - leaf["start"], leaf["line"] + MOST_LINES)
        places.setdefault(leaf["object"], set()).update(range(leaf["line"], end))
    return (_Answers(by_name[name], frozenset(lines)) for name, lines in places.items())


def _lines(ctx: RunContext, answers: _Answers) -> Iterator[bytes]:
    begin = 0
    for found in _blocks(ctx, answers.output):
        yield from (found[place] for place in range(len(found)) if begin + place in answers.places)
        begin += len(found)


def _blocks(ctx: RunContext, output: OutputObject) -> Iterator[Lines]:
    chunks = ctx.objects.reader.form.lines(ctx.store.open_stream(output.uri, output.etag).chunks)
    yield from blocks(chunks, _BLOCK_BYTES)


def _why_none_counts(ctx: RunContext, output: OutputObject) -> str | None:
    """Why no answer of a round counts, as an output of it shows; None: it shows no more than that it failed."""
    counted = count_output(ctx.store, output, _reader(ctx))
    if counted["setting"]:
        return _to_set(counted)
    marked = sum(run["stop"] - run["start"] for run in counted["unreadable"] if run["placeholder"])
    if marked == counted["lines"] > 0:
        return f"{output.object} holds no prediction, only what begins with prediction.placeholder; give a schema"
    return counted["shape"] or None


def _to_set(counted: OutputCount) -> str:
    setting = counted["setting"] or ""
    # Whose values have no names to infer.
    schema = " and a prediction.schema of one field" if f"prediction.format: {TEXT}" in setting else ""
    return f"{counted['object']} holds {counted['shape']}; set {setting}{schema}"


def _why_none(ctx: RunContext, answers: _Answers) -> str:
    counted = count_output(ctx.store, answers.output, _reader(ctx))
    if counted["setting"]:
        return _to_set(counted)
    return counted["shape"] or _why_no_object(answers.output.object, list(_lines(ctx, answers)))


def _why_no_object(name: str, sample: list[bytes]) -> str:
    bare = infer_schema(sample[:MOST_LINES])
    if bare is None:
        return f"no line of {name} is JSON; see prediction.format"
    if any(pa.types.is_nested(kind) for kind in bare.schema.types):
        return f"the lines of {name} are JSON, but no objects; set prediction.format: json"
    words = f"set prediction.format: text and prediction.schema: {bare.ddl}"
    return f"the lines of {name} are values and no JSON objects; {words}"


def _check_output(ctx: RunContext, state: RunState, found: Inferred) -> None:
    """Asks the table that is there, and `expect`, at once: what failed would be sent again, and paid for, in vain."""
    assert state.staged is not None
    try:
        ctx.tables.reading(found.ddl, state.staged)
    except ConfigurationError as err:
        told = f"answers are read as by {found.ddl}, and cannot be published: {err}"
        raise ServiceFailure(f"prediction.schema: infer: {told}. {_KEPT}") from err


def _check_names(ctx: RunContext, state: RunState, found: Inferred) -> None:
    assert state.staged is not None
    output, asked = ctx.config.output, ctx.config.prediction
    taken = {name.lower() for name in state.staged.input_names}
    names = [] if asked.column else found.schema.names
    clashes = [name for name in names if name.lower() in taken]
    owned = [name for name in names if asked.provenance and name.lower() == PROVENANCE]
    format = format_named(output.format) if output is not None else None
    odd = format.refused_names(found.names) if format is not None else []
    if clashes:
        words = f"the fields {', '.join(clashes)} are columns of the input already; set prediction.column"
    elif owned:
        words = f"the field {owned[0]} has the name of the column of prediction.provenance; set prediction.column"
    elif odd and format is not None:
        such = f"give a schema without it, such as a part of {found.ddl}"
        if format.can.odd_names:  # only Spark knows whether it is such a table
            such += f"; {format.can.odd_names} takes all of it, if you give that"
        words = f"{format.can.title} takes no column named {odd[0]!r}; {such}"
    else:
        return
    raise ServiceFailure(f"prediction.schema: infer: {words}. {_KEPT}")
