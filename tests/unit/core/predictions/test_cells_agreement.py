"""The fast reader of CSV and text agrees with the one that defines what a line holds, on whatever bytes it is given."""

from __future__ import annotations

from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batch_transform.core.predictions import reader as predictions
from batch_transform.core.predictions.answer_form import CSV, TEXT, AnswerForm
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.prediction_types import Answers
from batch_transform.core.predictions.reader import PredictionReader

FORM = AnswerForm(format=CSV)
TABLE = pa.schema([("p", pa.float64()), ("n", pa.int32()), ("ok", pa.bool_()), ("s", pa.string())])
NUMBERS = pa.schema([("f", pa.float32()), ("b", pa.int8())])
CELLS = [
    *["", " ", "0", "-0", "1", "-1", "+1", "1.0", "1.", ".5", ".", "-.5e3", "1e5", "1E+2", "1e", "1e400", "-1e400"],
    *["127", "128", "-129", "2147483648", "007", "0x10", "0X1f", "1_000", " 1", "1\t", "1 2", "1\x0b", "\u00a01"],
    *["nan", "NaN", "-nan", "NAN", "inf", "-inf", "+inf", "Infinity", "infinit", "nan(1)", "5e-324", "1e-400"],
    *["3.5e38", "1.00000017881393432617187499", "1" * 400, "true", "True", "TRUE", "tRUE", "false", " true", "1", "t"],
    *[
        "null",
        "NULL",
        "N/A",
        "x",
        "a b",
        "é",
        "😀",
        "\x00",
        '"',
        '""',
        '"1"',
        '"a,b"',
        '"a""b"',
        '"a',
        'a"b',
        "\r",
        "#",
    ],
    *["\u0661", "²", "\ufeff", "\ufeff1", "\u2028", "\x85", "\x0c", "1\r", "\\N", "-", "--1", "1e5.5", "1,"],
]
cells = st.sampled_from(CELLS) | st.floats().map(repr) | st.integers(-(2**40), 2**40).map(str) | st.text(max_size=3)
good_numbers = st.floats().map(repr) | st.integers(-99, 99).map(str) | st.just("")
fitting = st.tuples(good_numbers, st.integers(-9, 9).map(str), st.sampled_from(["true", "False", ""]), cells)


def csv_lines(width: int) -> st.SearchStrategy[bytes]:
    """Lines with about so many cells, some of them cut or with bytes that are no UTF-8."""
    rows = st.lists(cells, min_size=width, max_size=width) | st.lists(cells, max_size=width + 1)
    whole = (fitting if width == 4 else rows).map(",".join) | rows.map(",".join)
    ended = st.builds(lambda text, end: text + end, whole, st.sampled_from(["", "", "", "\r"])).map(str.encode)
    broken = st.builds(
        lambda a, at, byte: a[:at] + bytes([byte]) + a[at:], ended, st.integers(0, 9), st.integers(0, 255)
    )
    return (ended | ended | broken).map(lambda line: line.replace(b"\n", b""))


def slow_answers(block: bytes, schema: pa.Schema, form: AnswerForm) -> Answers:
    """What the slow reader alone makes of a block."""
    with patch.object(predictions, "is_fast", return_value=False):
        return PredictionReader(schema, form=form).read(lines_of(block))


def told(answers: Answers) -> str:
    """Answers as text, in which NaN equals NaN and -0.0 is not 0.0."""
    return repr((answers.values.to_pylist(), answers.reasons))


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        (TABLE, FORM),
        (NUMBERS, FORM),
        (pa.schema([("p", pa.float64())]), AnswerForm(format=TEXT)),
        (pa.schema([("n", pa.int64())]), AnswerForm(format=TEXT)),
        (pa.schema([("s", pa.string())]), FORM),
    ],
    ids=["table", "numbers", "text double", "text long", "one string"],
)
def test_a_block_is_read_as_the_slow_reader_reads_it(schema: pa.Schema, form: AnswerForm):
    @settings(max_examples=150, deadline=None)
    @given(lines=st.lists(csv_lines(len(schema)), min_size=1, max_size=4), final=st.booleans())
    @example([b"1,2"], False)
    @example([b"\xef\xbb\xbf1,2"], True)
    @example([b"0x10,0x10", b"nan(1),1"], True)
    @example([b"1,2\r", b"3,4\r"], True)
    @example([b"1,2", b"3,4\r"], False)
    def agree(lines: list[bytes], final: bool) -> None:
        block = b"\n".join(lines) + b"\n" * final
        read = PredictionReader(schema, form=form).read(lines_of(block))
        assert told(read) == told(slow_answers(block, schema, form))

    agree()


def slow_lines(block: bytes, schema: pa.Schema, form: AnswerForm) -> int:
    """How many lines the slow reader was given."""
    seen: list[int] = []
    real = predictions.read_cells
    with patch.object(predictions, "read_cells", lambda lines, cells: seen.append(len(lines)) or real(lines, cells)):
        PredictionReader(schema, form=form).read(lines_of(block))
    return sum(seen)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_what_servers_write_is_read_fast(end: bytes):
    block = b"".join(b"%d.5,%d,true,word %d" % (i, i, i) + end for i in range(500))
    assert slow_lines(block, TABLE, FORM) == 0
    assert slow_lines(block + b'1,2,true,"a,b"' + end, TABLE, FORM) == 1
