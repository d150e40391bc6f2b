"""A record of plain columns is JSON that says what its row says; what it cannot say as Spark does is left to Spark."""

from __future__ import annotations

import datetime as dt
import json
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.sending.json_records import NotRendered, are_rendered, rendered

UTC = dt.timezone.utc
NAMES = st.lists(st.text(st.characters(codec="utf-8"), max_size=4), min_size=1, max_size=5, unique=True)
MOMENTS = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999))
VALUES = {
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-(2**7), 2**7 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats() | st.integers(-(2**60), 2**60).map(float),
    pa.string(): st.text(st.characters(codec="utf-8")) | st.text('\\"\x00\n\x1f/ü\u2028\U0001f600', max_size=8),
    pa.date32(): st.dates(),
    pa.timestamp("us", tz="UTC"): MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)),
    pa.timestamp("us"): MOMENTS,
}
SPELLED = {math.inf: "Infinity", -math.inf: "-Infinity"}


def said(value):
    """What a record says of a value."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else SPELLED.get(value, value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat("T", "microseconds") + ("Z" if value.tzinfo else "")
    return value.isoformat() if isinstance(value, dt.date) else value


@st.composite
def tables(draw):
    names, rows = draw(NAMES), draw(st.integers(0, 5))
    kinds = [draw(st.sampled_from(list(VALUES))) for _ in names]
    columns = [
        pa.array(
            [draw(st.none() | VALUES[kind]) if draw(st.booleans()) else draw(VALUES[kind]) for _ in range(rows)], kind
        )
        for kind in kinds
    ]
    return pa.record_batch(columns, names=names)


@given(tables(), st.sampled_from(["\n", ""]), st.integers(0, 3))
def test_a_record_says_what_its_row_says(rows, end, start):
    rows = rows.slice(start)
    assert are_rendered(rows.schema)
    lines = rendered(rows, end).to_pylist()
    assert all(line.endswith("}" + end) and "\n" not in line[:-1] for line in lines)
    found = [json.loads(line, object_pairs_hook=list) for line in lines]
    wanted = [[(name, said(value)) for name, value in row.items()] for row in rows.to_pylist()]
    assert found == wanted
    # Equal is not alike: a whole number may be an integer, and a negative nought another one.
    told = lambda pairs: [[(type(value), str(value)) for _, value in row] for row in pairs]  # noqa: E731
    assert told(found) == told(wanted)


@pytest.mark.parametrize("number", [1.0, -0.0, 1e15, 1e16, 1e22, 123456789012345680.0])
def test_a_whole_number_is_no_integer(number):
    (line,) = rendered(pa.record_batch({"n": [number]}), "").to_pylist()
    assert type(json.loads(line)["n"]) is float
    assert json.loads(line)["n"] == number


@pytest.mark.parametrize("days", [-719_163, 2_932_897])
def test_a_year_without_four_digits_is_left_to_spark(days):
    moments = pa.array([0, days * 86_400_000_000], pa.int64())
    columns = [pa.array([0, days], pa.int32()).cast(pa.date32()), moments.cast(pa.timestamp("us"))]
    for column in columns:
        with pytest.raises(NotRendered):
            rendered(pa.record_batch([column], names=["at"]), "")


def test_a_text_that_is_no_text_is_left_to_spark():
    text = pa.array([b"fine", b"\xc3\x28"]).view(pa.string())
    with pytest.raises(NotRendered):
        rendered(pa.record_batch([text], names=["text"]), "")


@pytest.mark.parametrize("kind", [pa.float32(), pa.decimal128(9, 2), pa.binary(), pa.list_(pa.int64())])
def test_columns_of_other_types_are_left_to_spark(kind):
    assert not are_rendered(pa.schema([("id", pa.int64()), ("other", kind)]))
