"""Which rows of a run are looked at again: at random, but from few objects, each of which has to be read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_transform.core.amounts import counted
from batch_transform.core.errors import ServiceFailure
from batch_transform.core.isolation.verdict_rows import SCORED
from batch_transform.core.predictions.output_lines import blocks

# An object has up to 64 MB and is read up to the last row that was chosen of it.
OBJECTS = 20
_BLOCK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class ObjectSample:
    """Lines of an input object and of its output, in ascending order.

    Attributes:
        etag: of the output, as it was counted.
    """

    job: str
    object: str
    etag: str
    lines: tuple[int, ...]


def sample(leaves: pa.Table, rows: int, seed: str) -> list[ObjectSample]:
    """Returns which rows of a gated run are compared: `rows` scored rows, or all if there are no more.

    Objects are drawn with a chance that follows from their rows, until there are OBJECTS of them that hold enough; rows
    are drawn from those. One seed always gives the same rows.

    Args:
        leaves: of the gate (verdicts.LEAF_SCHEMA).
        rows: how many.
        seed: any text.
    """
    scored = leaves.filter(pc.equal(leaves["state"], SCORED)).sort_by("start")
    counts = pc.subtract(scored["stop"], scored["start"]).to_numpy()
    # An object of which some rows have no prediction has many leaves, and is read once.
    names = pc.binary_join_element_wise(scored["job"], scored["object"], "/").combine_chunks()
    of_object = names.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    drawn = _drawn(np.bincount(of_object, weights=counts), rows, random)
    places = np.flatnonzero(np.isin(of_object, drawn))
    bounds = np.concatenate([[0], np.cumsum(counts[places])])
    picked = np.sort(random.choice(int(bounds[-1]), size=min(rows, int(bounds[-1])), replace=False))
    chosen: dict[tuple[str, str, str], list[int]] = {}
    for leaf, first, stop in zip(scored.take(pa.array(places)).to_pylist(), bounds[:-1], bounds[1:], strict=True):
        begin, end = np.searchsorted(picked, (first, stop))
        lines = chosen.setdefault((leaf["job"], leaf["object"], leaf["etag"]), [])
        lines += (picked[begin:end] - first + leaf["line"]).tolist()
    return [ObjectSample(*named, tuple(sorted(lines))) for named, lines in chosen.items() if lines]


def _drawn(counts: np.ndarray, rows: int, random: np.random.Generator) -> np.ndarray:
    """The numbers of the objects that are read."""
    # Without putting back, by weight: exponential variables, each divided by its weight, in ascending order.
    order = np.argsort(random.exponential(size=len(counts)) / counts, kind="stable")
    enough = int(np.searchsorted(np.cumsum(counts[order]), rows)) + 1
    return order[: max(OBJECTS, enough)]


def lines_at(chunks: Iterable[bytes], wanted: tuple[int, ...], name: str) -> list[bytes]:
    """Returns some lines of a stream without their newlines; no more of it is drawn than they need.

    Args:
        chunks: the stream.
        wanted: line numbers in ascending order.
        name: of the stream, for a message.

    Raises:
        ServiceFailure: the stream has fewer lines.
    """
    found: list[bytes] = []
    first = 0
    for lines in blocks(chunks, _BLOCK_BYTES):
        while len(found) < len(wanted) and wanted[len(found)] < first + len(lines):
            found.append(lines[wanted[len(found)] - first])
        if len(found) == len(wanted):
            return found
        first += len(lines)
    raise ServiceFailure(
        f"{name} ends after {counted(first, 'line')}, and its line {wanted[len(found)]} was counted: it was altered "
        "since"
    )
