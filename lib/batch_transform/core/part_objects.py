"""Cut one exported object into smaller ones, by byte range, without reading the table again.

Pure but for the store that is handed in. Held at a time are the span's bytes (an object is at most 64 MB, or one
record) and the parts that are on their way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from .errors import GateRefused
from .framing import JSON_LINES, Framing
from .naming import object_name
from .objects import ObjectStore
from .prediction_lines import lines_of
from .uris import S3Uri

# Calls a function with each item, one after the other or several at once.
Each = Callable[[Callable[[Any], None], Iterable[Any]], Iterable[None]]


def cut_object(
    store: ObjectStore,
    folder: S3Uri,
    cut: Mapping[str, Any],
    token: str,
    each: Each = map,
    framing: Framing = JSON_LINES,
) -> list[dict[str, Any]]:
    """Returns the parts of a span (rounds.PART_SCHEMA), those that are sent written as objects of their own.

    Args:
        store: with the object.
        folder: the run's `input/`.
        cut: what to cut (rounds.CUT_SCHEMA).
        token: random for each attempt.
        each: how the parts are put.
        framing: of the records.

    Raises:
        GateRefused: the bytes do not hold as many records as the span has rows.
    """
    data = framing.fetch(store, folder.join(cut["object"]), cut["offset"], cut["bytes"])
    lines = lines_of(data)
    if len(lines) != sum(cut["parts"]):
        raise GateRefused(f"{cut['object']} holds {len(lines)} records where {sum(cut['parts'])} rows were exported")
    name = partial(object_name, token=token, suffix=framing.suffix)
    firsts = np.cumsum([0, *cut["parts"]])
    begins = np.append(lines.starts, len(data))[firsts]
    largest = np.maximum.reduceat(lines.ends - lines.starts + 1, firsts[:-1])
    parts = [
        _part(cut, name, index, first, stop, int(begins[index]), int(begins[index + 1]), int(largest[index]))
        for index, (first, stop) in enumerate(itertools.pairwise(firsts.tolist()))
    ]
    sent = [part for part in parts if part["object"] is not None]

    def put(part: dict[str, Any]) -> None:
        begin = part["begin"]
        body = framing.frame([data[begin : begin + part["bytes"]]])
        part["etag"] = store.put(folder.join(part["object"]), body)

    for _ in each(put, sent):
        pass
    return [{name: value for name, value in part.items() if name != "begin"} for part in parts]


def _part(
    cut: Mapping[str, Any],
    name: Callable[[int, int], str],
    index: int,
    first: int,
    stop: int,
    begin: int,
    end: int,
    largest: int,
) -> dict[str, Any]:
    start, sent = cut["start"] + first, cut["send"][index]
    return {
        "start": start,
        "stop": cut["start"] + stop,
        "lane": cut["lane"],
        "object": name(start, stop - first) if sent else None,
        "bytes": end - begin,
        "largest": largest,
        "etag": None,
        "offset": 0 if sent else cut["offset"] + begin,
        "parent": cut["start"],
        "begin": begin,
    }


def first_record(store: ObjectStore, uri: S3Uri, most_bytes: int, framing: Framing = JSON_LINES) -> bytes:
    """Returns the first record of an object as an object of its own; its largest record has `most_bytes` bytes."""
    records = framing.fetch(store, uri, 0, most_bytes)
    return framing.frame([records.partition(b"\n")[0] + b"\n" if framing.newline else records])
