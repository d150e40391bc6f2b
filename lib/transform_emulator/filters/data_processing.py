"""DataProcessing: InputFilter before the model, then JoinSource and OutputFilter, record by record. No I/O.

Only a job that filters or joins parses its records; for every other job a body is sent and stored byte for byte.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from transform_emulator.filters.json_path import JsonPath, JsonPathError, parse
from transform_emulator.service.job_request import JobRequest, Split
from transform_emulator.service.switches import Switches

CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonlines"
FORMATS = (CSV, JSON, JSON_LINES)  # developer guide, batch-transform-data-processing

OUTPUT_KEY = "SageMakerOutput"
INPUT_KEY = "SageMakerInput"


class ProcessingError(Exception):
    """A record cannot be filtered or joined, so its file fails; the text is the data-log's headline."""


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
        """Parse the filters.

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
        self._mismatch_headline = switches.join_mismatch_headline
        self._format = CSV_FORMAT if media_type(request.content_type) == CSV else JSON_FORMAT
        # An unsplit JSON object is one document, which may have line breaks; anything else is one record a line.
        self._one_document = media_type(request.content_type) == JSON and request.split is Split.NONE

    @property
    def active(self) -> bool:
        """Whether anything is filtered or joined at all."""
        return self._joins or not (self._before.selects_everything and self._after.selects_everything)

    def request_body(self, original: bytes) -> bytes:
        """What the model gets for a body as it was cut from the object.

        Raises:
            ProcessingError: A record cannot be read, or has not what the filter selects.
        """
        if self._before.selects_everything:
            return original
        records = [self._select(self._before, record) for record in self._read(original, "input")]
        return self._write(records, original.endswith(b"\n"))

    def output(self, original: bytes, response: bytes) -> bytes:
        """What is stored for a response: joined with the *original* input, then filtered.

        Raises:
            ProcessingError: The response cannot be read, or has another number of records than the input.
        """
        if not self._joins and self._after.selects_everything:
            return response
        predictions = self._read(response, "output from the algorithm")
        if self._joins:
            inputs = self._read(original, "input")
            if len(inputs) != len(predictions):
                raise ProcessingError(self._mismatch_headline)
            predictions = [self._format.join(*pair) for pair in zip(inputs, predictions, strict=True)]
        records = [self._select(self._after, record) for record in predictions]
        # A joined record is written anew; that its last one has no newline leaves it to AssembleWith, which must be
        # the same as SplitType for a join.
        return self._write(records, response.endswith(b"\n") and not self._joins)

    def _read(self, data: bytes, what: str) -> list[Any]:
        try:
            text = data.decode()
            # Only \n ends a record: `splitlines` would also split at U+2028 inside a JSON string.
            lines = [text] if self._one_document else text.removesuffix("\n").split("\n")
            return [self._format.read(line) for line in lines]
        except (ValueError, csv.Error) as error:
            raise ProcessingError(f"Failed to parse {what} as {self._format.name}: {error}") from error

    def _select(self, path: JsonPath, record: Any) -> Any:
        try:
            return path.select(record)
        except JsonPathError as error:
            raise ProcessingError(f"Failed to apply JsonPath {path.text}: {error}") from error

    def _write(self, records: Sequence[Any], final_newline: bool) -> bytes:
        text = "\n".join(map(self._format.write, records))
        return (text + "\n" if final_newline else text).encode()


def media_type(content_type: str | None) -> str | None:
    """A content type without its parameters: `text/csv` for `text/csv; charset=utf-8`."""
    return None if content_type is None else content_type.partition(";")[0].strip().lower()


def _read_csv(line: str) -> list[str]:
    rows = list(csv.reader([line], strict=True))  # strict: a bare quote is an error, as for the service (examples#898)
    return rows[0] if rows else []


def _write_csv(row: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row if isinstance(row, list) else [row])
    return text.getvalue()


def _write_json(document: Any) -> str:
    """Compact and with sorted keys: so were the joined records that a notebook of AWS's shows (Go's encoding/json)."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _join_csv(row: list[str], prediction: list[str]) -> list[str]:
    return row + prediction


def _join_json(record: Any, prediction: Any) -> dict[str, Any]:
    """Adds SageMakerOutput to an object, which loses an attribute of that name; wraps anything else."""
    if isinstance(record, dict):
        return record | {OUTPUT_KEY: prediction}
    return {INPUT_KEY: record, OUTPUT_KEY: prediction}


CSV_FORMAT = Format("CSV", _read_csv, _write_csv, _join_csv)
JSON_FORMAT = Format("JSON", json.loads, _write_json, _join_json)
