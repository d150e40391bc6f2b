"""DataProcessing: InputFilter before the model, then JoinSource and OutputFilter, record by record. No I/O.

Only a job that filters or joins parses its records; for every other job a body is sent and stored byte for byte.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from transform_emulator.filters.json_path import JsonPath, JsonPathError, parse
from transform_emulator.service import json_texts
from transform_emulator.service.job_request import JobRequest, Split
from transform_emulator.service.switches import AnswerType, Switches

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"

OUTPUT_KEY = "SageMakerOutput"
INPUT_KEY = "SageMakerInput"


# RFC 4180, which "CSV data should also follow" (developer guide): a quote stands at both ends of a cell or nowhere.
CELL = r'(?:"[^"]*(?:""[^"]*)*"|[^",]*)'
CSV_LINE = re.compile(f"{CELL}(?:,{CELL})*")
CSV_CELL = re.compile(f"(?:^|,)({CELL})")


class ProcessingError(Exception):
    """A record cannot be filtered or joined, so its file fails; the text is the data-log's headline.

    Attributes:
        message: What the data log has below the headline; None for nothing.
    """

    def __init__(self, headline: str, message: str | None = None) -> None:
        super().__init__(headline)
        self.message = message


@dataclass(frozen=True)
class Format:
    """How one kind of record is read and written.

    Attributes:
        name: What an error message calls it.
        read: A document from the text of one record.
        write: The text of a document.
        join: A document from an input record and its prediction.
    """

    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    join: Callable[[Any, Any], Any]


class Processing:
    """The filters and the join of one job."""

    def __init__(self, request: JobRequest, switches: Switches) -> None:
        """Parses the filters.

        Raises:
            ProcessingError: A filter is outside the supported subset of JSONPath. The service says so in each file's
                data-log lines, not when the job is created (sagemaker-python-sdk#1112).
        """
        inclusive = switches.slice_end_inclusive
        try:
            self._before: JsonPath = parse(request.input_filter, inclusive)
            self._after: JsonPath = parse(request.output_filter, inclusive)
        except JsonPathError as error:
            raise ProcessingError(str(error)) from error
        self._joins = request.join_input
        self._switches = switches
        self._accept, record_type = request.accept, media_type(request.content_type)
        self._record_type = record_type if record_type in FORMATS else JSON_LINES
        self._splits = request.split is not Split.NONE

    @property
    def active(self) -> bool:
        """Whether anything is filtered or joined at all."""
        return self._joins or not (self._before.selects_everything and self._after.selects_everything)

    def request_body(self, original: bytes) -> bytes:
        """Returns what the model gets for a body as it was cut from the object.

        Raises:
            ProcessingError: A record cannot be read, or has not what the filter selects.
        """
        if self._before.selects_everything:
            return original
        records = [self._select(self._before, record) for record in self._records(original)]
        return _write(FORMATS[self._record_type], records, original.endswith(b"\n"))

    def output(self, original: bytes, response: bytes, content_type: str | None = None) -> bytes:
        """Returns what is stored for a response: joined with the *original* input, then filtered.

        Args:
            original: The body as it was cut from the object.
            response: The answer to what the model got for it.
            content_type: The answer's own Content-Type, if it has one.

        Raises:
            ProcessingError: The response cannot be read, or has another number of records than the input.
        """
        if not self._joins and self._after.selects_everything:
            return response
        kind = self._answer_type(content_type)
        predictions = self._predictions(response, kind)
        if self._joins:
            inputs = self._records(original)
            if len(inputs) != len(predictions):
                raise ProcessingError(self._switches.join_mismatch_headline)
            predictions = [FORMATS[kind].join(*pair) for pair in zip(inputs, predictions, strict=True)]
        records = [self._select(self._after, record) for record in predictions]
        # A joined record is written anew; that its last one has no newline leaves it to AssembleWith, which must be
        # the same as SplitType for a join.
        return _write(FORMATS[kind], records, response.endswith(b"\n") and not self._joins)

    def _answer_type(self, content_type: str | None) -> str:
        """What the answer is read as: its own type and the one that was asked for come before the records' type."""
        told = [media_type(self._accept), media_type(content_type)]
        if self._switches.answer_type is AnswerType.CONTENT_TYPE:
            told.reverse()
        # A join asks that records and answers be of one type (developer guide, FACTS.md, 2.4).
        known = [each for each in told if each in FORMATS and not self._joins]
        return known[0] if known and known[0] else self._record_type

    def _records(self, original: bytes) -> list[Any]:
        """The records of a body, read by ContentType.

        Raises:
            ProcessingError: One of them cannot be read.
        """
        form, one_document = FORMATS[self._record_type], self._record_type == JSON and not self._splits
        # An unsplit JSON object is one document, which may have line breaks; anything else is one record a line. Only
        # \n ends a record: `splitlines` would also split at U+2028 inside a JSON string.
        lines = [original] if one_document else re.findall(rb"[^\n]*\n|[^\n]+", original)
        return [self._record(line, form) for line in lines]

    def _record(self, line: bytes, form: Format) -> Any:
        try:
            return form.read(line.decode())
        except ValueError as error:
            # The words and their place in the data log: amazon-sagemaker-examples#1620, and #898 for an object.
            what = f"line: '{line.decode(errors='replace')}'" if self._splits else "input"
            raise ProcessingError("ClientError: 400", f"Failed to parse {what} as {form.name}: {error}") from error

    def _predictions(self, response: bytes, kind: str) -> list[Any]:
        read, name = FORMATS[kind].read, FORMATS[kind].name
        try:
            text = response.decode()
            if kind == JSON:
                try:  # one document, over as many lines as its model likes; two in a row are none
                    return [read(text)]
                except ValueError:
                    if not self._splits:
                        raise
            return [read(line) for line in text.removesuffix("\n").split("\n")]
        except ValueError as error:
            raise ProcessingError(f"Failed to parse output from the algorithm as {name}: {error}") from error

    def _select(self, path: JsonPath, record: Any) -> Any:
        try:
            return path.select(record)
        except JsonPathError as error:
            raise ProcessingError(f"Failed to apply JsonPath {path.text}: {error}") from error


def media_type(content_type: str | None) -> str | None:
    """Returns a content type without its parameters: `text/csv` for `text/csv; charset=utf-8`."""
    return None if content_type is None else content_type.partition(";")[0].strip().lower()


def _write(form: Format, records: Sequence[Any], final_newline: bool) -> bytes:
    try:
        text = "\n".join(map(form.write, records))
    except ValueError as error:
        raise ProcessingError(f"Failed to write a record as {form.name}: {error}") from error
    return (text + "\n" if final_newline else text).encode()


def _read_csv(line: str) -> list[str]:
    # Not by Python's reader: it takes a quote within an unquoted cell for text, refuses a cell of over 131,072
    # characters, and a carriage return within one, where "\n" alone ends a line.
    text = line.removesuffix("\n").removesuffix("\r")
    if not text:
        return []
    if '"' not in text:
        return text.split(",")
    if not CSV_LINE.fullmatch(text):
        raise ValueError(f'bare " in non quoted field found near: {line}')
    return [cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell for cell in CSV_CELL.findall(text)]


def _write_csv(row: Any) -> str:
    # Some versions of Python put quotes around a line's end within a cell only if it is their own line's end.
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(row if isinstance(row, list) else [row])
    return text.getvalue().removesuffix("\r\n")


def _join_csv(row: list[str], prediction: list[str]) -> list[str]:
    return row + prediction


def _join_json(record: Any, prediction: Any) -> dict[str, Any]:
    """Adds SageMakerOutput to an object, which loses an attribute of that name; wraps anything else."""
    if isinstance(record, dict):
        return record | {OUTPUT_KEY: prediction}
    return {INPUT_KEY: record, OUTPUT_KEY: prediction}


CSV_FORMAT = Format("CSV", _read_csv, _write_csv, _join_csv)
JSON_FORMAT = Format("JSON", json_texts.read, json_texts.write, _join_json)
# Developer guide, batch-transform-data-processing.
FORMATS = {CSV: CSV_FORMAT, JSON: JSON_FORMAT, JSON_LINES: JSON_FORMAT}
