"""What the footers of published files tell of their numeric columns, put together. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from batch_transform.core.report_histograms import PredictionRange


@dataclass(frozen=True)
class FooterRange:
    """What a footer tells of a column in one group of rows; None: it does not."""

    column: str
    rows: int
    nulls: int | None
    least: float | None
    most: float | None

    @property
    def is_empty(self) -> bool:
        """Whether no value is in it, so that there is no smallest."""
        return self.nulls == self.rows


def together(found: Iterable[FooterRange]) -> list[PredictionRange]:
    """Returns the range of each column, in the order in which they come.

    What one group does not tell is not known of the column: a column with a NaN has no range in Parquet.
    """
    of_column: dict[str, list[FooterRange]] = {}
    for each in found:
        of_column.setdefault(each.column, []).append(each)
    return [_range(name, groups) for name, groups in of_column.items()]


def _range(name: str, groups: list[FooterRange]) -> PredictionRange:
    nulls = [each.nulls for each in groups]
    filled = [each for each in groups if not each.is_empty]
    return {
        "column": name,
        "rows": sum(each.rows for each in groups),
        "nulls": None if None in nulls else sum(count or 0 for count in nulls),
        "least": min(_known([each.least for each in filled]), default=None),
        "most": max(_known([each.most for each in filled]), default=None),
    }


def _known(values: list[float | None]) -> list[float]:
    """The values if all are known; JSON has no other numbers than finite ones."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return known if len(known) == len(values) else []
