"""A prediction that is longer than a worker is to hold: it is not held, and its neighbours are their rows' own."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.isolation.verdict_rows import DEAD, LEAF_SCHEMA, SCORED
from batch_transform.core.object_store import ObjectStream
from batch_transform.core.predictions.answer_form import CSV, JSON, TEXT, AnswerForm
from batch_transform.core.predictions.json_stream import NotUnpacked
from batch_transform.core.predictions.long_lines import TOO_LONG, TOO_LONG_REASON
from batch_transform.core.predictions.output_counts import BLOCK_BYTES, OutputObject, count_output
from batch_transform.core.predictions.output_lines import bounded, lines_of
from batch_transform.core.predictions.reader import PLACEHOLDER_REASON, PredictionReader
from batch_transform.core.predictions.records_path import parse_path
from batch_transform.core.publishing.leaf_lookup import Leaves
from batch_transform.core.publishing.prediction_gathering import FLAG, Gatherer, RawLines
from batch_transform.core.uris import S3Uri

pytestmark = pytest.mark.slow

MB = 1_000_000
MOST = MB
PIECE = b"x" * (256 * 1024)
SCHEMA = pa.schema([("p", pa.float64())])
NAME = "s0-3-abc.jsonl"
OUTPUT = OutputObject(NAME, S3Uri("bucket", f"out/{NAME}.out"), "etag")


def cut(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


LINES = st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=8)


@given(LINES, st.booleans(), st.integers(1, 20), st.integers(1, 9))
def test_however_a_stream_is_cut_a_line_over_the_bound_becomes_a_stand_in_and_no_other(lines, ended, size, most):
    data = b"\n".join(lines) + b"\n" * ended
    wanted = [line if len(line) <= most else TOO_LONG + line[:most] for line in data.split(b"\n")]
    assert b"".join(bounded(cut(data, size), most)) == b"\n".join(wanted)


@dataclass
class Stored:
    """An output of `pieces`, of which none is there before it is drawn."""

    pieces: tuple[tuple[bytes, int], ...]

    def open_stream(self, uri, if_match=None):
        return ObjectStream("etag", (bytes(bytearray(piece)) for piece, times in self.pieces for _ in range(times)))


def long_between(before, long, after, megabytes=32):
    """An output with a value of so many megabytes: `long` is what stands before it and behind it."""
    return Stored(((before + long[0], 1), (PIECE, megabytes * MB // len(PIECE)), (long[1] + after, 1)))


STRING = (b'{"p": 1, "error": "', b'"}')
PLAIN = long_between(b'{"p": 1}\n', STRING, b'\n{"p": 3}\n')
DOCUMENTS = long_between(b'{"p": 1}', STRING, b'{"p": 3}')
WITHIN = long_between(b'[{"p": 1}, ', (b'["', b'"]'), b', {"p": 3}]')
TEXTS = long_between(b"1,", (b"", b""), b",3")
CELLS = long_between(b"1\n", (b"", b""), b"\n3\n")
WRAPPED = long_between(b'["1\\n", "text/csv"]', (b'["', b'", "text/csv"]'), b'"3\\n"')
NUMBERS = Stored(((b"[1, ", 1), (b"7" * 1024, 32 * 1024), (b", 3]", 1)))
NESTED = Stored(((b'[1, {"a": [', 1), (b'{"b": "}]"}, ' * 1024, 150), (b"0]}, 3]", 1)))
ESCAPED = Stored(((b'[1, "', 1), (b'\\\\\\"' * 1024, 1024), (b'", 3]', 1)))
EACH = parse_path("[]")
CASES = {
    "lines of JSON": (PLAIN, AnswerForm()),
    "documents": (DOCUMENTS, AnswerForm(JSON)),
    "elements": (WITHIN, AnswerForm(steps=EACH)),
    "text": (TEXTS, AnswerForm(TEXT, separator=",")),
    "csv": (CELLS, AnswerForm(CSV)),
    "wrapped csv": (WRAPPED, AnswerForm(CSV, is_wrapped=True)),
    "a number": (NUMBERS, AnswerForm(steps=EACH)),
    "nested": (NESTED, AnswerForm(steps=EACH)),
    "escaped": (ESCAPED, AnswerForm(steps=EACH)),
}


def peak_of(call):
    tracemalloc.start()
    try:
        found = call()
        return found, tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes()
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("case", CASES)
def test_a_value_of_many_megabytes_is_one_unreadable_row_and_is_not_held(case):
    stored, form = CASES[case]
    reader = PredictionReader(SCHEMA, form=replace(form, most_line_bytes=MOST))
    found, peak = peak_of(lambda: count_output(stored, OUTPUT, reader))
    assert (found["lines"], found["blank"], found["shape"]) == (3, 0, None)
    assert [(run["start"], run["stop"], run["reason"]) for run in found["unreadable"]] == [(1, 2, TOO_LONG_REASON)]
    assert peak < 32 * MOST, f"{peak / MB:.0f} MB"


@pytest.mark.parametrize("case", sorted({*CASES} - {"nested", "escaped"}))
def test_the_rows_beside_it_have_their_own_predictions_and_a_dead_letter_its_beginning(case):
    stored, form = CASES[case]
    form = replace(form, most_line_bytes=MOST)
    leaf = dict.fromkeys(LEAF_SCHEMA.names) | {"job": "j", "object": NAME, "etag": "e", "lines": 3, "rounds": 1}
    states = (SCORED, DEAD, SCORED)
    rows = [{**leaf, "start": 10 + at, "stop": 11 + at, "state": state, "line": at} for at, state in enumerate(states)]
    gatherer = Gatherer(
        Leaves(pa.Table.from_pylist(rows, schema=LEAF_SCHEMA)),
        PredictionReader(SCHEMA, form=form),
        lambda job, name, etag: form.lines(stored.open_stream(None).chunks),
        BLOCK_BYTES,
    )
    answers, peak = peak_of(
        lambda: [row for part in gatherer.gather(np.array([12, 10, 11])) for row in part.to_pylist()]
    )
    assert [(answer["p"], answer[FLAG]) for answer in answers] == [(3.0, True), (1.0, True), (None, False)]
    assert peak < 32 * MOST, f"{peak / MB:.0f} MB"
    lines = RawLines().read(lines_of(b"".join(form.lines(stored.open_stream(None).chunks)))).values.to_pylist()
    assert not lines[1]["line"].startswith("\ufffd")
    assert (lines[1]["line"] == "") == (case == "wrapped csv")


def test_an_error_document_without_predictions_is_not_held_either():
    stored = Stored(((b'{"error": "', 1), (PIECE, 125), (b'"}', 1)))
    reader = PredictionReader(SCHEMA, form=AnswerForm(steps=parse_path("predictions"), most_line_bytes=MOST))
    found, peak = peak_of(lambda: count_output(stored, OUTPUT, reader))
    assert found["shape"] == "document 1 of the output: it has nothing at 'predictions'"
    assert peak < 32 * MOST, f"{peak / MB:.0f} MB"


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (((b"[1, [", 1), (PIECE, 40)), "it is not JSON"),
        (((b'["', 1), (PIECE, 40)), "ends within a value"),
        (((b'["', 1), (PIECE, 40), (b"\\", 1)), "ends within a value"),
        (((b'{"', 1), (PIECE, 40), (b'": 1}', 1)), "a name in it is longer than prediction.max_line_mb"),
    ],
)
def test_what_ends_within_a_long_value_or_names_one_is_no_document(pieces, words):
    form = AnswerForm(steps=parse_path("p") if pieces[0][0] == b'{"' else EACH, most_line_bytes=MOST)
    with pytest.raises(NotUnpacked, match=words):
        list(form.lines(Stored(pieces).open_stream(None).chunks))


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
    st.integers(1, 30),
)
def test_whatever_is_skipped_the_next_value_is_read_where_it_begins(value, size):
    data = json.dumps([value, 7], ensure_ascii=False).encode()
    form = AnswerForm(steps=EACH, most_line_bytes=1)
    lines = b"".join(form.lines(cut(data, size))).splitlines()
    assert len(lines) == 2
    assert lines[1] == b"7"
    assert lines[0].startswith(TOO_LONG) == (len(json.dumps(value, ensure_ascii=False).encode()) > 1)


def test_a_schema_of_none_and_a_placeholder_have_the_same_rule_and_a_line_at_the_bound_is_read():
    block = b"".join(bounded([b"ERROR one\n", b"y" * 11 + b"\n", b"ERROR and long\n", b"ab\n"], 11))
    answers = PredictionReader(None, placeholder="ERROR").read(lines_of(block))
    assert [value["prediction"] if value else None for value in answers.values.to_pylist()] == [
        None,
        "y" * 11,
        None,
        "ab",
    ]
    assert list(answers.reasons.items()) == [
        (0, PLACEHOLDER_REASON),
        (2, TOO_LONG_REASON),
    ]
