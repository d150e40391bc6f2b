"""Histograms as a report holds them."""

from __future__ import annotations

from typing import TypedDict


class SizeCounts(TypedDict):
    """Records by size.

    Attributes:
        edges: in bytes, one more than there are counts; a record has at least the one before its count, and is smaller
            than the one after.
        counts: of records.
    """

    edges: list[int]
    counts: list[int]
