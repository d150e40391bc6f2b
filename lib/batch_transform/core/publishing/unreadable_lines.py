"""The lines of an output as they are, for the dead letters of rows whose answer was no prediction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from batch_transform.core.escaping import visible
from batch_transform.core.isolation.data_log_evidence import MOST_EVIDENCE_CHARACTERS
from batch_transform.core.predictions.long_lines import TOO_LONG
from batch_transform.core.predictions.output_lines import Lines
from batch_transform.core.predictions.prediction_types import Answers

_LINE = pa.struct([("line", pa.string())])
# No character takes more than four bytes.
_MOST_BYTES = 4 * MOST_EVIDENCE_CHARACTERS


@dataclass(frozen=True)
class UnreadableLines:
    """Reads each line as text, cut to what a dead letter keeps; what cannot be seen is escaped, and bytes that are not
    UTF-8 become U+FFFD.
    """

    @property
    def type(self) -> pa.StructType:
        """One string."""
        return _LINE

    def read(self, lines: Lines) -> Answers:
        """Returns the lines of a block."""
        begun = (lines.block[start:end] for start, end in zip(lines.starts.tolist(), _ends(lines), strict=True))
        texts = [
            visible(line.removeprefix(TOO_LONG).decode(errors="replace"))[:MOST_EVIDENCE_CHARACTERS] for line in begun
        ]
        return Answers(pa.StructArray.from_arrays([pa.array(texts, pa.string())], fields=list(_LINE)))


def _ends(lines: Lines) -> list[int]:
    ends: list[int] = np.minimum(lines.ends, lines.starts + _MOST_BYTES + len(TOO_LONG)).tolist()
    return ends
