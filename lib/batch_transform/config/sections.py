"""The sections of a run file that say what is read, sent and asked: input, record, model, prediction."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from batch_transform.config import places
from batch_transform.config.values import (
    MediaType,
    ModelName,
    Names,
    NotBuilt,
    Options,
    Text,
    check_placeholder,
    one_of,
)

RECORD_FORMATS_LATER = ("json", "csv", "text", "binary", "raw")
MEDIA_TYPES = {"jsonlines": "application/jsonlines"}

RecordFormat = Annotated[str, AfterValidator(one_of("jsonlines", later=RECORD_FORMATS_LATER))]
Placeholder = Annotated[str, AfterValidator(check_placeholder)]
PredictionFormat = Annotated[str, AfterValidator(one_of("jsonlines", later=("json", "csv", "text")))]


class Section(BaseModel):
    """A map of a run file: unknown keys and values of another type are refused, nothing changes later."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=False)


class PathOrTable(Section):
    """A location or a table's name; exactly one of the two."""

    path: Annotated[str, AfterValidator(places.check_location)] | None = None
    table: Text | None = Field(default=None, validate_default=True)

    @field_validator("table")
    @classmethod
    def _exactly_one(cls, table: str | None, info: ValidationInfo) -> str | None:
        # A path that was refused is missing from `data`: its own fault is enough.
        if "path" in info.data and (table is None) == (info.data["path"] is None):
            raise ValueError("needs path or table" if table is None else "is given beside path; give one of the two")
        return table


class Input(PathOrTable):
    """The table to score.

    Attributes:
        format: a format of Spark's reader; says nothing for a table.
        options: of Spark's reader.
        where: a SQL condition; rows for which it does not hold are no part of the run.
    """

    format: Text = "parquet"
    options: Options = Field(default_factory=dict)
    where: Text | None = None


class Record(Section):
    """What is sent to the model for each row.

    Attributes:
        columns: the columns in the record, in this order; None: all.
        content_type: None: it follows from the format.
    """

    columns: Names | None = None
    format: RecordFormat = "jsonlines"
    content_type: MediaType | None = None
    sql: NotBuilt = None
    compression: NotBuilt = None
    header: NotBuilt = None

    @field_validator("columns")
    @classmethod
    def _some(cls, columns: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if columns == ():
            raise ValueError("is an empty list; leave it out for all columns")
        return columns

    @property
    def media_type(self) -> str:
        """The content type of the request."""
        return self.content_type or MEDIA_TYPES[self.format]


class Model(Section):
    """The SageMaker model, by its name."""

    name: ModelName
    image: NotBuilt = None
    data_url: NotBuilt = None
    role_arn: NotBuilt = None
    environment: NotBuilt = None


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
