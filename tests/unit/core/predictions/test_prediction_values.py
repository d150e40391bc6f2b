"""What fits each type, what it becomes, and what is refused for which reason."""

from __future__ import annotations

import base64
import json
import math
import pickle
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.prediction_types import MOST_LEVELS
from batch_transform.core.predictions.reader import PredictionReader

UTC = pa.timestamp("us", "UTC")
WALL = pa.timestamp("us")
BIG = pa.decimal128(38, 18)
MONEY = pa.decimal128(5, 2)
MAP = pa.map_(pa.string(), pa.int32())
STRUCT = pa.struct([("a", pa.int8()), ("b", pa.list_(pa.struct([("c", pa.date32())])))])


def read(text: str, kind: pa.DataType) -> object:
    """The value of field p on a line `{"p": text}`, or the reason why the line is unreadable."""
    answers = PredictionReader(pa.schema([("p", kind), ("ok", pa.bool_())])).read(
        lines_of(f'{{"p":{text},"ok":true}}'.encode())
    )
    if answers.reasons:
        assert answers.values.null_count == 1
        return next(iter(answers.reasons.values()))
    assert answers.values.field("p").type == kind
    return answers.values.field("p")[0].as_py()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (pa.string(), '"\\u00e9\\ud83d\\ude00\\n"', "é😀\n"),
        (pa.string(), '""', ""),
        (pa.bool_(), "false", False),
        (pa.int8(), "-128", -128),
        (pa.int16(), "32767", 32767),
        (pa.int32(), "-2147483648", -(2**31)),
        (pa.int64(), "9007199254740993", 9007199254740993),
        (pa.int64(), "-9223372036854775808", -(2**63)),
        (pa.float64(), "3", 3.0),
        (pa.float64(), "0.1", 0.1),
        (pa.float64(), "1e400", math.inf),
        (pa.float64(), '"-Infinity"', -math.inf),
        (pa.float64(), "Infinity", math.inf),
        (pa.float32(), "0.1", 0.10000000149011612),
        (pa.float32(), "3.5e38", math.inf),
        (BIG, "12345678901234567890.123456789012345678", Decimal("12345678901234567890.123456789012345678")),
        (BIG, "-0.000000000000000001", Decimal("-0.000000000000000001")),
        (MONEY, "999.9900", Decimal("999.99")),
        (MONEY, "1e2", Decimal("100.00")),
        (MONEY, "0e999999999", Decimal("0.00")),
        (pa.decimal128(3, 0), "7", Decimal("7")),
        (pa.date32(), '"1200-02-29"', date(1200, 2, 29)),
        (pa.date32(), '"0001-01-01"', date(1, 1, 1)),
        (UTC, '"1969-12-31T23:59:59.999999Z"', datetime(1969, 12, 31, 23, 59, 59, 999999, timezone.utc)),
        (UTC, '"2024-05-01 12:00:00+05:30"', datetime(2024, 5, 1, 6, 30, tzinfo=timezone.utc)),
        (UTC, '"2024-05-01T12:00:00-00:30"', datetime(2024, 5, 1, 12, 30, tzinfo=timezone.utc)),
        (UTC, '"2024-05-01T12:00:00"', datetime(2024, 5, 1, 12, tzinfo=timezone.utc)),
        (WALL, '"1200-01-01T00:00:00.000001"', datetime(1200, 1, 1, 0, 0, 0, 1)),
        (WALL, '"2024-05-01T12:00:00.120000000"', datetime(2024, 5, 1, 12, 0, 0, 120000)),
        (pa.binary(), '"AP8="', b"\x00\xff"),
        (pa.binary(), '""', b""),
        (pa.list_(pa.float32()), "[1,null,0.5]", [1.0, None, 0.5]),
        (pa.list_(pa.list_(pa.int64())), "[[],null,[1]]", [[], None, [1]]),
        (MAP, '{"a":1,"":null}', [("a", 1), ("", None)]),
        (STRUCT, '{"b":[{"c":"1200-01-01"},null],"z":0}', {"a": None, "b": [{"c": date(1200, 1, 1)}, None]}),
        (STRUCT, '{"b":[{}]}', {"a": None, "b": [{"c": None}]}),
        (STRUCT, "{}", {"a": None, "b": None}),
    ],
)
def test_a_fitting_value_is_read_exactly(kind: pa.DataType, text: str, value: object):
    assert read(text, kind) == value


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (pa.string(), "1", "a number"),
        (pa.string(), '{"a":1}', "an object"),
        (pa.string(), '"\\ud800"', "a string with half of a surrogate pair"),
        (pa.bool_(), "1", "a number"),
        (pa.bool_(), '"true"', "a string"),
        (pa.int8(), "128", "a number out of its range"),
        (pa.int64(), "9223372036854775808", "a number out of its range"),
        (pa.int64(), "1" * 5000, "a number out of its range"),
        (pa.int32(), "1.0", "a number that is not written as a whole one"),
        (pa.int32(), "1e2", "a number that is not written as a whole one"),
        (pa.int32(), "NaN", "a number that is not written as a whole one"),
        (pa.int32(), '"1"', "a string"),
        (pa.int32(), "true", "a boolean"),
        (pa.float64(), '"0.5"', "a string"),
        (pa.float64(), '"nan"', "a string"),
        (pa.float64(), "[0.5]", "an array"),
        (pa.float32(), "true", "a boolean"),
        (MONEY, "1.005", "a number with more decimal places"),
        (MONEY, "1e-999999999", "a number with more decimal places"),
        (MONEY, "1000", "a number out of its range"),
        (MONEY, "1e999999999", "a number out of its range"),
        (MONEY, "1e9999999999999999999", "a number out of its range"),
        (MONEY, "NaN", "a number out of its range"),
        (MONEY, '"1.00"', "a string"),
        (pa.date32(), '"01.05.2024"', "a string that is not YYYY-MM-DD"),
        (pa.date32(), '"20240501"', "a string that is not YYYY-MM-DD"),
        (pa.date32(), '"2023-02-29"', "a day that does not exist"),
        (pa.date32(), "19844", "a number"),
        (UTC, '"2024-05-01"', "a string that is not YYYY-MM-DDTHH:MM:SS"),
        (UTC, '"2024-05-01T24:00:00Z"', "a time that does not exist"),
        (UTC, '"0001-01-01T00:00:00+01:00"', "a time that does not exist"),
        (UTC, '"2024-05-01T00:00:00.0000001Z"', "a time finer than a microsecond"),
        (WALL, '"2024-05-01T00:00:00Z"', "a time with a zone"),
        (pa.binary(), '"AP8"', "a string that is not base64"),
        (pa.binary(), '"é==="', "a string that is not base64"),
    ],
)
def test_a_misfit_is_refused_with_its_field_and_type(kind: pa.DataType, text: str, found: str):
    assert read(text, kind) == f"field p: expected {kind}, found {found}"


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (pa.list_(pa.int8()), "[1,2,300]", "field p[]: expected int8, found a number out of its range"),
        (pa.list_(pa.int8()), '{"a":1}', "field p: expected an array, found an object"),
        (MAP, '{"a":1,"a":2}', "field p: a key of the map is there twice"),
        (MAP, '{"a":"x"}', "field p{}: expected int32, found a string"),
        (MAP, "[]", "field p: expected an object, found an array"),
        (STRUCT, '{"b":[{"c":1}]}', "field p.b[].c: expected date32[day], found a number"),
        (STRUCT, '{"a":1,"a":1}', "field p.a is there twice"),
        (STRUCT, "3", "field p: expected an object, found a number"),
    ],
)
def test_a_misfit_below_a_field_is_refused_with_its_path(kind: pa.DataType, text: str, reason: str):
    assert read(text, kind) == reason


@pytest.mark.parametrize(
    "text", ['"secret"', "[1]secret", '{"a":"secret"', "'secret'", '{"p":"secret"}', '{"p":"\\secret"}', '{"p":secret}']
)
def test_reasons_hold_no_row_data(text: str):
    (reason,) = PredictionReader(pa.schema([("p", pa.int8())])).read(lines_of(text.encode())).reasons.values()
    assert "secret" not in reason


@pytest.mark.parametrize("nan", ["NaN", '"NaN"'])
@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_nan_is_read_bare_or_as_a_string(kind: pa.DataType, nan: str):
    assert math.isnan(float(read(nan, kind)))  # type: ignore[arg-type]


def test_large_integers_stay_exact_beside_nulls():
    block = b'{"p":9007199254740993,"q":1}\n{"p":null,"q":1}\n'
    values = PredictionReader(pa.schema([("p", pa.int64()), ("q", pa.int64())])).read(lines_of(block)).values
    assert values.field("p").to_pylist() == [9007199254740993, None]


def test_names_match_exactly_and_in_any_order():
    reader = PredictionReader(pa.schema([("a", pa.int8()), ("A", pa.int8()), ("a b.c", pa.int8())]))
    assert reader.read(lines_of(b'{"a b.c":3,"A":2,"a":1}')).values.to_pylist() == [{"a": 1, "A": 2, "a b.c": 3}]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**19), max_value=10**19))
def test_decimals_are_read_as_written(value: Decimal):
    assert read(f"{value:f}", BIG) == value


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_timestamps_are_read_as_python_writes_them(wall: datetime, minutes: int):
    assert read(json.dumps(wall.isoformat()), WALL) == wall
    zoned = wall.replace(year=min(max(wall.year, 2), 9998), day=1, tzinfo=timezone(timedelta(minutes=minutes)))
    assert read(json.dumps(zoned.isoformat(" ")), UTC) == zoned


@given(st.dates())
def test_dates_are_read_as_python_writes_them(day: date):
    assert read(json.dumps(day.isoformat()), pa.date32()) == day


@given(st.binary())
def test_base64_is_read_as_python_writes_it(octets: bytes):
    assert read(json.dumps(base64.b64encode(octets).decode()), pa.binary()) == octets


@given(st.floats(allow_nan=False))
def test_floats_are_read_as_python_writes_them(value: float):
    assert read(json.dumps(value), pa.float64()) == value


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        (pa.schema([]), "the schema has no field"),
        (pa.schema([("p", pa.int8()), ("p", pa.int8())]), "p is there twice"),
        (pa.schema([("p", pa.struct([("q", pa.time64("us"))]))]), "p.q: a prediction cannot be of type time64[us]"),
        (pa.schema([("p", pa.list_(pa.null()))]), "p[]: a prediction cannot be of type null"),
        (pa.schema([("p", pa.map_(pa.int32(), pa.int8()))]), "p: a map's keys are strings in JSON, not int32"),
        (pa.schema([("p", pa.struct([]))]), "p has no field"),
    ],
)
def test_a_schema_that_no_prediction_can_have_is_refused(schema: pa.Schema, fault: str):
    with pytest.raises(ConfigurationError) as refusal:
        PredictionReader(schema)
    assert refusal.value.faults == (f"prediction schema: {fault}",)


def test_values_have_the_schemas_type_with_every_field_nullable():
    element = pa.field("element", pa.float32(), nullable=False)
    schema = pa.schema([pa.field("p", pa.list_(element), nullable=False)])
    values = PredictionReader(schema).read(lines_of(b'{"p":[null]}')).values
    assert values.type == pa.struct([("p", pa.list_(pa.field("element", pa.float32())))])


@pytest.mark.parametrize("schema", [None, pa.schema([("p", MAP), ("q", pa.float64())])])
def test_a_reader_travels_in_a_pickle(schema: pa.Schema | None):
    reader = PredictionReader(schema)
    there = pickle.loads(pickle.dumps(reader))
    assert there == reader
    assert there.read(lines_of(b'{"q":1}\n')).values.equals(reader.read(lines_of(b'{"q":1}\n')).values)


def nested(kind: pa.DataType, wrap, times: int) -> pa.DataType:
    for _ in range(times):
        kind = wrap(kind)
    return kind


@pytest.mark.parametrize(
    ("wrap", "levels"),
    [(lambda kind: pa.struct([("q", kind)]), 1), (pa.list_, 1), (lambda kind: pa.map_(pa.string(), kind), 2)],
    ids=["struct", "list", "map"],
)
def test_a_schema_nests_no_deeper_than_a_column_that_arrow_sends(wrap, levels):
    """The deepest goes through Arrow's stream, as to Spark; a deeper one was found once all was paid for."""
    deepest = (MOST_LEVELS - 1) // levels
    values = PredictionReader(pa.schema([("p", nested(pa.int8(), wrap, deepest))])).type
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("outcome", values)])) as stream:
        stream.write_table(pa.table({"outcome": pa.nulls(1, values)}))
    assert pa.ipc.open_stream(sink.getvalue()).read_all()["outcome"].type == values
    with pytest.raises(ConfigurationError) as refusal:
        PredictionReader(pa.schema([("p", nested(pa.int8(), wrap, deepest + 1)), ("q", pa.int8())]))
    assert refusal.value.faults == (
        f"prediction schema: p nests more than {MOST_LEVELS} levels deep, as no column may",
    )
