"""How large records and objects are, beside the payload limit that they must fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import size
from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.report_page.charts import WORK, Bar, Chart, Mark, columns_chart
from batch_transform.core.report_page.markup import Html

_BINS = 24


@dataclass(frozen=True)
class Histogram:
    """How many things of each size there are; the bins are equally wide on a logarithmic axis.

    Attributes:
        edges: one more than there are counts.
        counts: of each bin.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def at(self, value: float) -> float:
        """Returns where a size is, in parts of the axis."""
        low, high = math.log(self.edges[0]), math.log(self.edges[-1])
        return (math.log(max(value, self.edges[0])) - low) / (high - low)


def histogram(values: Sequence[float], weights: Sequence[int], up_to: float) -> Histogram:
    """Returns the histogram of sizes, each of so many things, on an axis that reaches to `up_to` at least."""
    found = np.maximum(np.asarray(values, dtype=float), 1.0)
    low, high = float(found.min()), max(float(found.max()), up_to)
    edges = np.geomspace(low * 0.95, high * 1.05, _BINS + 1)
    counts, _ = np.histogram(found, bins=edges, weights=np.asarray(weights, dtype=float))
    return Histogram(tuple(edges.tolist()), tuple(round(count) for count in counts))


def sizes(objects: pa.Table | None, payloads_mb: Sequence[int]) -> Html:
    """Returns both charts; nothing without objects.

    Args:
        objects: spans (SPAN_SCHEMA), with what each object weighs.
        payloads_mb: MaxPayloadInMB of the jobs, each once; none where the container chooses.
    """
    sent = objects.filter(pc.is_valid(objects["object"])) if objects is not None else None
    if sent is None or not sent.num_rows:
        return Html("")
    weights, rows = sent["bytes"].to_numpy(), pc.subtract(sent["stop"], sent["start"]).to_numpy()
    largest = int(pc.max(sent["largest"]).as_py())
    limits = [Mark(mb * BYTES_PER_MB, f"payload limit, {mb} MB") for mb in sorted(set(payloads_mb))]
    of_objects = _chart("objects", "object", weights, [1] * len(weights), limits)
    mean = weights / np.maximum(rows, 1)
    of_records = _chart(
        "records",
        "record",
        mean,
        rows,
        [Mark(largest, f"largest record, {size(largest)}"), *limits],
        "; by the mean of each object",
    )
    return Html(of_records + of_objects)


def _chart(
    name: str, thing: str, values: Sequence[float], weights: Sequence[int], limits: Sequence[Mark], how: str = ""
) -> Html:
    found = histogram(values, weights, max((limit.at for limit in limits), default=1.0))
    highest = max(found.counts) or 1
    columns = []
    for place, count in enumerate(found.counts):
        start, stop = found.edges[place], found.edges[place + 1]
        words = f"{count:,} of {size(start)} to {size(stop)}"
        columns.append((Bar((place + 0.08) / _BINS, (place + 0.92) / _BINS, WORK, words), count / highest))
    total, fullest = sum(found.counts), found.counts.index(max(found.counts))
    words = (
        f"{total:,} {thing}s{how}; the most, {max(found.counts):,}, have {size(found.edges[fullest])} to "
        f"{size(found.edges[fullest + 1])}. The axis is logarithmic; the highest column stands for {highest:,}."
    )
    marks = [Mark(found.at(limit.at), limit.label) for limit in limits]
    ends = (0.0, found.edges[0]), (0.5, math.sqrt(found.edges[0] * found.edges[-1])), (1.0, found.edges[-1])
    ticks = [Mark(at, size(value)) for at, value in ends]
    return columns_chart(
        Chart(name, f"Sizes of {thing}s", words), [column for column in columns if column[1]], marks, ticks
    )
