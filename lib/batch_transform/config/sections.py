"""The sections of a run file that say what is read, sent and asked: input, record, model, prediction."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from batch_transform.config import places
from batch_transform.config.values import MediaType, ModelName, Names, NotBuilt, Options, Text, one_of

RECORD_FORMATS_LATER = ("json", "csv", "text", "binary", "raw")
MEDIA_TYPES = {"jsonlines": "application/jsonlines"}

RecordFormat = Annotated[str, AfterValidator(one_of("jsonlines", later=RECORD_FORMATS_LATER))]
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


class Prediction(Section):
    """What the model answers and which columns it becomes.

    Attributes:
        ddl: the key `schema`: the fields of an answer in Spark's DDL; None: one string column, `prediction`.
        column: put the fields into one struct column of this name; None: each is a column.
    """

    ddl: Text | None = Field(default=None, alias="schema")
    format: PredictionFormat = "jsonlines"
    column: Text | None = None
    records_path: NotBuilt = None
    sql: NotBuilt = None
    key: NotBuilt = None
    provenance: NotBuilt = None
