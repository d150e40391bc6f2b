"""The sections `input` and `deploy`, and what each section is that names a place."""

from __future__ import annotations

from typing import Annotated

from batch_transform.config import places
from batch_transform.config.places import check_workspace
from batch_transform.config.typed_sections import Section, ValidationInfo, field_validator
from batch_transform.config.typed_values import AfterValidator, Field, OfSection, PlainValidator
from batch_transform.config.values import Options, RoleArn, Shown, Text, one_of
from batch_transform.core.plain_paths import has_patterns
from batch_transform.deploy.targets import target_names


class PathOrTable(Section):
    """A location or a table's name; exactly one of the two."""

    path: Annotated[str, AfterValidator(places.check_location)] | None = None
    table: Shown | None = Field(default=None, validate_default=True)

    @field_validator("table")
    @classmethod
    def _exactly_one(cls, table: str | None, info: ValidationInfo) -> str | None:
        return check_one_place(table, info)


def check_one_place(table: str | None, info: ValidationInfo) -> str | None:
    """Returns the table's name; raises ValueError unless exactly one of it and of the field `path` before it is given.

    That neither is, is told of the section: nobody has written a key at which it could be.

    A path that was refused is missing from `data`: its own fault is enough.
    """
    if "path" in info.data and (table is None) == (info.data["path"] is None):
        if table is None:
            raise OfSection("needs path or table")
        raise ValueError("is given beside path; give one of the two")
    return table


class Input(PathOrTable):
    """The table to score: exactly one of path, table and dead_letters.

    Attributes:
        dead_letters: a published run, by its folder or by its run id in the same workspace, of which the dead rows are
            to be scored.
        format: a format of Spark's reader; says nothing for a table.
        options: of Spark's reader.
        ddl: the key `schema`: the types of columns of csv, of json and of the names of folders, in DDL.
        where: a SQL condition; rows for which it does not hold are no part of the run.
    """

    dead_letters: Annotated[str, AfterValidator(places.check_run)] | None = Field(default=None, validate_default=True)
    format: Text = "parquet"
    options: Options = Field(default_factory=dict)
    ddl: Text | None = Field(default=None, alias="schema")
    where: Shown | None = None

    @field_validator("table")
    @classmethod
    def _exactly_one(cls, table: str | None, _info: ValidationInfo) -> str | None:
        return table  # the rule stands at `dead_letters`, which sees all three

    @field_validator("dead_letters")
    @classmethod
    def _one_of_three(cls, run: str | None, info: ValidationInfo) -> str | None:
        given = [name for name in ("path", "table") if info.data.get(name) is not None]
        given += ["dead_letters"] if run is not None else []
        refused = not {"path", "table"} <= set(info.data)  # its own fault is enough
        if not given and not refused:
            raise OfSection("needs path, table or dead_letters")
        if len(given) > 1:
            raise OfSection(f"{', '.join(given[:-1])} and {given[-1]} stand beside each other; give one")
        return run

    @field_validator("format", "options")
    @classmethod
    def _of_what_a_reader_reads(cls, given: object, info: ValidationInfo) -> object:
        # A recorded document has the defaults as well.
        if info.data.get("dead_letters") is not None and given not in ("parquet", {}):
            raise ValueError("stands beside dead_letters, whose rows the run itself reads; leave it out")
        return given

    @field_validator("ddl")
    @classmethod
    def _of_files_without_types(cls, ddl: str | None, info: ValidationInfo) -> str | None:
        if ddl is None:
            return ddl
        for name in ("table", "dead_letters"):
            if info.data.get(name) is not None:
                raise ValueError(
                    f"stands beside {name}, whose columns have types; it is for the files of a path: leave it out"
                )
        format = info.data.get("format", "")
        if not has_patterns(format):
            raise ValueError(f"is given, but a table of {format} has types of its own; cast in record.sql instead")
        return ddl


class Deploy(Section):
    """What a target needs to know; a file may have the keys of several.

    Attributes:
        target: the default of `--target`; a driver that has been started says nothing of it.
        cluster_id: of a running EMR or Databricks cluster.
        application_id: of EMR Serverless.
        execution_role_arn: who the driver is: of a job run, or of a step.
        artifacts: where files are uploaded; None: below the workspace.
    """

    target: Annotated[str, PlainValidator(one_of(*target_names()))] | None = None
    cluster_id: Text | None = None
    application_id: Text | None = None
    execution_role_arn: RoleArn | None = None
    artifacts: Annotated[str, AfterValidator(check_workspace)] | None = None
