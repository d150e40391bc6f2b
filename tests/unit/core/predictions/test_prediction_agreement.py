"""The fast reader and the slow one agree on whatever bytes they are given."""

from __future__ import annotations

import itertools
import json
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batch_transform.core.predictions import reader as predictions
from batch_transform.core.predictions.json_fast import doubtful, read_fast
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.prediction_types import Answers
from batch_transform.core.predictions.reader import PredictionReader

SCHEMA = pa.schema(
    [
        ("p", pa.float64()),
        ("f", pa.float32()),
        ("i", pa.int64()),
        ("b", pa.int8()),
        ("ok", pa.bool_()),
        ("s", pa.string()),
        ("l", pa.list_(pa.struct([("i", pa.int32()), ("p", pa.float64())]))),
        ("o", pa.struct([("p", pa.list_(pa.float32())), ("o", pa.struct([("s", pa.string())]))])),
    ]
)
NAMES = [*SCHEMA.names, "unknown", "P", "\\u0070", "p\\u0000", "\\ud800", "é"]
NUMBERS = [
    *["0", "-0", "-0.0", "1", "-1", "0.1", "1e5", "1E+2", "1.0", "127", "128", "-128", "-129", "9007199254740993"],
    *["9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e400", "-1e400", "5e-324", "1e-400"],
    *["3.4028235e38", "3.5e38", "1.00000017881393432617187499", "01", "1.", ".5", "+1", "-", "1e", "0x10", "1_000"],
    *["NaN", "-NaN", "Inf", "-Inf", "Infinity", "-Infinity", "Infinit", "nan", "1" * 400, "1" * 5000],
]
STRINGS = ["", "x", "NaN", "Infinity", "-Infinity", "Inf", "\\n", "\\u0000", "\\ud83d\\ude00", "\\ud800", "\\udc00"]
RAW_STRINGS = ["\x00", "\t", "\x1f", "\x7f", "\r", "\u2028", "\x85", "é", "😀", "\\x", "\\'", "\\/", "{", "}{"]
SPACES = st.sampled_from(["", "", "", "", " ", "\t", "\r", "\x0b", "\u00a0", "\x00", "/**/"])


def floats() -> st.SearchStrategy[str]:
    """Numbers as programs print them, and with more digits than fit."""
    digits = st.text("0123456789", min_size=1, max_size=40)
    exponents = st.integers(-330, 320)
    long = st.builds(lambda whole, part, e: f"{int(whole)}.{part}e{e}", digits, digits, exponents)
    return st.floats(allow_nan=False, allow_infinity=False).map(repr) | long | st.integers().map(str)


def strings() -> st.SearchStrategy[str]:
    """JSON strings, some of which are not valid."""
    return st.sampled_from(STRINGS + RAW_STRINGS).map('"{}"'.format) | st.text(max_size=5).map(json.dumps)


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """Objects with known and unknown names, in any order, some twice."""
    pairs = draw(st.lists(st.tuples(st.sampled_from(NAMES), inner), max_size=4))
    texts = [f'{draw(SPACES)}"{name}"{draw(SPACES)}:{value}' for name, value in pairs]
    return "{" + ",".join(texts) + draw(st.sampled_from(["", "", "", "", ","])) + "}"


def json_values() -> st.SearchStrategy[str]:
    """JSON values of every kind, most of them valid."""
    scalars = (
        floats() | st.sampled_from(NUMBERS) | strings() | st.sampled_from(["null", "null", "true", "false", "tru"])
    )
    arrays = lambda inner: st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]")  # noqa: E731
    return st.recursive(scalars, lambda inner: arrays(inner) | objects(inner), max_leaves=6)


def fitting() -> st.SearchStrategy[str]:
    """Objects that fit the schema as servers write them."""
    numbers = st.floats() | st.integers(-9, 9)
    item = st.fixed_dictionaries({}, optional={"i": st.integers(-(2**31), 2**31 - 1) | st.none(), "p": numbers})
    inner = st.fixed_dictionaries({}, optional={"s": st.text(max_size=3) | st.none(), "x": st.integers()})
    fields = {
        "p": numbers,
        "f": numbers,
        "i": st.integers(-(2**63), 2**63 - 1),
        "b": st.integers(-128, 127),
        "ok": st.booleans(),
        "s": st.text(max_size=5),
        "l": st.lists(item | st.none(), max_size=3),
        "o": st.fixed_dictionaries({}, optional={"p": st.lists(numbers | st.none(), max_size=3), "o": inner}),
    }
    optional = {name: strategy | st.none() for name, strategy in fields.items()}
    rows = st.fixed_dictionaries({}, optional={**optional, "unknown": st.text(max_size=3)})
    return st.builds(lambda row, ascii_only: json.dumps(row, ensure_ascii=ascii_only), rows, st.booleans())


def json_lines() -> st.SearchStrategy[bytes]:
    """Lines of all sorts: objects, glued, cut in the middle, with bytes that are no UTF-8."""
    one = (objects(json_values()) | fitting() | json_values()).map(str.encode)
    glued = st.builds(lambda a, space, b: a + space.encode() + b, one, SPACES, one)
    cut = st.builds(lambda a, at: a[: at % (len(a) + 1)], one, st.integers(0, 1000))
    broken = st.builds(
        lambda a, at, byte: a[:at] + bytes([byte]) + a[at:], one, st.integers(0, 40), st.integers(0, 255)
    )
    return one | one | one | glued | cut | broken


def slow_answers(block: bytes, schema: pa.Schema = SCHEMA) -> Answers:
    """What the slow reader alone makes of a block."""
    with patch.object(predictions, "fast_type", return_value=None):
        return PredictionReader(schema).read(lines_of(block))


def told(answers: Answers) -> str:
    """Answers as text, in which NaN equals NaN and -0.0 is not 0.0."""
    return repr((answers.values.to_pylist(), answers.reasons))


def assert_fast_agrees(block: bytes, schema: pa.Schema = SCHEMA) -> bool:
    """Checks that pyarrow's reader, where the guards let it, gives each line what the slow one gives."""
    lines = lines_of(block)
    kind = PredictionReader(schema).type
    fast = None if not len(lines) or doubtful(lines).any() else read_fast(lines, kind)
    if fast is None:
        return False
    slow = slow_answers(block, schema)
    nothing = {line for line, reason in slow.reasons.items() if reason == predictions.NOTHING_FOUND}
    assert len(nothing) == len(slow.reasons)
    assert all(value is None for line in nothing for value in fast[line].as_py().values())
    got = [None if line in nothing else row for line, row in enumerate(fast.to_pylist())]
    assert repr(got) == repr(slow.values.to_pylist())
    return True


@settings(max_examples=600, deadline=None)
@given(line=json_lines())
@example(b'{"unknown":' + b"[" * 100_000 + b"]" * 100_000 + b',"p":1}')
@example(b'{"unknown":' + b"1" * 5000 + b',"p":1}')
@example(b'{"p":1}\x00{"p":2}')
@example(b'{"unknown":1,"unknown":2,"p":1}')
@example(b'{"f":1.00000017881393432617187499}')  # rounded once 1.0000001, over a float64 1.0000002
@example(b'{"p":-NaN}')
@example(b'{"p":Inf }')
@example(b'{"unknown":[-Inf,1],"p":1}')
@example(b'{"unknown":"\xff","p":1}')
def test_what_the_fast_reader_takes_is_what_the_slow_one_reads(line: bytes):
    assert_fast_agrees(line)


@settings(max_examples=200, deadline=None)
@given(line=fitting().filter(lambda line: "Inf" not in line or "Infinity" in line))
def test_the_fast_reader_takes_what_servers_write(line: str):
    assert assert_fast_agrees(line.encode())


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(json_lines(), max_size=12), few=st.integers(1, 4), final=st.booleans())
def test_a_block_is_read_as_its_lines_are_one_by_one(lines: list[bytes], few: int, final: bool):
    block = b"\n".join(lines) + b"\n" * final
    with patch.object(predictions, "_FEW_LINES", few), patch.object(predictions, "_PARTS", 2):
        answers = PredictionReader(SCHEMA).read(lines_of(block))
    assert told(answers) == told(slow_answers(block))
    assert len(answers) == len(lines_of(block))


TOKENS = [b"{", b"}", b'{"p":1}', b'"o":', b",", b"null", b"\n", b"\r"]
MORE_TOKENS = [b'{"p":', b'"', b"[", b"]", b"1", b"\n{", b"}\n", b"}\n{"]


@pytest.mark.parametrize("first", TOKENS)
def test_no_order_of_tokens_and_newlines_shifts_a_row(first: bytes):
    schema = pa.schema([("p", pa.int64()), ("o", pa.struct([("p", pa.int64())]))])
    for length in range(5):
        for rest in itertools.product(TOKENS, repeat=length):
            assert_fast_agrees(first + b"".join(rest), schema)


@settings(max_examples=800, deadline=None)
@given(
    tokens=st.lists(st.sampled_from([*TOKENS, b'{"p":', b'"', b"[", b"]", b"1", b"\n{", b"}\n", b"}\n{"]), max_size=14)
)
def test_no_soup_of_tokens_shifts_a_row(tokens: list[bytes]):
    assert_fast_agrees(b"{" + b"".join(tokens) + b"}", pa.schema([("p", pa.int64()), ("o", pa.list_(pa.int64()))]))
