"""How objects are cut into request bodies, without any I/O."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transform_emulator.data_plane.records import RecordTooLargeError, bodies
from transform_emulator.service.job_request import Split, Strategy

LINE, NONE = Split.LINE, Split.NONE
MULTI, SINGLE = Strategy.MULTI_RECORD, Strategy.SINGLE_RECORD


def cut(data: bytes, split: Split = LINE, strategy: Strategy = MULTI, limit: int | None = 100, chunk: int = 7):
    chunks = (data[start : start + chunk] for start in range(0, len(data), chunk))
    return list(bodies(chunks, split, strategy, limit))


def greedy(data: bytes, limit: int) -> list[bytes]:
    """The reference: line by line, a new body where the next line would not fit."""
    result = [b""]
    for line in data.splitlines(keepends=True):
        if len(result[-1]) + len(line) > limit:
            result.append(b"")
        result[-1] += line
    return [body for body in result if body]


# `splitlines` of bytes also splits at \r, which this alphabet leaves out.
LINES = st.lists(st.text("ab{", max_size=9).map(str.encode), max_size=12).map(b"\n".join)


@given(LINES, st.integers(10, 40), st.integers(1, 50))
def test_multi_record_is_greedy_in_whole_lines(data: bytes, limit: int, chunk: int) -> None:
    """MultiRecord: "as many records in a mini-batch as can fit within the MaxPayloadInMB limit"."""
    assert cut(data, limit=limit, chunk=chunk) == greedy(data, limit)


@given(LINES, st.integers(1, 50))
def test_single_record_sends_each_line_with_its_newline(data: bytes, chunk: int) -> None:
    """SingleRecord sends the line with its newline (inferred from json.loads's words for a body of `{` + newline)."""
    assert cut(data, strategy=SINGLE, chunk=chunk) == data.splitlines(keepends=True)


@pytest.mark.parametrize("strategy", [MULTI, SINGLE])
def test_split_none_ignores_the_strategy(strategy: Strategy) -> None:
    """SplitType None: "request payloads contain the entire contents of an input object" (SplitType)."""
    assert cut(b"a\nb\nc", NONE, strategy) == [b"a\nb\nc"]


@pytest.mark.parametrize(("split", "strategy"), [(LINE, MULTI), (LINE, SINGLE), (NONE, MULTI)])
def test_the_limit_is_inclusive(split: Split, strategy: Strategy) -> None:
    """A body of exactly MaxPayloadInMB passes, one byte more fails the file (XGBoost's own server rejects only `>`)."""
    assert cut(b"x" * 9 + b"\n", split, strategy, limit=10) == [b"x" * 9 + b"\n"]
    with pytest.raises(RecordTooLargeError):
        cut(b"x" * 10 + b"\n", split, strategy, limit=10)


def test_bodies_before_a_record_that_is_too_large_are_sent() -> None:
    """The service streams an object: it cannot know of a large record before it comes to it."""
    stream = bodies(iter([b"ab\n", b"x" * 20]), LINE, MULTI, 10)
    assert next(stream) == b"ab\n"
    with pytest.raises(RecordTooLargeError):
        next(stream)


def test_only_a_newline_ends_a_line() -> None:
    r"""gluonts#920: U+2028 inside a JSON value must not split a record; a `\r` stays in it."""
    data = 'a\r\nb\rc"\u2028\x85\x0b"\n'.encode()
    assert cut(data, strategy=SINGLE) == [b"a\r\n", data[3:]]


def test_blank_lines_are_records() -> None:
    """Containers did get bodies that were empty after strip (gluonts#927): blank lines are sent, not dropped."""
    assert cut(b"a\n\nb\n", strategy=SINGLE) == [b"a\n", b"\n", b"b\n"]


def test_multi_record_without_a_limit_is_one_body() -> None:
    """MaxPayloadInMB=0 streams the object; the SDK's local mode makes it one payload."""
    assert cut(b"a\nb\n" * 100, limit=None) == [b"a\nb\n" * 100]


def test_the_xgboost_log() -> None:
    """A job's log: 25,000 rows of 10,000 bytes, MaxPayloadInMB=6: 40 requests, the last of 469 rows (MB = 2**20)."""
    row = b"1," * 4999 + b"1\n"
    sizes = [len(body) // len(row) for body in bodies((row * 100 for _ in range(250)), LINE, MULTI, 6 * 2**20)]
    assert (len(sizes), sizes[0], sizes[-1]) == (40, 629, 469)


def test_beside_a_body_that_is_out_next_to_nothing_is_held() -> None:
    """A hundred files of one job may be under way: each held four times its body in memory."""
    data, chunk = (b"x" * 499 + b"\n") * 2**13, 2**16  # 4 MB

    tracemalloc.start()
    try:
        sent = bodies((data[at : at + chunk] for at in range(0, len(data), chunk)), LINE, MULTI, 2**20)
        for _ in range(3):
            assert len(next(sent)) > 2**20 - 500
            assert tracemalloc.get_traced_memory()[0] < 1.2 * 2**20
    finally:
        tracemalloc.stop()
