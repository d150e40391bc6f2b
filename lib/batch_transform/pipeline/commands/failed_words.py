"""What service and model said of rows that failed, where a run keeps it: for whoever asks, as it may quote a row."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq

from batch_transform.core.object_store import ObjectNotFound
from batch_transform.core.predictions.answer_form import answer_form
from batch_transform.core.predictions.json_stream import JsonStream, NotUnpacked
from batch_transform.core.predictions.wrapping import ErrorAnswered
from batch_transform.core.report_keys import FailureExample
from batch_transform.core.run_state import RunState
from batch_transform.pipeline.recorded import RecordedRun, form_of_outputs

_MOST_BYTES = 20_000  # of a line: an answer may be megabytes


class FailedWords:
    """The words of a run's jobs, each read once."""

    def __init__(self, run: RecordedRun, state: RunState) -> None:
        self._run, self._state = run, state
        self._of_jobs: dict[str, dict[str, str]] = {}

    def of(self, example: FailureExample) -> str | None:
        """Returns what was said of an example; None: it was never sent, nothing was said, or it is forgotten.

        Raises:
            StoreFailure: S3 does not tell.
        """
        job, name, line = example["job"], example["object"], example["line"]
        if job is None or name is None:
            return None
        if job not in self._of_jobs:
            self._of_jobs[job] = self._words(job)
        return self._of_jobs[job].get(name) or (None if line is None else self._answer(job, name, line))

    def _words(self, job: str) -> dict[str, str]:
        try:
            found = pq.read_table(pa.BufferReader(self._run.store.get(self._run.layout.evidence(job))[0]))
        except ObjectNotFound:
            return {}
        return dict(zip(*(column.to_pylist() for column in found.columns), strict=True))

    def _answer(self, job: str, name: str, line: int) -> str | None:
        """The line of an output that is no prediction: then that itself is what the model said."""
        output = self._run.layout.output(job, name)
        with suppress(ObjectNotFound, ValueError, NotUnpacked):
            stream = self._run.store.open_stream(output)
            # Only now: with the outputs of a cleaned run the part is gone that this may read.
            form = form_of_outputs(answer_form(self._state.settings), self._state, self._run.ledger)
            try:
                return _line_of(form.lines(stream.chunks), line)
            except ErrorAnswered:  # as it came, then
                return _document_of(self._run.store.open_stream(output).chunks, line)
        return None


def _document_of(chunks: Iterable[bytes], number: int) -> str | None:
    """A document of a stream of JSON, from 0; None: it has fewer."""
    stream, found = JsonStream(chunks), None
    for _ in range(number + 1):
        found = stream.value() if stream.begin() else None
    return found and found[:_MOST_BYTES]


def _line_of(chunks: Iterable[bytes], line: int) -> str | None:
    """A line of a stream, from 0; None: it has fewer."""
    passed, kept = 0, b""
    for chunk in chunks:
        first, *more = chunk.split(b"\n")
        for place, part in enumerate([first, *more]):
            passed += bool(place)
            if passed > line:
                return _text(kept)
            if passed == line:
                kept += part[: _MOST_BYTES - len(kept)]
    return _text(kept) if passed == line and kept else None


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
