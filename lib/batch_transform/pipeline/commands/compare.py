"""The command `compare`: rows of a run are sent to a real-time endpoint, and its answers compared. Needs no Spark."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError, PredictionsDiffer
from batch_transform.core.estimate.prediction_comparison import (
    Comparison,
    ComparisonReport,
    Place,
    Prediction,
    details,
    mini_batches,
    sentence,
)
from batch_transform.core.estimate.row_sample import ObjectSample, lines_at, sample
from batch_transform.core.framing import Framing
from batch_transform.core.limits import MAX_ENDPOINT_BODY_BYTES, MAX_ENDPOINT_NAME_CHARACTERS
from batch_transform.core.object_store import ObjectNotFound, ObjectStore
from batch_transform.core.predictions.json_stream import NotUnpacked
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_state import RunState
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import ROWS_SENT, TOLERANCE
from batch_transform.pipeline.commands.named_run import Reached
from batch_transform.pipeline.commands.whole_numbers import whole_number
from batch_transform.pipeline.recorded import recorded_reader
from batch_transform.pipeline.telling import Tell
from batch_transform.records.registry import run_framing
from batch_transform.sagemaker.endpoint import READ_TIMEOUT_SECONDS, Endpoint, ModelRefusal

MOST_ROWS_SENT = 100_000
# Below the limit of a body, so that a mini-batch passes whatever the service adds.
MINI_BATCH_BYTES = 5_000_000
_FORGOTTEN = "its records and answers are forgotten, so there is nothing to compare"
_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?")  # botocore, EndpointName


@dataclass(frozen=True)
class _Asked:
    endpoint: str
    rows: int
    tolerance: float


def compare(there: Reached, asked: CommandLine, tell: Tell) -> ComparisonReport:
    """Returns the report of a comparison in which the endpoint answered every row as the run has it.

    Raises:
        ConfigurationError: an argument is wrong, there is no such endpoint, or the run has nothing to compare.
        PredictionsDiffer: with the report, in every other case.
        ServiceFailure: S3 or the service did not answer.
    """
    wanted = _arguments(asked)
    run, state = there.run()
    _refuse_uncomparable(there, state)
    transform = state.settings.transform
    assert state.gate is not None
    samples = sample(run.ledger.read_part(state.gate.parts[0]), wanted.rows, state.nonce)
    if not samples:
        raise ConfigurationError(
            f"{there.uri}: no row of it was scored, so there is nothing to compare; name another run"
        )
    client = there.access.client("sagemaker-runtime", read_timeout=READ_TIMEOUT_SECONDS)
    content_type = state.jobs[0].request["TransformInput"]["ContentType"]
    endpoint = Endpoint(client, wanted.endpoint, content_type, transform.accept)
    found = Comparison(wanted.tolerance)
    framing = run_framing(state)
    single = transform.strategy == "SingleRecord" or not framing.newline
    reader = recorded_reader(state, state.settings)
    comparer = _Comparer(run.store, run.layout, reader, endpoint, framing, single, found)
    try:
        for chosen in samples:
            comparer.compare(chosen)
    except ObjectNotFound as err:
        raise ConfigurationError(f"{there.uri}: {_FORGOTTEN} ({err.where})") from None
    return _judged(found, state.run_id, wanted.endpoint, tell)


def _arguments(asked: CommandLine) -> _Asked:
    faults = []
    name = asked.endpoint[-1] if asked.endpoint else ""
    if not _NAME.fullmatch(name) or len(name) > MAX_ENDPOINT_NAME_CHARACTERS:
        given = "is none" if asked.endpoint else "is required"
        faults.append(f"--endpoint: {given}; valid: the name of a real-time endpoint")
    rows = whole_number(asked.rows[-1], MOST_ROWS_SENT) if asked.rows else ROWS_SENT
    if rows is None:
        faults.append(f"--rows: is no number of rows; valid: a whole number from 1 to {MOST_ROWS_SENT}")
    tolerance = asked.tolerance[-1] if asked.tolerance else str(TOLERANCE)
    if not _is_tolerance(tolerance):
        faults.append("--tolerance: is none; valid: a number, 0 or more, such as 1e-6")
    if faults or rows is None:
        raise ConfigurationError(faults)
    return _Asked(name, rows, float(tolerance))


def _is_tolerance(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and float(text) >= 0
    except ValueError:
        return False


def _refuse_uncomparable(there: Reached, state: RunState) -> None:
    if state.forgotten:
        raise ConfigurationError(f"{there.uri}: {_FORGOTTEN}")
    if state.gate is None or state.staged is None:
        raise ConfigurationError(f"{there.uri}: not every row of it has an outcome yet; resume it first")
    if state.settings.is_one_object:
        raise ConfigurationError(
            f"{there.uri}: its rows were one request, and some of them alone are another question; name a run of other "
            "records"
        )
    transform = state.settings.transform
    # What `records_of`, `answers_of` and `answers_in` cannot read; an endpoint joins and filters nothing.
    filters = {"input_filter": transform.input_filter, "output_filter": transform.output_filter}
    others = {"join_source": transform.join_source if transform.joins_input else None, **filters}
    for key, given in others.items():
        if given:
            raise ConfigurationError(
                f"{there.uri}: compare reads no run with transform.{key}: {given}; name one without it"
            )
    if state.settings.prediction.schema is not None and not state.staged.answers:
        raise ConfigurationError(
            f"{there.uri}: was begun by a version that did not record what its answers hold; name a later run"
        )


def records_of(store: ObjectStore, layout: RunLayout, chosen: ObjectSample, framing: Framing) -> list[bytes]:
    """Returns the records of the chosen rows, each as a job sends it."""
    uri = layout.input.join(chosen.object)
    if not framing.newline:
        return [b"".join(framing.unpacked(store.open_stream(uri).chunks))]
    chunks = framing.records(store.open_stream(uri).chunks)
    return [line + b"\n" for line in lines_at(chunks, chosen.lines, chosen.object)]


def answers_of(
    store: ObjectStore, layout: RunLayout, chosen: ObjectSample, reader: PredictionReader
) -> list[Prediction]:
    """Returns what a job answered to the chosen rows, whose lines were readable when they were counted."""
    uri = layout.output(chosen.job, chosen.object)
    chunks = reader.form.lines(store.open_stream(uri, chosen.etag).chunks)
    lines = lines_at(chunks, chosen.lines, str(uri))
    found: list[Prediction] = reader.read(lines_of(b"\n".join(lines))).values.to_pylist()
    return found


def answers_in(body: bytes, reader: PredictionReader) -> list[Prediction | None]:
    """Returns the predictions that an endpoint's answer holds; None for one that cannot be read.

    Raises:
        NotUnpacked: it is in another form than the run's answers.
    """
    lines = b"".join(reader.form.lines([body]))
    found: list[Prediction | None] = reader.read(lines_of(lines.rstrip(b"\n"))).values.to_pylist()
    return found


@dataclass(frozen=True)
class _Comparer:
    store: ObjectStore
    layout: RunLayout
    reader: PredictionReader
    endpoint: Endpoint
    framing: Framing
    single: bool
    found: Comparison

    def compare(self, chosen: ObjectSample) -> None:
        """Asks the endpoint for the chosen rows of an object, in mini-batches, and compares."""
        records = records_of(self.store, self.layout, chosen, self.framing)
        batch = answers_of(self.store, self.layout, chosen, self.reader)
        fitting = [index for index, record in enumerate(records) if len(record) <= MAX_ENDPOINT_BODY_BYTES]
        self.found.too_large += len(records) - len(fitting)
        sizes = [len(records[index]) for index in fitting]
        for chunk in mini_batches(sizes, MINI_BATCH_BYTES, single=self.single):
            indexes = [fitting[place] for place in chunk]
            places = [Place(chosen.job, chosen.object, chosen.lines[index]) for index in indexes]
            self._mini_batch(
                places, self._body(records[index] for index in indexes), [batch[index] for index in indexes]
            )

    def _body(self, records: Iterable[bytes]) -> bytes:
        return b"".join((self.framing.header, *records))

    def _mini_batch(self, places: Sequence[Place], body: bytes, batch: Sequence[Prediction]) -> None:
        try:
            live = answers_in(self.endpoint.invoke(body), self.reader)
        except (ModelRefusal, NotUnpacked) as err:
            self.found.add_unanswered(places, str(err))
            return
        if len(live) != len(places):
            self.found.add_unanswered(
                places, f"the model answered {counted(len(live), 'line')} to {counted(len(places), 'record')}"
            )
            return
        for place, before, now in zip(places, batch, live, strict=True):
            if now is None:
                self.found.add_unanswered([place], "the answer holds no prediction that can be read")
            else:
                self.found.add(place, before, now)


def _judged(found: Comparison, run_id: str, endpoint: str, tell: Tell) -> ComparisonReport:
    status = RunStatus.ALIKE if found.is_alike else RunStatus.DIFFERENT
    report: ComparisonReport = {"run_id": run_id, "endpoint": endpoint, "status": status.value, **found.report()}
    text = sentence(report)
    if not found.is_alike:
        for line in details(report):
            tell(line)
        raise PredictionsDiffer(text, report)
    tell(text)
    return report
