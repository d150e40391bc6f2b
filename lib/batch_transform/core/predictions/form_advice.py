"""What a person is told to set, so that answers are read that are in another form than was configured.

Whoever does as he is told has a run that reads them: a form is told by where it differs from the configured one, and a
schema once it has read the answers at hand. Where nothing would, it is the model's container that is to change.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.predictions.answer_form import CSV, TEXT, AnswerForm
from batch_transform.core.predictions.output_lines import Lines
from batch_transform.core.predictions.prediction_types import RAW_FIELD, may_be_blank
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.predictions.records_path import spelled
from batch_transform.core.predictions.schema_inference import Inferred, in_ddl, infer_schema
from batch_transform.core.run_settings import INFER

# What to do about answers that are wrapped; the second is for the next run, the first for this one.
_UNWRAP = "prediction.body: wrapped (or let the model's function return the body alone, in another run)"
ANSWER_BY_ROW = "let the model answer one JSON object for each record, in another run"


def settings_of(form: AnswerForm, reader: PredictionReader) -> list[str]:
    """Returns the settings with which answers are read in a form, as far as the reader's are others."""
    found, configured = [], reader.form
    if form.is_wrapped != configured.is_wrapped:
        found.append(_UNWRAP if form.is_wrapped else "prediction.body: plain")
    if form.format != configured.format:
        found.append(f"prediction.format: {form.format}")
    if form.steps != configured.steps:
        found.append(f"prediction.records_path: {path_in_quotes(form) if form.steps else 'null'}")
    if form.separator != configured.separator:
        found.append(f"prediction.separator: {_literal(form.separator) if form.separator else 'null'}")
    # Where the schema has no blank answers, they are left out whatever is set.
    by_schema = not may_be_blank(reader.schema, configured)
    if form.skips_blank and may_be_blank(reader.schema, form) and (by_schema or not configured.skips_blank):
        found.append("prediction.blank_lines: skip")
    return found


def path_in_quotes(form: AnswerForm) -> str:
    """Returns the path of a form as a run file has it."""
    return _literal(spelled(form.steps))


def answer_otherwise(why: str) -> str:
    """Returns what is to be set where no setting is of use."""
    return f"up the model's container to answer one JSON object for each record, in another run: {why}"


def _literal(text: str) -> str:
    """A text in the quotes of YAML."""
    return "'" + text.replace("'", "''") + "'"


def schema_of(form: AnswerForm, reader: PredictionReader, lines: Lines) -> str | None:
    """Returns the schema that reads the first answers of an output as a setting; None if it is not known.

    No name is told that the answers have: it may be a value.

    Args:
        form: of the answers.
        reader: as configured, with a schema that does not read them.
        lines: the first answers.
    """
    if not len(lines):
        return None
    if form.format == CSV:
        return f"a prediction.schema of {counted(lines[0].count(b',') + 1, 'field')}"
    texts = [lines[place] for place in range(len(lines))]
    inferred = _inferred(texts)
    if any(text.lstrip().startswith(b"{") for text in texts):
        return f"prediction.schema: {INFER}" if inferred and form.format != TEXT else None
    kind, ddl = (pa.string(), " string")
    if inferred is not None:
        kind, ddl = inferred.schema.types[0], inferred.ddl.removeprefix(RAW_FIELD)
    names = reader.schema.names if reader.schema is not None else []
    name = names[0] if len(names) == 1 else RAW_FIELD
    is_read = any_is_read(form, reader, pa.schema([(name, kind)]), lines)
    return f"prediction.schema: {in_ddl(name)}{ddl}" if is_read else None


def any_is_read(form: AnswerForm, reader: PredictionReader, schema: pa.Schema | None, lines: Lines) -> bool:
    """Returns whether any of some answers is read in a form and by a schema; others may be of bad rows."""
    try:
        answers = replace(reader, schema=schema, form=form).read(lines)
    except ConfigurationError:
        return False  # the schema is no such form's
    return len(answers.reasons) < len(answers)


def _inferred(lines: list[bytes]) -> Inferred | None:
    try:
        return infer_schema(lines)
    except ServiceFailure:
        return None
