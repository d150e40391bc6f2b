"""What is said of an output in another form than was configured, and that it is said of no other."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from batch_transform.core import answer_shapes, output_counts
from batch_transform.core.answer_form import CSV, JOINED_FIELD, JSON, TEXT, AnswerForm
from batch_transform.core.naming import object_name
from batch_transform.core.output_counts import OutputObject, count_output
from batch_transform.core.predictions import PredictionReader
from batch_transform.core.records_path import parse_path
from batch_transform.core.uris import S3Uri
from support.memory_store import MemoryStore, etag_of

OUTPUT = S3Uri.parse("s3://bucket/run/output/job/o.out")
P = pa.schema([("p", pa.float64())])
TWO = pa.schema([("p", pa.float64()), ("q", pa.float64())])
ROWS = 37
DOCUMENT = AnswerForm(JSON, parse_path("predictions"))


def counted(text: str, schema: pa.Schema | None = P, form: AnswerForm | None = None, rows: int = ROWS) -> dict:
    store, body = MemoryStore(), text.encode()
    store.put(OUTPUT, body)
    reader = PredictionReader(schema, "ERROR", form or AnswerForm())
    return count_output(store, OutputObject(object_name(0, rows, "0f"), OUTPUT, etag_of(body)), reader)


def objects(name: str = "p", rows: int = ROWS) -> list[dict]:
    return [{name: i + 0.5} for i in range(rows)]


def lines(values: list, indent: int | None = None) -> str:
    return "\n".join(json.dumps(value, indent=indent) for value in values)


NUMBERS = [i + 0.5 for i in range(ROWS)]
JOIN = ",".join(map(str, NUMBERS))
SHAPES = {
    "pretty": (lines(objects(), 1), P, "37 JSON documents printed over several lines each", "prediction.format: json"),
    "glued": (
        lines(objects()).replace("\n", ""),
        P,
        "37 JSON documents without a line break between them",
        "prediction.format: json",
    ),
    "array": (json.dumps(NUMBERS), P, "1 JSON array of 37 values", "'[]'"),
    "arrays glued": (json.dumps(NUMBERS[:30]) + json.dumps(NUMBERS[30:]), P, "2 JSON arrays of 37 values", "'[]'"),
    "pretty array": (json.dumps(objects(), indent=2), P, "1 JSON array of 37 values", "'[]'"),
    "an array of one a line": (lines([[n] for n in NUMBERS]), P, "37 JSON arrays of 37 values", "'[]'"),
    "a brace in a name": (
        json.dumps({"p{0}{rows}": objects()}),
        P,
        "1 JSON document with 37 predictions in 'p{0}{rows}'",
        "prediction.records_path: 'p{0}{rows}'",
    ),
    "document": (
        json.dumps({"model": ["m"], "predictions": objects()}),
        P,
        "1 JSON document with 37 predictions in 'predictions'",
        "'predictions'",
    ),
    "inner document": (
        lines([{"outputs": {"scores": NUMBERS[:20]}}, {"outputs": {"scores": NUMBERS[20:]}}]),
        P,
        "2 JSON documents with 37 predictions in 'outputs.scores'",
        "'outputs.scores'",
    ),
    "a document a line": (
        lines([{"predictions": [n]} for n in NUMBERS]),
        P,
        "37 JSON documents with 37 predictions in 'predictions'",
        "'predictions'",
    ),
    "commas": (
        JOIN,
        P,
        "37 values joined by commas on 1 lines",
        "prediction.format: text and prediction.separator: ','",
    ),
    "commas without a schema": (
        JOIN + "\n",
        None,
        "37 values joined by commas on 1 lines",
        "prediction.separator: ','",
    ),
    "commas and blanks": (
        f"{JOIN}\n\n",
        P,
        "37 values joined by commas, with 1 blank lines between them",
        "prediction.blank_lines: skip",
    ),
    "blanks": (lines(objects()).replace("\n", "\n\n"), P, "36 blank lines between 37 answers", "blank_lines: skip"),
    "a blank at the end": (lines(objects()) + "\n\n", P, "1 blank line between 37 answers", "blank_lines: skip"),
    "a number a line": (lines(NUMBERS), P, "37 lines of one number each", "prediction.format: text"),
    "two numbers a line": (lines([f"{n},1" for n in NUMBERS]).replace('"', ""), TWO, "37 lines of 2 numbers", "csv"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_named_with_the_setting_that_reads_it(shape):
    text, schema, saw, setting = SHAPES[shape]
    found = counted(text, schema)
    assert found["shape"].startswith(saw)
    assert setting in found["setting"]
    assert found["misread"]


GOOD = {
    "lines": (lines(objects()), P, None),
    "blank lines that are skipped": (lines(objects()).replace("\n", "\n\n"), P, AnswerForm(skips_blank=True)),
    "documents": (json.dumps({"predictions": objects()}), P, DOCUMENT),
    "numbers": (JOIN, P, AnswerForm(TEXT, separator=",")),
    "cells": (lines([f"{n},1" for n in NUMBERS]).replace('"', ""), TWO, AnswerForm(CSV)),
    "strings": (lines(NUMBERS), None, None),
    "arrays as strings": (lines([[n] for n in NUMBERS]), None, None),
}


@pytest.mark.parametrize("case", GOOD)
def test_of_an_output_as_it_should_be_nothing_is_said(case):
    text, schema, form = GOOD[case]
    found = counted(text, schema, form)
    assert (found["lines"], found["blank"], found["unreadable"]) == (ROWS, 0, [])
    assert (found["shape"], found["setting"], found["misread"]) == (None, None, False)


OTHERS = {
    "too few lines": lines(objects(rows=ROWS - 1)),
    "too many": lines(objects(rows=ROWS + 1)),
    "an array of too few": json.dumps(NUMBERS[1:]),
    "prose": "Traceback, most recent call last",
    "nulls": lines([None] * ROWS),
    "placeholders": "\n".join(["ERROR"] * ROWS),
    "other fields": lines(objects("q")),
    "nothing": "",
}


@pytest.mark.parametrize("case", OTHERS)
def test_no_setting_is_named_that_does_not_read_the_whole_output(case):
    assert (counted(OTHERS[case])["shape"], counted(OTHERS[case])["setting"]) == (None, None)


def test_an_output_of_which_a_line_is_a_prediction_as_it_is_is_not_misread():
    """One record may answer oddly: that is no matter of settings."""
    found = counted(lines(objects(rows=ROWS - 1)) + "\n" + json.dumps({"p": 1.5}, indent=1))
    assert "printed" in found["shape"] or "documents" in found["shape"]
    assert not found["misread"]


def test_a_document_that_is_not_as_the_path_says_is_told_with_its_place():
    found = counted(json.dumps({"results": objects()}), P, DOCUMENT)
    assert found["shape"] == "1 JSON document with 37 predictions in 'results'"
    found = counted(json.dumps({"predictions": objects()}) + "<html>", P, DOCUMENT)
    assert (found["shape"], found["setting"]) == ("document 2 of the output: expected an object, found no JSON", None)


def test_a_long_document_is_recognised_by_how_it_begins(monkeypatch):
    monkeypatch.setattr(answer_shapes, "HEAD_BYTES", 30)
    monkeypatch.setattr(output_counts, "HEAD_BYTES", 30)
    assert counted(json.dumps({"predictions": objects()}))["setting"].endswith("'predictions'")
    assert counted(json.dumps(NUMBERS))["setting"].endswith("'[]'")
    assert counted(json.dumps({"a": {"b": NUMBERS}}))["setting"].endswith("'a.b'")
    assert counted(lines(objects(), 1))["setting"] == "prediction.format: json"


@pytest.mark.parametrize("name", ["\ud800", "a\nb", "a.b", ""])
def test_a_name_that_cannot_be_written_down_is_in_no_path(name):
    assert not answer_shapes.spellable(name)


def test_of_an_object_whose_rows_nobody_knows_and_of_joined_lines_nothing_is_guessed():
    store, body = MemoryStore(), json.dumps(NUMBERS).encode()
    store.put(OUTPUT, body)
    found = count_output(store, OutputObject("w-0f.jsonl", OUTPUT, etag_of(body)), PredictionReader(P))
    assert found["shape"] is None
    joined = lines([{"SageMakerOutput": "x", "features": [1.5]} for _ in range(ROWS)])
    assert counted(joined, P, AnswerForm(steps=(JOINED_FIELD,)))["shape"] is None
