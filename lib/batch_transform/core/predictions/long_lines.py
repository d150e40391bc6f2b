"""Predictions that are longer than a worker is to hold: what stands in their place, so that line i stays row i's. Pure.

The stand-in is no UTF-8, so no format takes it for a prediction; a dead letter shows the beginning that it keeps.
"""

from __future__ import annotations

from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.run_settings import PredictionSettings

MOST_LINE_BYTES = PredictionSettings.max_line_mb * BYTES_PER_MB
TOO_LONG_REASON = "longer than prediction.max_line_mb"
TOO_LONG = b"\xff<" + TOO_LONG_REASON.encode() + b">"
MOST_KEPT_BYTES = 8 * 1024


def stand_in(text: str) -> str:
    """Returns what stands in the place of a text; to be encoded by `encoded`."""
    return TOO_LONG.decode(errors="surrogateescape") + text[:MOST_KEPT_BYTES]


def is_stand_in(text: str) -> bool:
    """Returns whether a text is what stands in the place of one that is too long."""
    return text.startswith(TOO_LONG.decode(errors="surrogateescape"))


def encoded(text: str) -> bytes:
    """Returns text of UTF-8 in which there may be stand-ins as bytes."""
    return text.encode(errors="surrogateescape")
