"""The staged table of a run, as the step `staged` tells it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from batch_transform.core.ledger import JsonObject
from batch_transform.core.object_names import row_named
from batch_transform.core.reserved_columns import STAGED
from batch_transform.core.source_identity import SourceIdentity
from batch_transform.core.spans import StagedFile


@dataclass(frozen=True)
class RowPlace:
    """Where a person finds a row: its number has the file in its upper bits, which nobody counts.

    Attributes:
        file: of the staged table, counted from 1 in their order.
        path: of that file.
        row: in that file, counted from 0.
        number: of the row in the run.
    """

    file: int
    path: str
    row: int
    number: int

    @property
    def words(self) -> str:
        """What a person reads."""
        return row_words(self.file, self.row)


def row_words(file: int, row: int) -> str:
    """Returns what a person reads of a row's place: the files are counted from 1, and rows in one from 0."""
    return f"row {row} of staged file {file}"


@dataclass(frozen=True)
class Staged:
    """The staged table: its files and the schema in which they are read, and what takes Spark to tell.

    Attributes:
        answers: the schema of the predictions (answer_schema.encode_schema), with which they are counted without
            Spark; '' where each is one string.
        header: the line of the records' names before them; '' for none. It takes Spark to tell the fields of a SQL
            record.
        settings: what the session that staged them said of the Spark settings that are the user's, by key; empty for
            a run of an earlier version.
        source: what the input is told by; None: of a ledger before there was such a thing, or Spark did not tell.
        is_copied: whether the files are copies of the input's, whose rows are numbered by their places
            (core.copied_files); else Spark wrote them, with our own columns.
    """

    schema_json: str
    files: tuple[StagedFile, ...]
    answers: str = ""
    header: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    source: SourceIdentity | None = None
    is_copied: bool = False

    @classmethod
    def of(cls, payload: JsonObject) -> Staged:
        """Returns what the step `staged` tells, of whatever version."""
        files = tuple(StagedFile(**file) for file in payload["files"])
        told = {name: payload.get(name, "") for name in ("answers", "header")}
        settings, source = tuple(sorted(payload.get("settings", {}).items())), payload.get("source")
        identity = SourceIdentity.from_document(source) if source else None
        return cls(
            payload["schema"], files, **told, settings=settings, source=identity, is_copied=bool(payload.get("copied"))
        )

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the input's columns: those that follow our own."""
        fields = json.loads(self.schema_json).get("fields", ())
        return tuple(field["name"] for field in fields[len(STAGED) :])

    def place_of(self, name: str | None, line: int | None) -> RowPlace | None:
        """Returns where the row lies that is a line of an object; None where it is none of the run's."""
        number = row_named(name or "", line)
        if number is None:
            return None
        for place, file in enumerate(self.files, 1):
            if file.first <= number <= file.last:
                return RowPlace(place, file.path, number - file.first, number)
        return None

    def reading(self, place: RowPlace) -> str | None:
        """Returns the expression in Python that reads a row, None where the schema names no column of numbers.

        A copy of an input's file has none.
        """
        names = [field["name"] for field in json.loads(self.schema_json).get("fields", ())]
        if not (names or self.is_copied):
            return None
        where = f"_metadata.row_index = {place.row}" if self.is_copied else f"{names[0]} = {place.number}"
        return f"spark.read.parquet({place.path!r}).where({where!r})"

    @property
    def rows(self) -> int:
        """Rows in: what the staged files hold together."""
        return sum(file.rows for file in self.files)

    @property
    def json_bytes(self) -> int:
        """Estimated bytes of JSON of the whole table."""
        return sum(file.json_bytes for file in self.files)

    @property
    def largest(self) -> int:
        """Estimated bytes of the largest record."""
        return max((file.largest for file in self.files), default=0)
