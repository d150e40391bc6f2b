"""The sections of a run file that say what becomes of the rows: errors, output, dead_letter."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from batch_transform.config import places
from batch_transform.config.sections import PathOrTable, check_one_place
from batch_transform.config.typed_sections import Section, ValidationInfo, field_validator
from batch_transform.config.typed_values import AfterValidator, BeforeValidator, Field, PlainValidator
from batch_transform.config.values import Names, Number, Shown, Text, WholeNumber, check_no_repeats, one_of, read_list
from batch_transform.core.run_settings import OutputSettings
from batch_transform.outputs.port import Capabilities
from batch_transform.outputs.registry import DEFAULT, format_named, names_that, output_formats

OutputFormat = Annotated[str, PlainValidator(one_of(*output_formats()))]
OutputMode = Annotated[
    Literal["error", "append", "overwrite", "overwrite_partitions"],
    PlainValidator(one_of("error", "append", "overwrite", "overwrite_partitions")),
]


Expect = Annotated[tuple[Shown, ...], BeforeValidator(read_list), AfterValidator(check_no_repeats)]


def check_reached(can: Capabilities, location: str) -> str:
    """Returns a location that a format is published to."""
    if can.schemes is not None and places.scheme_of(location) not in can.schemes:
        raise ValueError(
            f"is {location!r}; {can.title} is published to s3:// or a file system that the driver reaches, "
            f"use output.format: {names_that(lambda can: can.schemes is None)} for other places"
        )
    return location


class Errors(Section):
    """How many dead letters are accepted, as a number (0 unless given) or as a fraction of the rows."""

    max_fraction: Annotated[Number, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    max_rows: Annotated[WholeNumber, Field(ge=0)] | None = Field(default=None, validate_default=True)

    @field_validator("max_rows")
    @classmethod
    def _one_measure(cls, max_rows: int | None, info: ValidationInfo) -> int | None:
        if info.data.get("max_fraction") is None:
            return max_rows or 0
        if max_rows is not None:
            raise ValueError(f"is {max_rows} beside max_fraction ({info.data['max_fraction']}); give one of the two")
        return None

    def most(self, rows_in: int) -> int:
        """Returns how many of so many rows may end in the dead letters."""
        if self.max_fraction is None:
            return min(rows_in, self.max_rows or 0)
        return int(Fraction(str(self.max_fraction)) * rows_in)  # as it is written: 0.29 of 100 rows are 29

    def accepts(self, dead_letters: int, rows_in: int) -> bool:
        """Returns whether `dead_letters` of `rows_in` rows may be published."""
        return dead_letters <= self.most(rows_in)


class DeadLetter(Section):
    """Where the rows without a prediction go; the format is the output's.

    Attributes:
        path: a location; with `column` neither this nor `table` need be given.
        column: the name of the errors beside the input's columns; None: `error`.
        table: a name.
    """

    # `column` stands before `table`, whose rule sees it.
    path: Annotated[str, AfterValidator(places.check_target)] | None = None
    column: Text | None = None
    table: Shown | None = Field(default=None, validate_default=True)

    @field_validator("table")
    @classmethod
    def _one_at_most(cls, table: str | None, info: ValidationInfo) -> str | None:
        is_named = info.data.get("column", "refused") is not None  # the fault of one that was refused is enough
        return None if table is None and is_named else check_one_place(table, info)

    @property
    def error_column(self) -> str:
        """The name of the errors."""
        return self.column or "error"


class Output(PathOrTable):
    """Where the result goes and what happens to rows that are there."""

    path: Annotated[str, AfterValidator(places.check_target)] | None = None

    # Each rule stands at the later of its fields, which sees the earlier ones: keep the order.
    format: OutputFormat = Field(default=DEFAULT, validate_default=True)
    mode: OutputMode = OutputSettings.mode
    partition_by: Names = Field(default=(), validate_default=True)
    replace_where: Text | None = None

    @field_validator("format")
    @classmethod
    def _goes_to_such_a_place(cls, name: str, info: ValidationInfo) -> str:
        can = format_named(name).can
        if not can.takes_tables and info.data.get("table") is not None:
            others = names_that(lambda can: can.takes_tables)
            raise ValueError(f"is {name}, which is published into a path; a table needs format: {others}")
        if info.data.get("path") is not None:
            try:
                check_reached(can, info.data["path"])
            except ValueError as error:
                raise ValueError(f"is {name}, but path {error}") from error
        return name

    @field_validator("partition_by")
    @classmethod
    def _partitions_to_overwrite(cls, columns: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("mode") == "overwrite_partitions" and not columns:
            raise ValueError("is empty; mode: overwrite_partitions needs the columns of the partitions")
        return columns

    @field_validator("replace_where")
    @classmethod
    def _rows_to_replace(cls, condition: str | None, info: ValidationInfo) -> str | None:
        able = names_that(lambda can: can.replaces_where)
        name, mode = info.data.get("format"), info.data.get("mode", "overwrite")
        is_able = name is None or format_named(name).can.replaces_where
        if condition is not None and not (is_able and mode == "overwrite"):
            raise ValueError(f"needs format: {able} and mode: overwrite, not format: {name or able} and mode: {mode}")
        return condition


def dead_letter_beside(output: Output, column: str | None) -> DeadLetter:
    """Returns where dead letters go of which no more than the name of the errors is given: beside the output."""
    if output.table is None:
        return DeadLetter(path=f"{output.path}_dead_letter", column=column)
    quote = "`" if output.table.endswith("`") else ""  # a name in backticks has its end within them
    return DeadLetter(table=f"{output.table.removesuffix(quote)}_dead_letter{quote}", column=column)
