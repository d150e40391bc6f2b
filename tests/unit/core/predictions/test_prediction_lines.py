"""Lines are cut at the newline byte, counted without being held, and found in a block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.predictions.line_counts import LineCount, count
from batch_transform.core.predictions.output_lines import blocks, lines_of, without_marks

STREAMS = st.lists(st.sampled_from([b"a", b" ", b"\n", b"\r", b"\t", b"\xe2\x80\xa8", b"\x85", b"bcd"])).map(b"".join)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in chunks that end at the places; some are empty."""
    ends = sorted(place % (len(stream) + 1) for place in places)
    return [stream[a:b] for a, b in zip([0, *ends], [*ends, len(stream)], strict=True)]


def lines(stream: bytes) -> list[bytes]:
    """The lines, said in the plainest way."""
    parts = stream.split(b"\n")
    return parts if parts[-1] else parts[:-1]


@given(STREAMS)
def test_the_lines_of_a_block_are_those_between_newlines(block: bytes):
    found = lines_of(block)
    assert [found[index] for index in range(len(found))] == lines(block)


@given(STREAMS, st.integers(0, 9), st.integers(0, 9))
def test_a_part_of_the_lines_has_their_text(block: bytes, start: int, stop: int):
    part = lines_of(block).part(start, stop)
    assert lines(bytes(part.text())) == lines(block)[start:stop]


@given(STREAMS, st.data())
def test_chosen_lines_keep_their_order_and_bytes(block: bytes, data: st.DataObject):
    expected = lines(block)
    mask = data.draw(st.lists(st.booleans(), min_size=len(expected), max_size=len(expected)))
    chosen = lines_of(block).where(np.array(mask, bool))
    assert [chosen[i] for i in range(len(chosen))] == [line for line, take in zip(expected, mask, strict=True) if take]


def test_the_line_of_a_byte_is_found():
    assert lines_of(b"ab\n\nc").of_bytes(np.array([0, 1, 2, 3, 4])).tolist() == [0, 0, 0, 1, 2]


@given(STREAMS, st.lists(st.integers(0, 99)), st.integers(1, 12))
def test_blocks_are_the_stream_cut_behind_newlines(stream: bytes, places: list[int], block_bytes: int):
    found = [lines.block for lines in blocks(cut(stream, places), block_bytes)]
    assert b"".join(found) == stream
    assert all(block.endswith(b"\n") for block in found[:-1])
    assert all(found)


@given(STREAMS, st.lists(st.integers(0, 99)), st.integers(1, 12))
def test_a_block_is_as_long_as_asked_for_but_for_a_piece_and_a_line(stream: bytes, places: list[int], block_bytes: int):
    longest = max([len(line) + 1 for line in lines(stream)], default=0)
    found = [lines.block for lines in blocks(cut(stream, places), block_bytes)]
    assert all(len(block) < 2 * block_bytes + longest for block in found)
    assert all(len(block) + longest >= block_bytes for block in found[:-1])


def test_no_more_of_the_stream_is_drawn_than_the_block_needs():
    drawn = 0

    def endless() -> Iterator[bytes]:
        nonlocal drawn
        while True:
            drawn += 100
            yield b'{"p":1}\n' * 12 + b"1234"

    stream = blocks(endless(), 1000)
    for number in range(1, 50):
        next(stream)
        assert drawn <= number * 1000 + 100


def test_one_large_chunk_is_cut_into_blocks_too():
    assert [len(lines.block) for lines in blocks([b"123\n" * 1000], 400)] == [400] * 10


def test_a_line_of_many_chunks_is_one_block():
    chunks = [b"x" * 10] * 10_000 + [b"\n", b"y\n"]
    assert [len(lines.block) for lines in blocks(chunks, 16)] == [100_001, 2]


@given(STREAMS, st.lists(st.integers(0, 99)))
def test_the_count_is_that_of_the_lines_however_they_arrive(stream: bytes, places: list[int]):
    expected = lines(stream)
    blank = sum(not line.strip() for line in expected)
    assert count(cut(stream, places)) == LineCount(len(expected), blank)


@pytest.mark.parametrize("chunks", [[], [b""], [b"", b""]])
def test_an_empty_stream_has_no_lines(chunks: list[bytes]):
    assert count(chunks) == LineCount(0, 0)
    assert list(blocks(chunks, 10)) == []


def test_a_last_line_without_a_newline_counts():
    assert count([b"a\n", b"b"]).lines == 2


def test_a_blank_line_counts_as_a_line():
    assert count([b"a\n\n \t", b"\r\n", b"\n"]) == LineCount(4, 3)


def test_counting_draws_one_chunk_at_a_time_and_holds_no_line():
    alive = 0

    class Chunk(bytes):
        def __new__(cls) -> Chunk:
            nonlocal alive
            alive += 1
            return super().__new__(cls, b"x" * 1000)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def one_long_line() -> Iterator[bytes]:
        for _ in range(100):
            assert alive <= 2
            yield Chunk()

    assert count(one_long_line()) == LineCount(1, 0)


@given(
    st.lists(st.sampled_from([b"\xef\xbb\xbf", b"\xef", b"\xbb", b"\xbf", b"\n", b"a", b" "]), max_size=14), st.data()
)
def test_marks_at_the_beginnings_of_lines_are_left_out_however_the_stream_is_cut(pieces, data):
    text = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    def bare(line):
        while line.startswith(b"\xef\xbb\xbf"):
            line = line[3:]
        return line

    assert b"".join(without_marks(chunks)) == b"\n".join(bare(line) for line in text.split(b"\n"))
