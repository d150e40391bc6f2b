"""What is said of an output in another form than was configured, and that it is said of no other."""

from __future__ import annotations

import gzip
import json
import pickle
import random
import re
import zlib

import pyarrow as pa
import pytest

from batch_transform.core.object_names import object_name
from batch_transform.core.predictions import form_guesses as answer_shapes
from batch_transform.core.predictions import form_recognition as answer_recognition
from batch_transform.core.predictions.answer_form import CSV, JOINED_FIELD, JSON, TEXT, AnswerForm
from batch_transform.core.predictions.output_counts import OutputObject, count_output
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.predictions.records_path import parse_path
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


def pair(body: str, media_type: str = "text/json") -> str:
    return json.dumps([body, media_type])


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
        "37 values joined by commas on 1 line",
        "prediction.format: text and prediction.separator: ','",
    ),
    "commas without a schema": (
        JOIN + "\n",
        None,
        "37 values joined by commas on 1 line",
        "prediction.separator: ','",
    ),
    "commas and blanks": (
        f"{JOIN}\n\n",
        P,
        "37 values joined by commas on 2 lines",
        "prediction.format: text and prediction.separator: ','",
    ),
    "commas and blanks without a schema": (
        f"{JOIN}\n\n",
        None,
        "37 values joined by commas, with 1 blank line between them",
        "prediction.blank_lines: skip",
    ),
    "blanks": (lines(objects()).replace("\n", "\n\n"), None, "36 blank lines between 37 answers", "blank_lines: skip"),
    "a blank at the end": (lines(objects()) + "\n\n", None, "1 blank line between 37 answers", "blank_lines: skip"),
    "body and type": (pair(json.dumps(NUMBERS)), P, '1 array of a body and its media type, "text/json"', "'[]'"),
    "body and type of lines": (
        pair(lines(objects(rows=30)), "application/jsonlines; charset=utf-8") + pair(lines(objects(rows=7))),
        P,
        '2 arrays of a body and its media type, "application/jsonlines; charset=utf-8"',
        "prediction.body: wrapped",
    ),
    "a body that is no string, and its type": (
        json.dumps([{"predictions": NUMBERS}, "application/json"]),
        P,
        '1 array of a body and its media type, "application/json"',
        "prediction.body: wrapped (or let the model's function return the body alone, in another run) and "
        "prediction.format: json and prediction.records_path: 'predictions'",
    ),
    "what a function for Flask returns": (
        json.dumps([json.dumps(NUMBERS), 200, {"Content-Type": "application/json", "X-Own": "{}"}]),
        P,
        '1 array of a body and its media type, "application/json"',
        "prediction.body: wrapped (or let the model's function return the body alone, in another run) and "
        "prediction.format: json and prediction.records_path: '[]'",
    ),
    "a body and its status": (
        json.dumps([json.dumps(NUMBERS), 200]),
        P,
        "1 array of a body and its status 200",
        "prediction.body: wrapped",
    ),
    "what a function for Lambda returns": (
        json.dumps({"statusCode": 200, "headers": {"X-Own": "{}"}, "body": json.dumps(NUMBERS)}),
        None,
        "1 object of a body and its status 200",
        "prediction.body: wrapped (or let the model's function return the body alone, in another run) and "
        "prediction.format: json and prediction.records_path: '[]'",
    ),
    "what a function for Lambda returns for each row": (
        lines([{"statusCode": "200", "body": value} for value in objects()]),
        P,
        "37 objects of a body and its status 200",
        "prediction.body: wrapped (or let the model's function return the body alone, in another run)",
    ),
    "a pair a row": (
        "\n".join(pair(json.dumps(value)) for value in objects()),
        P,
        '37 arrays of a body and its media type, "text/json"',
        "prediction.body: wrapped",
    ),
    "a body of nothing that is known": (
        pair("<html>", "text/html"),
        P,
        '1 array of a body and its media type, "text/html"',
        "no setting reads these bodies as 37 predictions",
    ),
    "JSON of JSON": (json.dumps(json.dumps(NUMBERS)), P, "1 JSON string of JSON", "prediction.body: wrapped"),
    "a number a line": (lines(NUMBERS), P, "37 lines of one number each", "prediction.format: text"),
    "a number a line, and a newline at the end": (
        lines(NUMBERS) + "\n\n",
        P,
        "37 lines of one number each",
        "prediction.format: text",
    ),
    "two numbers a line": (lines([f"{n},1" for n in NUMBERS]).replace('"', ""), TWO, "37 lines of 2 numbers", "csv"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_named_with_the_setting_that_reads_it(shape):
    text, schema, saw, setting = SHAPES[shape]
    found = counted(text, schema)
    assert found["shape"].startswith(saw)
    assert setting in found["setting"]
    assert found["misread"]


@pytest.mark.parametrize("media_type", ["application/json", "text/csv", "application/x-npy", "text/csv; header=no"])
@pytest.mark.parametrize("form", [AnswerForm(JSON, (None,)), AnswerForm(JSON)])
@pytest.mark.parametrize("kind", [pa.string(), pa.list_(pa.string())])
def test_body_and_type_are_never_two_predictions_nor_one(media_type, form, kind):
    text = json.dumps(["cat", media_type])
    found = counted(text, pa.schema([("p", kind)]), form, rows=2 if form.steps else 1)
    assert (found["lines"], found["misread"]) == (0, True)
    assert media_type in found["shape"]


BESIDE = [["[0, 1]", 200], ["[0]", 200, {}], ["cat", 200, {"content-type": "text/csv"}], ["cat", 201, "text/csv"]]
BESIDE += [["cat", "text/csv", 200], ["{}", 202, {"Retry-After": "1"}], [{"p": 1}, 200, {"Content-Type": "text/csv"}]]


@pytest.mark.parametrize("elements", BESIDE, ids=str)
@pytest.mark.parametrize("form", [AnswerForm(JSON, (None,)), AnswerForm(JSON)])
@pytest.mark.parametrize("schema", [pa.schema([("p", pa.string())]), None])
def test_a_body_with_its_status_is_never_so_many_predictions_nor_one(elements, form, schema):
    found = counted(json.dumps(elements), schema, form, rows=len(elements) if form.steps else 1)
    assert (found["lines"], found["misread"]) == (0, True)
    assert found["shape"].startswith("1 array of a body and its ")


FAILURES = [["{}", 500, {"Retry-After": "1"}], ['["no"]', 404], {"statusCode": 500, "body": "no"}, {"statusCode": 404}]
FAILURES += [{"statusCode": 500, "message": "no"}, {"statusCode": "500", "body": "bm8=", "isBase64Encoded": True}]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_a_body_whose_status_is_that_of_an_error_is_no_prediction(failure):
    found = counted(json.dumps(failure), None, AnswerForm(is_wrapped=True), rows=1)
    assert (found["lines"], found["setting"]) == (0, None)
    assert re.search("its status is (500|404), so its body is no prediction", found["shape"])


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_no_setting_is_named_that_would_read_an_error(failure):
    assert counted(json.dumps(failure), P)["setting"] is None


LAMBDA = [{"statusCode": 200, "headers": {}, "body": json.dumps(value)} for value in objects()]


@pytest.mark.parametrize("answers", [LAMBDA, [{"body": value, "statusCode": 201} for value in objects()]])
def test_bodies_that_a_function_for_lambda_returned_are_read(answers):
    found = counted(lines(answers), P, AnswerForm(is_wrapped=True))
    assert (found["lines"], found["unreadable"], found["shape"]) == (ROWS, [], None)


@pytest.mark.parametrize("odd", [{"errorMessage": "no"}, [1, 2, 3], {"statusCode": 204}])
def test_an_answer_that_is_not_wrapped_beside_others_that_are_is_no_sign_of_another_form(odd):
    """It may be that of a bad row, for which alone the run ended."""
    for answers in ([odd, *LAMBDA[1:]], [*LAMBDA[:-1], odd]):
        found = counted(lines(answers), P, AnswerForm(is_wrapped=True))
        assert (found["misread"], found["shape"] is None) == (False, False)
    assert counted(lines([{"p": 0.5}] * ROWS), P, AnswerForm(is_wrapped=True))["misread"]


TOGETHER = [["cat", 200], [0.5, 200], [100, 200, 300], ["a", 200, "b"], [{"a": "b"}, {"a": "c"}], [1, 200, {"p": 1}]]
# As of a language model: a text, how many tokens it took, and why it ended.
TOGETHER += [["Hello", 128, {"finish_reason": "stop"}], ["Hello", 200, {"finish_reason": "stop"}], ['{"a": 1}', 350]]
TOGETHER += [["cat", 200, {}], [[0.1, 0.2], 250, {"label": "x"}], [[0.1, 0.2], 200, {"label": "x"}]]


@pytest.mark.parametrize("values", TOGETHER, ids=str)
def test_values_that_are_no_body_and_status_are_as_many_predictions(values):
    found = counted(json.dumps(values), None, AnswerForm(JSON, (None,)), rows=len(values))
    assert (found["lines"], found["unreadable"], found["shape"]) == (len(values), [], None)


@pytest.mark.parametrize("values", [["cat", "dog"], ["text/csv", "text/plain"], ["text/csv", "cat"], ["a", "b/c"]])
def test_two_strings_that_are_no_body_and_type_are_two_predictions(values):
    found = counted(json.dumps(values), pa.schema([("p", pa.string())]), AnswerForm(JSON, (None,)), rows=2)
    assert (found["lines"], found["unreadable"], found["shape"]) == (2, [], None)


MARKS = "\ufeff"
MARKED = {
    "jsonlines": (MARKS + lines(objects(rows=20)) + "\n" + MARKS * 2 + lines(objects(rows=17)), P, AnswerForm()),
    "json": (MARKS + json.dumps(NUMBERS[:30]) + MARKS + json.dumps(NUMBERS[30:]), P, AnswerForm(JSON, (None,))),
    "csv": (MARKS + "1,2\n" * 20 + MARKS + "1,2\n" * 17, TWO, AnswerForm(CSV)),
    "text": (MARKS + "1\n" * 36 + MARKS + "1", P, AnswerForm(TEXT)),
    "joined text": (MARKS + JOIN, P, AnswerForm(TEXT, separator=",")),
    "strings": (MARKS + "a\n" * 36 + MARKS + "b", None, AnswerForm()),
    "a newline after each answer": (
        lines(objects(rows=20)) + "\n\n" + MARKS + lines(objects(rows=17)) + "\n\n",
        P,
        AnswerForm(),
    ),
    "csv and newlines": ("1,2\n" * 20 + "\r\n" + "1,2\n" * 17 + "\n", TWO, AnswerForm(CSV)),
    "numbers and newlines": ("1\n" * 20 + "\n" + "1\n" * 17 + " \n", P, AnswerForm(TEXT)),
    "wrapped": (pair(MARKS + json.dumps(NUMBERS)), P, AnswerForm(JSON, (None,), is_wrapped=True)),
    "wrapped lines": (
        pair(lines(objects(rows=30)) + "\n") + pair(lines(objects(rows=7))),
        P,
        AnswerForm(is_wrapped=True),
    ),
    "wrapped strings": (MARKS.join(json.dumps(json.dumps(o)) for o in objects()), P, AnswerForm(is_wrapped=True)),
}


@pytest.mark.parametrize("case", MARKED)
def test_marks_of_byte_order_and_newlines_of_the_servers_own_are_no_part_of_the_answers(case):
    text, schema, form = MARKED[case]
    found = counted(text, schema, form)
    assert (found["lines"], found["blank"], found["unreadable"]) == (ROWS, 0, [])
    assert (found["shape"], found["setting"]) == (None, None)


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        (None, AnswerForm()),
        (pa.schema([("p", pa.string())]), AnswerForm(TEXT)),
        (pa.schema([("p", pa.string())]), AnswerForm(CSV)),
    ],
)
def test_a_blank_line_may_be_an_answer_of_a_bare_string(schema, form):
    found = counted("a\n" * (ROWS - 1) + "\n", schema, form)
    assert found["blank"] == 1


MANY = ["".join(chr(33 + place * step % 200) for place in range(200)) for step in range(1, 200)]
ENCODINGS = ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
BYTES = {encoding: (lines(objects()).encode(encoding), "in UTF-") for encoding in ENCODINGS}
BYTES |= {
    "gzip": (gzip.compress(lines(objects()).encode()), "compressed by gzip"),
    "deflate": (zlib.compress(lines(objects()).encode()), "compressed by deflate"),
    "deflate, fast": (zlib.compress(lines(objects()).encode(), 1), "compressed by deflate"),
    "deflate, small": (zlib.compress(lines(objects()).encode(), 9), "compressed by deflate"),
    "deflate, of many characters": (zlib.compress(lines(MANY).encode()), "compressed by deflate"),
    "deflate without a header": (zlib.compress(lines(objects()).encode())[2:-4], "compressed by deflate, without"),
    "deflate, line by line": ((zlib.compress(b'{"p": 0.5}') + b"\n") * ROWS, "compressed by deflate"),
    "deflate without a header, line by line": (
        (zlib.compress(b'{"p": 0.5}')[2:-4] + b"\n") * ROWS,
        "compressed by deflate, without",
    ),
    "pickle": (pickle.dumps([n / 7 for n in range(ROWS)]), "binary (compressed by Brotli, perhaps)"),
    "as brotli looks": (random.Random(1).randbytes(200), "binary (compressed by Brotli, perhaps)"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04\x58\x09\x00\x00a", "compressed by Zstandard"),
    "npy": (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}\n", "an array of NumPy"),
    "recordio": (b"\x0a\x23\xd7\xce\x04\x00\x00\x00", "RecordIO"),
}


def counted_bytes(body: bytes, schema: pa.Schema | None) -> dict:
    store = MemoryStore()
    store.put(OUTPUT, body)
    output = OutputObject(object_name(0, ROWS, "0f"), OUTPUT, etag_of(body))
    return count_output(store, output, PredictionReader(schema))


@pytest.mark.parametrize("schema", [P, None])
@pytest.mark.parametrize("case", BYTES)
def test_of_answers_that_are_no_utf_8_it_is_said_what_they_are_and_who_is_to_change(case, schema):
    body, words = BYTES[case]
    found = counted_bytes(body, schema)
    assert f"the output is {words}" in found["shape"]
    assert "and not UTF-8" in found["shape"]
    assert found["setting"].endswith("in another run")
    assert found["misread"]


def test_text_in_another_character_set_is_text():
    """Its lines are told one by one: one of them may be a mistake."""
    found = counted_bytes("\n".join(["Z\xfcrich\x85 \x1b[0m"] * ROWS).encode("latin-1"), None)
    assert (found["shape"], found["lines"]) == (None, ROWS)


@pytest.mark.parametrize("place", [0, ROWS - 1])
@pytest.mark.parametrize("schema", [P, None])
def test_an_answer_of_bytes_among_others_is_one_rows_own(schema, place):
    answers = lines(objects()).encode().splitlines()
    answers[place] = b"\x01\x02\x03\xff" * 50
    found = counted_bytes(b"\n".join(answers), schema)
    assert (found["shape"], found["lines"], found["misread"]) == (None, ROWS, False)
    assert [(each["start"], each["stop"]) for each in found["unreadable"]] == [(place, place + 1)]


def test_text_of_which_the_first_bytes_are_a_stream_of_deflates_is_text():
    found = counted_bytes(b"{3s9 \xfcber\n" * ROWS, None)
    assert (found["shape"], found["lines"]) == (None, ROWS)


@pytest.mark.parametrize("text", ["x^2", "x\u069c", "x\x01", "\x00\x00", "a\x00", "(\xb5/", "\n#\u05ce", "xڀ" * 40])
def test_text_that_begins_much_as_other_bytes_do_is_text(text):
    found = counted_bytes("\n".join([text.strip("\n")] * ROWS).encode(), None)
    assert (found["shape"], found["lines"]) == (None, ROWS)


GOOD = {
    "blank lines of which none is a prediction": (lines(objects()).replace("\n", "\n\n"), P, None),
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
    monkeypatch.setattr(answer_recognition, "HEAD_BYTES", 30)
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
