"""How predictions lie in an output object, and how they come to be one on each line.

Everything that reads an output (the count, the merge, the evidence of dead letters) reads the lines that `lines` gives,
so that line i is the prediction of row start + i whatever the container writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.predictions.foreign_bytes import in_utf8
from batch_transform.core.predictions.long_lines import MOST_LINE_BYTES
from batch_transform.core.predictions.output_lines import bounded, joined, without_blank, without_marks
from batch_transform.core.predictions.records_path import Steps, parse_path, unpack
from batch_transform.core.predictions.wrapping import unwrap
from batch_transform.core.run_settings import RunSettings

JSON_LINES, JSON, CSV, TEXT = "jsonlines", "json", "csv", "text"
FORMATS = (JSON_LINES, JSON, CSV, TEXT)
# The service puts a model's answer there when it joins input and output (transform_emulator/FACTS.md, 2.4).
JOINED_FIELD = "SageMakerOutput"


@dataclass(frozen=True)
class AnswerForm:
    """How predictions lie in an output object; a value that can be sent to a worker.

    Attributes:
        format: one of FORMATS.
        steps: to the predictions in a JSON document; (): the document is one.
        separator: a character between two predictions on one line; None: a line is one prediction.
        skips_blank: whether blank lines are left out.
        is_wrapped: whether each answer is a JSON string of what it should be, alone or beside its media type or status.
        most_line_bytes: of a prediction; of a longer one no more is held, and it cannot be read.
        has_records: whether a record stands on the line of its prediction, for which there is to be room as well.
    """

    format: str = JSON_LINES
    steps: Steps = ()
    separator: str | None = None
    skips_blank: bool = False
    is_wrapped: bool = False
    most_line_bytes: int = MOST_LINE_BYTES
    has_records: bool = False

    @property
    def is_unpacked(self) -> bool:
        """Whether predictions are cut out of JSON documents, and may be values that are no object."""
        return self.format == JSON or bool(self.steps)

    @property
    def is_joined(self) -> bool:
        """Whether each prediction stands beside its record, as the service joined them."""
        return self.steps[:1] == (JOINED_FIELD,)

    @property
    def is_lines(self) -> bool:
        """Whether the predictions are pieces of an output's own lines."""
        return not (self.is_unpacked or self.is_wrapped)

    def lines(self, chunks: Iterable[bytes]) -> Iterable[bytes]:
        """Returns the output as a stream with one prediction on each line.

        Byte order marks are left out that a line or a document begins with.

        Args:
            chunks: the output, in pieces of any size.

        Raises:
            NotUnpacked: while it is drawn, at the first document that is not as `steps` say; or it is no UTF-8.
        """
        chunks = in_utf8(chunks)
        if self.is_wrapped:
            chunks = unwrap(chunks, self.most_line_bytes)
        most = self.most_line_bytes
        chunks = joined(unpack(chunks, self.steps, most)) if self.is_unpacked else without_marks(chunks)
        if self.separator:
            old = self.separator.encode()
            chunks = (chunk.replace(old, b"\n") for chunk in chunks)
        chunks = bounded(chunks, most)
        return without_blank(chunks) if self.skips_blank else chunks

    def with_room_for(self, record_bytes: int) -> AnswerForm:
        """Returns the form of outputs whose lines have records of at most so many bytes, if they have any."""
        return replace(self, most_line_bytes=self.most_line_bytes + record_bytes) if self.has_records else self


PLAIN = AnswerForm()


def answer_form(settings: RunSettings) -> AnswerForm:
    """Returns how a run's predictions lie in an output."""
    asked, transform = settings.prediction, settings.transform
    steps = parse_path(asked.records_path) if asked.records_path else ()
    if transform.joins_input and transform.output_filter is None:
        steps = (JOINED_FIELD, *steps)
    skips_blank, is_wrapped, most_bytes = asked.blank_lines == "skip", asked.body == "wrapped", asked.max_line_mb
    most_bytes *= BYTES_PER_MB
    return AnswerForm(asked.format, steps, asked.separator, skips_blank, is_wrapped, most_bytes, transform.joins_input)
