"""The section `record`: what is sent to the model for each row."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from batch_transform.config.typed_sections import Section, ValidationInfo, field_validator, model_validator
from batch_transform.config.typed_values import AfterValidator, BeforeValidator, Field, PlainValidator
from batch_transform.config.values import MediaType, Names, Shown, one_of, read_truth, read_whole_number
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import ALL_ROWS, WHOLE
from batch_transform.core.run_settings import RecordSettings
from batch_transform.core.written_values import written
from batch_transform.records.port import RecordFormat
from batch_transform.records.registry import built_in, record_format


def check_format(name: Any) -> str:
    """Returns the name of a record format, or the import path of one."""
    if isinstance(name, str) and "." in name:
        try:
            record_format(name)
        except ConfigurationError as err:
            raise ValueError(str(err).removeprefix("record.format: ")) from err
        return name
    return one_of(*built_in())(name)


def check_rows(value: Any) -> int | str:
    """Returns a whole number from 1 on, or `all`."""
    number = read_whole_number(value)
    if isinstance(number, int) and not isinstance(number, bool) and number >= 1:
        return number
    if value == ALL_ROWS:
        return ALL_ROWS
    raise ValueError(f"is {written(value)}; valid: {ALL_ROWS}, or a whole number from 1 on")


class Record(Section):
    """What is sent to the model for each row. A rule about two keys stands at the later one: keep the order.

    Attributes:
        columns: the columns in the record, in this order; None: all. `column: a` is short for `columns: [a]`.
        content_type: None: it follows from the format.
        sql: one expression over the input's columns, instead of `columns`.
        header: whether each object begins with a line of names.
        compression: of the objects; None: none.
        rows_per_object: how many rows belong together in one request; None: as many as fit.
    """

    columns: Names | None = None
    format: Annotated[str, AfterValidator(check_format)] = RecordSettings.format
    content_type: MediaType | None = Field(default=None, validate_default=True)
    sql: Shown | None = None
    # None rather than false, as in runs that were recorded before there was a header.
    header: Annotated[bool, BeforeValidator(read_truth)] | None = None
    compression: Annotated[str, AfterValidator(one_of("gzip"))] | None = None
    rows_per_object: Annotated[int | Literal["all"], PlainValidator(check_rows)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_column(cls, section: Any) -> Any:
        if not isinstance(section, dict) or "column" not in section:
            return section
        if section.get("columns") is not None:
            raise ValueError("has column beside columns; give one of the two")
        others = {key: value for key, value in section.items() if key != "column"}
        return {**others, "columns": [section["column"]]}

    @field_validator("columns")
    @classmethod
    def _some(cls, columns: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if columns == ():
            raise ValueError("is an empty list; leave it out for all columns")
        return columns

    @field_validator("content_type")
    @classmethod
    def _bytes_say_what_they_are(cls, content_type: str | None, info: ValidationInfo) -> str | None:
        format = _format_of(info)
        if content_type is None and format is not None and format.media_type is None:
            raise ValueError(f"is required with record.format {format.name}: nothing else says what those bytes are")
        return content_type

    @field_validator("sql")
    @classmethod
    def _instead_of_columns(cls, sql: str | None, info: ValidationInfo) -> str | None:
        if sql is not None and info.data.get("columns") is not None:
            raise ValueError("is given beside record.columns; give one of the two")
        return sql

    @field_validator("header")
    @classmethod
    def _some_have_one(cls, header: bool | None, info: ValidationInfo) -> bool | None:
        format = _format_of(info)
        if header and format is not None and not format.has_header:
            having = " and ".join(name for name, each in built_in().items() if each.has_header)
            raise ValueError(
                f"is true, but only {having} has a header, and record.format is {format.name}; leave it out, or choose "
                "that format"
            )
        return header

    @field_validator("rows_per_object")
    @classmethod
    def _unless_the_format_says(cls, rows: int | str | None, info: ValidationInfo) -> int | str | None:
        format = _format_of(info)
        if rows not in (None, 1) and format is not None and format.is_one_row(WHOLE):
            one_row = "an object that is one request holds one row"
            raise ValueError(f"is {rows}, but with record.format {format.name} {one_row}; leave it out")
        return rows

    @property
    def media_type(self) -> str:
        """The content type of the request."""
        media_type = self.content_type or record_format(self.format).media_type
        assert media_type is not None
        return media_type


def _format_of(info: ValidationInfo) -> RecordFormat | None:
    """The format that a section names; None if that is a fault itself."""
    return record_format(info.data["format"]) if "format" in info.data else None
