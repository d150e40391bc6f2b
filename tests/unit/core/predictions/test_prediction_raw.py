"""Without a schema, a prediction is its line."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import PredictionReader

LINES = st.lists(st.binary(max_size=6).filter(lambda line: b"\n" not in line) | st.text(max_size=4).map(str.encode))


def decoded(line: bytes) -> dict[str, str] | None:
    try:
        return {"prediction": line.decode()} if line.strip() else None
    except UnicodeDecodeError:
        return None


@given(LINES.map(lambda lines: [line.replace(b"\n", b"") for line in lines]), st.booleans())
def test_each_line_is_kept_as_it_is_or_is_unreadable(lines: list[bytes], final: bool):
    block = b"".join(line + b"\n" for line in lines)
    if final and lines and lines[-1]:
        block = block[:-1]
    answers = PredictionReader().read(lines_of(block))
    assert answers.values.to_pylist() == [decoded(line) for line in lines]
    assert list(answers.reasons) == [i for i, line in enumerate(lines) if decoded(line) is None]


def test_the_reasons_name_what_is_wrong():
    answers = PredictionReader().read(lines_of(b"\xff\n \n0.5\n"))
    assert list(answers.reasons.items()) == [(0, "not UTF-8"), (1, "a blank line")]


def test_separators_inside_a_line_and_its_carriage_return_are_kept():
    line = "a\u2028b\u0085c\rd\r"
    assert PredictionReader().read(lines_of(line.encode() + b"\n")).values.to_pylist() == [{"prediction": line}]


def test_the_type_is_one_string_column_also_of_an_empty_block():
    answers = PredictionReader().read(lines_of(b""))
    assert (answers.values.type, len(answers)) == (pa.struct([("prediction", pa.string())]), 0)


def test_values_under_an_unreadable_line_hold_nothing_of_it():
    answers = PredictionReader().read(lines_of(b"\xff\n \nx\n"))
    assert answers.values.field("prediction").to_pylist() == [None, None, "x"]
