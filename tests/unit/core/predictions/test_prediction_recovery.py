"""A few bad lines in a block cost a few lines' time, and stay where they are."""

from __future__ import annotations

from unittest.mock import patch

import pyarrow as pa
import pytest

from batch_transform.core.predictions import reader as predictions
from batch_transform.core.predictions.output_lines import Lines, lines_of
from batch_transform.core.predictions.prediction_types import Answers
from batch_transform.core.predictions.reader import PredictionReader

READER = PredictionReader(pa.schema([("p", pa.int64())]))
TOTAL = 20_000

BAD = [b'{"p":"x"}', b'{"p":1}{"p":2}', b"", b"Traceback", b'{"p":1.5}', b'{"x":"\xff"}', b"null"]


def block_with(bad: dict[int, bytes]) -> bytes:
    return b"".join(bad.get(index, b'{"p":%d}' % index) + b"\n" for index in range(TOTAL))


def lines_read(block: bytes, reader: PredictionReader = READER) -> tuple[int, int]:
    """Lines that went to the slow and to the fast reader, each as often as it did."""
    slow: list[int] = []
    fast: list[int] = []

    def read_slow(lines: Lines, kind: pa.StructType) -> Answers:
        slow.append(len(lines))
        return predictions_read_slow(lines, kind)

    def read_fast(lines: Lines, kind: pa.StructType) -> pa.StructArray | None:
        fast.append(len(lines))
        return predictions_read_fast(lines, kind)

    predictions_read_slow, predictions_read_fast = predictions.read_slow, predictions.read_fast
    with patch.object(predictions, "read_slow", read_slow), patch.object(predictions, "read_fast", read_fast):
        reader.read(lines_of(block))
    return sum(slow), sum(fast)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("place", [0, 1, 9_999, TOTAL - 1])
def test_one_bad_line_among_many_is_found_and_shifts_none(bad: bytes, place: int):
    answers = READER.read(lines_of(block_with({place: bad})))
    assert list(answers.reasons) == [place]
    assert answers.values.field("p").to_pylist() == [None if i == place else i for i in range(TOTAL)]


def test_bad_lines_of_every_kind_are_found_together():
    places = [0, 1, 2, 700, 701, 9_000, TOTAL - 1]
    answers = READER.read(lines_of(block_with(dict(zip(places, BAD, strict=True)))))
    assert list(answers.reasons) == places
    assert answers.values.field("p").to_pylist() == [None if i in places else i for i in range(TOTAL)]
    reasons = list(answers.reasons.values())
    assert reasons[0] == "field p: expected int64, found a string"
    assert reasons[2] == "a blank line"
    assert reasons[-1] == "expected an object, found null"


def test_a_good_block_is_never_read_slowly():
    assert lines_read(block_with({})) == (0, TOTAL)


@pytest.mark.parametrize("bad", BAD)
def test_one_bad_line_sends_at_most_128_lines_to_the_slow_reader(bad: bytes):
    slow, fast = lines_read(block_with({777: bad}))
    assert 1 <= slow <= 128
    assert fast < 2.2 * TOTAL


def test_a_block_of_misfits_is_read_three_times_at_most_before_it_is_read_slowly():
    slow, fast = lines_read(b'{"p":"x"}\n' * TOTAL)
    assert (slow, fast <= 3 * TOTAL) == (TOTAL, True)


def test_pyarrows_reader_is_set_up_for_many_lines_at_a_time():
    with patch.object(predictions, "read_fast", return_value=None) as read_fast:
        READER.read(lines_of(b'{"p":1}\n' * TOTAL))
    assert read_fast.call_count < TOTAL / 100


def test_a_type_that_only_the_slow_reader_knows_is_not_tried_fast():
    reader = PredictionReader(pa.schema([("p", pa.int64()), ("d", pa.date32())]))
    assert lines_read(block_with({}), reader) == (TOTAL, 0)


def test_nan_and_infinity_are_read_fast():
    reader = PredictionReader(pa.schema([("p", pa.float64())]))
    block = b'{"p":NaN}\n{"p":-Infinity}\n{"p":Infinity}\n{"p":1,"text":"No Information, Inf"}\n'
    assert lines_read(block, reader) == (0, 4)


@pytest.mark.parametrize("size", [1, 300_000, 3_000_000])
def test_lines_of_any_length_are_read_fast(size: int):
    long = b'{"p":1,"x":"' + b"y" * size + b'"}\n'
    assert lines_read(long * 3 + b'{"p":1}\n' * 3 + long) == (0, 7)
