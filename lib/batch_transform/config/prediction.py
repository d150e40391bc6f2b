"""The section `prediction`: what the model answers, and which columns it becomes."""

from __future__ import annotations

import re
from typing import Annotated

from batch_transform.config.typed_sections import Section, ValidationInfo, field_validator
from batch_transform.config.typed_values import AfterValidator, BeforeValidator, Field
from batch_transform.config.values import Shown, Text, WholeNumber, check_placeholder, one_of, read_list, read_truth
from batch_transform.core.predictions.answer_form import CSV, FORMATS, JSON, JSON_LINES, TEXT
from batch_transform.core.predictions.records_path import parse_path
from batch_transform.core.run_settings import INFER, PredictionSettings

# Ours: a block of lines is to stay below the 2 GiB that Arrow's strings have.
MOST_LINE_MB = 1000
# A member's name in a JSONPath, where one of ours can name it as well: `['a']`.
_IN_BRACKETS = re.compile(r"\[(['\"])([^.\[\]'\"]+)\1\]")

Placeholder = Annotated[str, AfterValidator(check_placeholder)]
PredictionFormat = Annotated[str, AfterValidator(one_of(*FORMATS))]
Body = Annotated[str, AfterValidator(one_of("plain", "wrapped"))]
BlankLines = Annotated[str, AfterValidator(one_of("refuse", "skip"))]


def _instead_of(json_path: str) -> str:
    """What to write in place of a JSONPath: some of them, such as an index, have no like here."""
    dotted = _IN_BRACKETS.sub(r".\2", json_path.replace("[*]", "[]"))
    plain = dotted.removeprefix("$").removeprefix(".") or "[]"
    try:
        parse_path(plain)
    except ValueError:
        return "write the names to the predictions: predictions, outputs.scores, predictions[].score, []"
    return f"write it as {plain!r}"


class PredictionKey(Section):
    """What an answer must echo: its field `field` equals the record's column `column`."""

    field: Text
    column: Text


class Prediction(Section):
    """What the model answers and which columns it becomes.

    Attributes:
        ddl: the key `schema`: the fields of a prediction in Spark's DDL, or `infer`; None: one string column,
            `prediction`.
        format: how predictions lie in an output.
        records_path: where the predictions lie in a JSON document.
        separator: stands between two predictions on one line.
        blank_lines: of answers that are bare strings (no schema, or one string field of csv or text): `skip`, blank
            lines are left out, which servers that end an answer with a newline make, or `refuse`, an output that has
            one is not used. Of any other answers blank lines are left out, whatever this says. No row gets another's
            prediction by `skip`: of answers of one line each, as many as there are rows leave no row without one.
        body: `wrapped`: each answer is a JSON string of what it should be, alone or beside its media type or status.
        max_line_mb: of a prediction, beside its record where those are joined; a longer one cannot be read, and no more
            of it is held. None: 32.
        column: put the fields into one struct column of this name; None: each is a column.
        sql: expressions over the fields, which become the columns instead of them; None: the fields themselves.
        placeholder: begins the line that the container answers for a record that it cannot score; None: it has none.
        key: what answers must echo, which proves their order; given as a name, it is that of field and column.
        provenance: whether a struct column `provenance` says of each row which job scored it.
    """

    # Each rule stands at the later of its fields, which sees the earlier ones: keep the order.
    ddl: Text | None = Field(default=None, alias="schema")
    format: PredictionFormat = PredictionSettings.format
    records_path: Text | None = None
    separator: str | None = None
    blank_lines: BlankLines = PredictionSettings.blank_lines
    body: Body | None = None
    max_line_mb: Annotated[WholeNumber, Field(ge=1, le=MOST_LINE_MB)] | None = None
    column: Text | None = None
    sql: Annotated[tuple[Shown, ...], BeforeValidator(read_list)] | None = None
    placeholder: Placeholder | None = None
    key: PredictionKey | None = None
    provenance: Annotated[bool, BeforeValidator(read_truth)] = PredictionSettings.provenance

    @field_validator("format")
    @classmethod
    def _has_its_schema(cls, name: str, info: ValidationInfo) -> str:
        ddl = info.data.get("ddl", "")
        if name == CSV and ddl is None:
            raise ValueError(
                "is csv, but there is no prediction.schema, which names the values by their position; write one, as 'p "
                "double'"
            )
        if name in (CSV, TEXT) and ddl == INFER:
            raise ValueError(f"is {name}, whose values have no names to infer; write prediction.schema, as 'p double'")
        return name

    @field_validator("records_path")
    @classmethod
    def _is_a_path(cls, path: str | None, info: ValidationInfo) -> str | None:
        if path is not None:
            if path == "$" or path.startswith(("$.", "$[")):  # but `$values`, as .NET calls an array, is a name
                raise ValueError(f"is {path!r}, and begins as a JSONPath does; {_instead_of(path)}")
            parse_path(path)
            if info.data.get("format", JSON) not in (JSON, JSON_LINES):
                raise ValueError(f"is given beside format: {info.data['format']}; a path leads into JSON documents")
        return path

    @field_validator("separator")
    @classmethod
    def _is_one_character(cls, separator: str | None, info: ValidationInfo) -> str | None:
        if separator is not None and (len(separator) != 1 or not separator.isascii() or separator in "\r\n"):
            raise ValueError(f"is {separator!r}; it must be one ASCII character and no line break, such as ','")
        if separator is not None and info.data.get("format", TEXT) != TEXT:
            raise ValueError(f"is given beside format: {info.data['format']}; it separates values of format: text")
        return separator

    @field_validator("sql")
    @classmethod
    def _over_known_fields(cls, sql: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        if sql is not None and info.data.get("ddl") == INFER:
            raise ValueError("is over fields, but prediction.schema is infer; write the schema")
        if sql == ():
            raise ValueError("is an empty list; leave it out for the fields themselves")
        return sql

    @field_validator("key", mode="before")
    @classmethod
    def _one_name_for_both(cls, key: object) -> object:
        return {"field": str(key), "column": str(key)} if isinstance(key, str) else key

    @field_validator("key")
    @classmethod
    def _key_needs_fields(cls, key: PredictionKey | None, info: ValidationInfo) -> PredictionKey | None:
        if key is not None and "ddl" in info.data and info.data["ddl"] is None:
            raise ValueError(
                f"names the field {key.field}, but there is no prediction.schema that has fields; write one"
            )
        if key is not None and info.data.get("ddl") == INFER:
            raise ValueError(f"names the field {key.field}, but prediction.schema is infer; write the schema")
        return key

    @property
    def is_inferred(self) -> bool:
        """Whether the schema is to be inferred from answers."""
        return self.ddl == INFER
