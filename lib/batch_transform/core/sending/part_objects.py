"""Cut one exported object into smaller ones, by byte range, without reading the table again.

Pure but for the store that is handed in. Held at a time are the span's bytes (an object is at most 64 MB, or one
record) and the parts that are on their way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from batch_transform.core.amounts import counted
from batch_transform.core.errors import GateRefused
from batch_transform.core.framing import Framing
from batch_transform.core.object_names import copy_name, object_name
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.output_lines import Lines, lines_of
from batch_transform.core.spans import Cut, CutPart
from batch_transform.core.uris import S3Uri

# Calls a function with each item, one after the other or several at once.
Each = Callable[[Callable[[Any], None], Iterable[Any]], Iterable[None]]


def cut_object(
    store: ObjectStore,
    folder: S3Uri,
    cut: Cut,
    token: str,
    each: Each,
    framing: Framing,
) -> list[CutPart]:
    """Returns the parts of a span (spans.PART_SCHEMA), those that are sent written as objects of their own.

    Args:
        store: with the object.
        folder: the run's `input/`.
        cut: what to cut (spans.CUT_SCHEMA).
        token: random for each attempt.
        each: how the parts are put.
        framing: of the records.

    Raises:
        GateRefused: the bytes do not hold as many records as the span has rows.
    """
    data = framing.fetch(store, folder.join(cut["object"]), cut["offset"], cut["bytes"])
    # Bytes that are one record as a whole may hold any number of newlines, or nothing at all.
    lines = lines_of(data) if framing.newline else Lines(data, np.array([0]), np.array([len(data) - 1]))
    if len(lines) != sum(cut["parts"]):
        raise GateRefused(
            f"{cut['object']} holds {counted(len(lines), 'record')}, exported of {counted(sum(cut['parts']), 'row')}"
        )
    name = partial(object_name, token=token, suffix=framing.suffix)
    firsts = np.cumsum([0, *cut["parts"]])
    begins = np.append(lines.starts, len(data))[firsts]
    largest = np.maximum.reduceat(lines.ends - lines.starts + 1, firsts[:-1])
    parts = [
        _part(cut, name, index, first, stop, int(begins[index]), int(begins[index + 1]), int(largest[index]))
        for index, (first, stop) in enumerate(itertools.pairwise(firsts.tolist()))
        if cut["send"][index] is not None
    ]
    sent = [(part, begin, place) for part, begin in parts if part["object"] for place in range(1 + len(part["copies"]))]

    def put(it: tuple[CutPart, int, int]) -> None:
        part, begin, place = it
        object = part["copies"][place - 1] if place else str(part["object"])
        etag = store.put(folder.join(object), framing.frame([data[begin : begin + part["bytes"]]]))
        if place:
            part["copy_etags"][place - 1] = etag
        else:
            part["etag"] = etag

    for _ in each(put, sent):
        pass
    return [part for part, _ in parts]


def _part(
    cut: Cut,
    name: Callable[[int, int], str],
    index: int,
    first: int,
    stop: int,
    begin: int,
    end: int,
    largest: int,
) -> tuple[CutPart, int]:
    """A part, not written yet, and where in the span's bytes it begins."""
    start, sent = cut["start"] + first, cut["send"][index] or 0
    object = name(start, stop - first) if sent else None
    part: CutPart = {
        "start": start,
        "stop": cut["start"] + stop,
        "lane": cut["lane"],
        "object": object,
        "copies": [copy_name(object, place) for place in range(1, sent)] if object else [],
        "copy_etags": [None] * (sent - 1) if object else [],
        "bytes": end - begin,
        "largest": largest,
        "etag": None,
        "offset": 0 if sent else cut["offset"] + begin,
    }
    return part, begin


def some_records(
    store: ObjectStore, uri: S3Uri, size_bytes: int, first: int, count: int, framing: Framing
) -> list[bytes]:
    """Returns records of an object, at most `count` from number `first` on, as objects of their own.

    Args:
        store: with the object.
        uri: of the object.
        size_bytes: in which they lie, from its first record on.
        first: 0 for the first record.
        count: at least 1.
        framing: of the records.
    """
    records = framing.fetch(store, uri, 0, size_bytes)
    if not framing.newline:
        return [framing.frame([records])]
    lines = records.split(b"\n")[:-1]  # what is behind the last newline is a part of the next record
    return [framing.frame([line + b"\n"]) for line in lines[first : first + count]]
