"""Objects as they are written are the objects that are read again: headers, gzip, cuts, controls."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.framing import Framing
from batch_transform.core.sending.part_objects import cut_object, some_records
from batch_transform.core.uris import S3Uri
from support.memory_store import MemoryStore

FOLDER = S3Uri.parse("s3://bucket/run/input")
FRAMINGS = st.builds(
    Framing,
    suffix=st.just(".csv.gz"),
    header=st.sampled_from([b"", b"a,b\n"]),
    compressed=st.booleans(),
    whole=st.booleans(),
)
LINES = st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"\r") + b"\n"), min_size=1, max_size=12)


def plain(framing, body):
    """What a model server gets of an object."""
    return gzip.decompress(body) if framing.compressed else body


@given(FRAMINGS, LINES)
def test_an_object_is_its_header_and_its_records(framing, lines):
    body = framing.frame(lines)
    assert plain(framing, body) == framing.header + b"".join(lines)
    assert framing.frame([b"".join(lines)]) == body


@given(FRAMINGS, LINES, st.data())
def test_records_are_fetched_by_their_own_places(framing, lines, data):
    records, store = b"".join(lines), MemoryStore()
    store.put(FOLDER.join("o"), framing.frame(lines))
    begin = data.draw(st.integers(0, len(records) - 1))
    length = data.draw(st.integers(1, len(records) - begin))
    assert framing.fetch(store, FOLDER.join("o"), begin, length) == records[begin : begin + length]


@given(FRAMINGS, LINES, st.integers(1, 7))
def test_an_object_is_unpacked_in_pieces_of_any_size(framing, lines, size):
    body = framing.frame(lines)
    chunks = (body[start : start + size] for start in range(0, len(body), size))
    assert b"".join(framing.unpacked(chunks)) == framing.header + b"".join(lines)


@given(FRAMINGS, LINES, st.data())
def test_each_part_of_a_cut_has_its_header_and_its_records(framing, lines, data):
    store = MemoryStore()
    store.put(FOLDER.join("o"), framing.frame([b"before\n", *lines]))
    sizes = [1, len(lines) - 1] if len(lines) > 1 else [1]
    size = sum(map(len, lines))
    cut = {"start": 5, "lane": "standard", "object": "o", "offset": 7, "bytes": size, "parts": sizes}
    made = cut_object(store, FOLDER, {**cut, "send": [True] * len(sizes)}, "0f", framing=framing, each=map)
    bodies = [plain(framing, store.get(FOLDER.join(part["object"]))[0]) for part in made]
    assert bodies == [framing.header + b"".join(part) for part in (lines[:1], lines[1:]) if part]
    assert [part["bytes"] for part in made] == [len(body) - len(framing.header) for body in bodies]
    assert all(part["object"].endswith("-0f.csv.gz") for part in made)


@given(FRAMINGS, LINES, st.integers(1, 4))
def test_controls_are_the_some_records_each_an_object_of_its_own(framing, lines, count):
    store = MemoryStore()
    store.put(FOLDER.join("o"), framing.frame(lines))
    count = min(count, len(lines))
    size = min(sum(map(len, lines)), count * max(map(len, lines)))
    controls = some_records(store, FOLDER.join("o"), size, 0, count, framing)
    assert [plain(framing, control) for control in controls] == [framing.header + line for line in lines[:count]]


def test_a_control_of_bytes_is_all_of_them():
    framed, store = Framing(".bin", newline=False, whole=True), MemoryStore()
    store.put(FOLDER.join("o"), b"\x89PNG\r\n\x1a\n1234")
    assert some_records(store, FOLDER.join("o"), 12, 0, 1, framed) == [b"\x89PNG\r\n\x1a\n1234"]


def test_a_request_is_an_object_or_its_largest_record():
    assert Framing(header=b"ab\n").request_bytes(10, 500) == 10
    assert Framing(header=b"ab\n", whole=True).request_bytes(10, 500) == 503
