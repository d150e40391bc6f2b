"""The section `record`: what is sent to the model for each row."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, field_validator

from batch_transform.config.sections import Section
from batch_transform.config.values import MediaType, Names, NotBuilt, one_of

RECORD_FORMATS_LATER = ("json", "csv", "text", "binary", "raw")
MEDIA_TYPES = {"jsonlines": "application/jsonlines"}

RecordFormat = Annotated[str, AfterValidator(one_of("jsonlines", later=RECORD_FORMATS_LATER))]


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
