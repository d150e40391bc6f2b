"""What an output holds: lines, blanks, unreadable ones, placeholders, and keys that are not their records'."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.predictions import output_counts as output_counts
from batch_transform.core.predictions.output_counts import KeyCheck, OutputObject, count_output
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import PLACEHOLDER_REASON, PredictionReader
from batch_transform.core.publishing.prediction_gathering import RawLines
from batch_transform.core.uris import S3Uri
from support.memory_store import MemoryStore, etag_of

INPUTS = S3Uri.parse("s3://bucket/run/input")
OUTPUT = S3Uri.parse("s3://bucket/run/output/job/o.out")
SCHEMA = pa.schema([("id", pa.int64()), ("p", pa.float64())])


def counted(answers, records=(), placeholder=None, key=True, schema=SCHEMA):
    store = MemoryStore()
    body = b"".join(line + b"\n" for line in answers)
    store.put(OUTPUT, body)
    store.put(INPUTS.join("o"), b"".join(line + b"\n" for line in records))
    check = KeyCheck("id", "user", INPUTS) if key else None
    return count_output(store, OutputObject("o", OUTPUT, etag_of(body)), PredictionReader(schema, placeholder), check)


def answer(key, p=0.5):
    return json.dumps({"id": key, "p": p}).encode()


def asked(key):
    return json.dumps({"user": key, "other": "x"}).encode()


@pytest.fixture(autouse=True, params=[8, 4 * 1024 * 1024], ids=["blocks of a line", "one block"])
def _block_bytes(request, monkeypatch):
    monkeypatch.setattr(output_counts, "BLOCK_BYTES", request.param)


keys = st.none() | st.integers(-(2**63), 2**63 - 1)


@given(st.lists(keys, max_size=12), st.data())
def test_the_first_line_with_another_key_is_found(ids, data):
    echoed = list(ids)
    changed = data.draw(st.sets(st.integers(0, len(ids) - 1))) if ids else set()
    for place in changed:
        echoed[place] = 1 if ids[place] != 1 else None
    found = counted([answer(key) for key in echoed], [asked(key) for key in ids])
    assert found["wrong_key"] == min(changed, default=None)
    assert found["lines"] == len(ids)


def test_answers_that_change_places_are_found():
    assert counted([answer(2), answer(1)], [asked(1), asked(2)])["wrong_key"] == 0


@pytest.mark.parametrize("records", [[asked(1)], []])
def test_an_answer_without_a_record_has_a_wrong_key(records):
    assert counted([answer(1), answer(2)], records)["wrong_key"] == len(records)


@pytest.mark.parametrize("record", [b'{"user": "1"}', b"{}", b"nothing"])
def test_a_record_whose_key_is_no_such_value_differs(record):
    assert counted([answer(1)], [record])["wrong_key"] == 0


def test_a_line_that_is_no_prediction_echoes_nothing():
    found = counted([b"ERROR: no", b"<html>", answer(3)], [asked(1), asked(2), asked(3)], "ERROR")
    assert found["wrong_key"] is None
    assert [(run["start"], run["placeholder"]) for run in found["unreadable"]] == [(0, True), (1, False)]
    assert found["unreadable"][0]["reason"] == PLACEHOLDER_REASON


@pytest.mark.parametrize("record", [b'{"user": "1"}', b'{"user": 9223372036854775808}', b"nothing", b"[]"])
def test_a_key_that_cannot_be_read_is_not_taken_for_null(record):
    """Or a model that echoes nothing would prove its order, where column and field are of different types."""
    assert counted([answer(None)], [record])["wrong_key"] == 0


@pytest.mark.parametrize("record", [asked(None), b"{}"])
def test_null_equals_null(record):
    assert counted([answer(None)], [record])["wrong_key"] is None


def test_without_a_key_nothing_is_compared():
    assert counted([answer(1)], key=False)["wrong_key"] is None


shown = [b'{"error": "no"}', b' \t{"error"', b'{"error', b"", b"  ", b"\rx", b"\x0bx", b'{"id": 1, "p": 2}', b"{", b"x"]
placed = st.lists(st.sampled_from(shown), max_size=9)


def begins(line, placeholder):
    return line.lstrip(b" \t\r\n").startswith(placeholder.lstrip(" \t\r\n").encode())


@given(placed, st.sampled_from(['{"error"', "x", "{", " x", "{ "]), st.booleans())
def test_exactly_the_lines_that_begin_with_the_placeholder_are_placeholders(lines, placeholder, has_schema):
    found = counted(lines, placeholder=placeholder, key=False, schema=SCHEMA if has_schema else None)
    # A blank line is no object.
    lines = [line for line in lines if line.strip() or not has_schema]
    marked = {place for run in found["unreadable"] if run["placeholder"] for place in range(run["start"], run["stop"])}
    assert marked == {place for place, line in enumerate(lines) if begins(line, placeholder)}
    plain = counted(lines, key=False, schema=SCHEMA if has_schema else None)
    bad = {place for run in plain["unreadable"] for place in range(run["start"], run["stop"])}
    both = {place for run in found["unreadable"] for place in range(run["start"], run["stop"])}
    assert both == bad | marked
    assert found["lines"] == len(lines)


def test_raw_lines_are_cut_and_never_fail():
    read = RawLines().read(lines_of(b"a\xff\n" + b"\xc3\xa9" * 3000 + b"\n\nlast"))
    assert read.values.field("line").to_pylist() == ["a\ufffd", "é" * 2000, "", "last"]


def test_an_output_without_a_prediction_has_one_run_however_many_reasons_its_lines_have():
    """Words of other lengths have other reasons; a run for each line would be as much as the rows, at the driver."""
    words = [b"x" * length for length in range(1, 200)]
    found = counted(words, key=False)
    assert found["lines"] == 199
    assert [(run["start"], run["stop"]) for run in found["unreadable"]] == [(0, 199)]
    assert found["unreadable"][0]["reason"] == "not JSON: read up to character 0 of 1"
    assert len(counted([*words, answer(1)], key=False)["unreadable"]) == 199
