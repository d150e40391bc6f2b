"""The section `prediction`: what the model answers, and which columns it becomes."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from batch_transform.config.sections import Section
from batch_transform.config.values import NotBuilt, Text, check_placeholder, one_of

Placeholder = Annotated[str, AfterValidator(check_placeholder)]
PredictionFormat = Annotated[str, AfterValidator(one_of("jsonlines", later=("json", "csv", "text")))]


class PredictionKey(Section):
    """What an answer must echo: its field `field` equals the record's column `column`."""

    field: Text
    column: Text


class Prediction(Section):
    """What the model answers and which columns it becomes.

    Attributes:
        placeholder: begins the line that the container answers for a record that it cannot score; None: it has none.
        key: what answers must echo, which proves their order; given as a name, it is that of field and column.
        ddl: the key `schema`: the fields of an answer in Spark's DDL; None: one string column, `prediction`.
        column: put the fields into one struct column of this name; None: each is a column.
    """

    ddl: Text | None = Field(default=None, alias="schema")
    format: PredictionFormat = "jsonlines"
    column: Text | None = None
    records_path: NotBuilt = None
    sql: NotBuilt = None
    placeholder: Placeholder | None = None
    key: PredictionKey | None = None
    provenance: NotBuilt = None

    @field_validator("key", mode="before")
    @classmethod
    def _one_name_for_both(cls, key: object) -> object:
        return {"field": str(key), "column": str(key)} if isinstance(key, str) else key

    @field_validator("key")
    @classmethod
    def _key_needs_fields(cls, key: PredictionKey | None, info: ValidationInfo) -> PredictionKey | None:
        if key is not None and "ddl" in info.data and info.data["ddl"] is None:
            raise ValueError(f"names the field {key.field}, but there is no prediction.schema that has fields")
        return key
