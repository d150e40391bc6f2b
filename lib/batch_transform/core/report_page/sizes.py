"""How large records and objects are, beside the payload limit that they must fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import noun, size
from batch_transform.core.limits import BYTES_PER_MB
from batch_transform.core.report_histograms import SizeCounts
from batch_transform.core.report_page.charts import Chart, Mark
from batch_transform.core.report_page.histograms import Axis, Histogram, Wording, drawn, in_words
from batch_transform.core.report_page.markup import Html, paragraph

_BINS = 24


def sizes(objects: pa.Table | None, records: SizeCounts | None, payloads_mb: Sequence[int]) -> Html:
    """Returns both charts; of what is not known none.

    Args:
        objects: spans (SPAN_SCHEMA), with what each object weighs.
        records: by size, as they were exported; None: of an earlier version, of which the mean of each object is told.
        payloads_mb: MaxPayloadInMB of the jobs, each once; none where the container chooses.
    """
    limits = [Mark(mb * BYTES_PER_MB, f"payload limit, {mb} MB") for mb in sorted(set(payloads_mb))]
    charts = []
    if records:
        charts.append(_chart("record", Histogram(records["edges"], records["counts"], "record_sizes.counts"), limits))
    sent = objects.filter(pc.is_valid(objects["object"])) if objects is not None else None
    if sent is not None and sent.num_rows:
        weights, rows = sent["bytes"].to_numpy(), pc.subtract(sent["stop"], sent["start"]).to_numpy()
        if not records:
            largest = int(pc.max(sent["largest"]).as_py())
            marks = [Mark(largest, f"largest record, {size(largest)}"), *limits]
            means = histogram(weights / np.maximum(rows, 1), rows)
            charts.append(_chart("record", means, marks, "; by the mean of each object"))
        charts.append(_chart("object", histogram(weights, np.ones(len(weights), np.int64)), limits))
    return Html("".join(charts))


def histogram(values: np.ndarray, weights: np.ndarray) -> Histogram:
    """Returns the histogram of sizes, each of so many things, in bins that are equally wide on a logarithmic axis."""
    found = np.maximum(np.asarray(values, dtype=float), 1.0)
    edges = np.geomspace(found.min() * 0.95, found.max() * 1.05, _BINS + 1)
    counts, _ = np.histogram(found, bins=edges, weights=np.asarray(weights, dtype=float))
    return Histogram(edges.tolist(), [round(count) for count in counts], "", float(found.min()), float(found.max()))


def _chart(thing: str, found: Histogram, limits: Sequence[Mark], how: str = "") -> Html:
    words = in_words(found, thing, size, how=how)
    if found.total == 1:
        said = [f"{words}.", *(f"The {limit.label.replace(',', ' is')}." for limit in limits)]
        return paragraph(" ".join(said))
    axis = Axis(found.edges[0], max([found.edges[-1], *(limit.at * 1.05 for limit in limits)]), is_log=True)
    words += f". The axis is logarithmic; the highest column stands for {max(found.counts):,}."
    things = noun(found.total, thing)
    chart = Chart(things, f"Sizes of {things}", words)
    return drawn(chart, found, axis, Wording("size", things, size), limits)
