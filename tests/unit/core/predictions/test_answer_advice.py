"""Whoever does what is said of an output in another form has a run that reads it, or is told that no setting does."""

from __future__ import annotations

import json
import re

import pandas as pd
import pyarrow as pa
import pytest

from batch_transform.config.loading import from_arguments
from batch_transform.core.object_names import object_name
from batch_transform.core.predictions.output_counts import OutputObject, count_output
from batch_transform.core.predictions.output_lines import blocks
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.predictions.schema_inference import infer_schema
from batch_transform.core.uris import S3Uri
from support.memory_store import MemoryStore, etag_of

OUTPUT = S3Uri.parse("s3://bucket/run/output/job/o.out")
ROWS = 7
NUMBERS = [place + 0.5 for place in range(ROWS)]
PAIRS = [[number, -number] for number in NUMBERS]
OBJECTS = [{"p": number} for number in NUMBERS]
NO_SETTING = "up the model's container to answer one JSON object for each record, in another run"


def lines(values) -> str:
    return "\n".join(json.dumps(value) for value in values) + "\n"


def wrapped(body) -> str:
    return json.dumps([json.dumps(body), "application/json"])


ANSWERS = {
    "lines": lines(OBJECTS),
    "printed": json.dumps(OBJECTS[0], indent=1) * ROWS,
    "array": json.dumps(NUMBERS),
    "array of objects": json.dumps(OBJECTS),
    "array of other objects": json.dumps([{"score": number, "label": "a"} for number in NUMBERS]),
    "array of strings": json.dumps(["a"] * ROWS),
    "array of arrays": json.dumps(PAIRS),
    "arrays": lines(PAIRS),
    "array of odd arrays": json.dumps([[number, "a"] for number in NUMBERS]),
    "document": json.dumps({"model": "m", "predictions": OBJECTS}),
    "document of numbers": json.dumps({"predictions": NUMBERS}),
    "document of whole numbers": json.dumps({"predictions": list(range(ROWS))}),
    "documents": lines([{"outputs": {"scores": NUMBERS[:3]}}, {"outputs": {"scores": NUMBERS[3:]}}]),
    "document of arrays": json.dumps({"predictions": PAIRS}),
    "a quote in a name": json.dumps({"it's": NUMBERS}),
    "columns": json.dumps({"predictions": {"a": NUMBERS, "b": NUMBERS}}),
    "columns of the schema": json.dumps({"p": NUMBERS, "q": NUMBERS}),
    "columns of kinds": json.dumps({"p": NUMBERS, "label": ["a"] * ROWS}),
    "columns of numbers": json.dumps({"p": NUMBERS, "ids": list(range(ROWS))}),
    "columns and keys": json.dumps({"ids": list(range(ROWS)), "predictions": [{"p": n, "q": n} for n in NUMBERS]}),
    "split": json.dumps({"columns": ["p", "q"], "index": list(range(ROWS)), "data": PAIRS}),
    "split below": json.dumps({"predictions": {"index": list(range(ROWS)), "columns": ["p", "q"], "data": PAIRS}}),
    "split of kinds": json.dumps({"columns": ["p", "q"], "data": [[number, "a"] for number in NUMBERS]}),
    "commas": ",".join(map(str, NUMBERS)),
    "commas of words": "cat," * (ROWS - 1) + "dog",
    "an array of an object a line": "[\n" + ",\n".join(map(json.dumps, OBJECTS)) + "\n]\n",
    "arrays of an object a line": ("[\n" + json.dumps(OBJECTS[0]) + "\n]\n") * ROWS,
    "words": "cat\n" * ROWS,
    "words in quotes": '"cat"\n' * ROWS,
    "truths": "True\n" * ROWS,
    "words and numbers": "cat,0.5\n" * ROWS,
    "nulls": "null\n" * ROWS,
    "a message": "Traceback (most recent call last):\n" + "  File a, line 1, in b\n" * (ROWS - 1),
    "numbers": lines(NUMBERS),
    "numbers and newlines": lines(NUMBERS) + "\n",
    "cells": "".join(f"{number},1\n" for number in NUMBERS),
    "pair": wrapped(NUMBERS),
    "pair of lines": json.dumps([lines(OBJECTS), "application/jsonlines"]),
    "pair of a document": json.dumps([{"predictions": NUMBERS}, "application/json"]),
    "pair of columns": wrapped({"index": list(range(ROWS)), "columns": ["p", "q"], "data": PAIRS}),
    "pair of nothing": json.dumps(["<html>", "text/html"]),
    "of Lambda": json.dumps({"statusCode": 200, "body": json.dumps(NUMBERS)}),
    "text of JSON": json.dumps(json.dumps(NUMBERS)),
}
SCHEMAS = {
    None: None,
    "p double": pa.schema([("p", pa.float64())]),
    "p string": pa.schema([("p", pa.string())]),
    "p double, q double": pa.schema([("p", pa.float64()), ("q", pa.float64())]),
    "p string, q double": pa.schema([("p", pa.string()), ("q", pa.float64())]),
    "p array<double>": pa.schema([("p", pa.list_(pa.float64()))]),
}
CONFIGURED = {
    "default": {},
    "document": {"format": "json", "records_path": "results"},
    "path alone": {"records_path": "results"},
    "json": {"format": "json"},
    "text": {"format": "text"},
    "separated": {"format": "text", "separator": ";"},
    "csv": {"format": "csv"},
    "wrapped": {"body": "wrapped"},
    "blank lines": {"blank_lines": "refuse"},
}
_TYPES = {"double": pa.float64(), "string": pa.string(), "bigint": pa.int64(), "array<double>": pa.list_(pa.float64())}
_KEY = re.compile(r"prediction\.(\w+): ('(?:[^']|'')*'|.+?)(?= and (?:a )?prediction\.| \(or |$)")


def reader_of(prediction: dict, schema: pa.Schema | None) -> PredictionReader:
    config = from_arguments(run_id="r", model="m", workspace="s3://bucket/work", prediction=prediction)
    return PredictionReader(schema, config.prediction.placeholder, config.answer_form)


def counted(text: str, reader: PredictionReader) -> dict:
    store, body = MemoryStore(), text.encode()
    store.put(OUTPUT, body)
    return count_output(store, OutputObject(object_name(0, ROWS, "0f"), OUTPUT, etag_of(body)), reader)


def told(setting: str) -> dict[str, str | None]:
    """The keys of an advice with their values, as `--set` takes them."""
    keys = {key: value.strip("'").replace("''", "'") for key, value in _KEY.findall(setting)}
    if fields := re.search(r"a prediction\.schema of (\d+) field", setting):
        keys["schema"] = ", ".join(f"f{place} double" for place in range(int(fields[1])))
    return {key: None if value == "null" else value for key, value in keys.items()}


def schema_told(keys: dict, prediction: dict, text: str, before: pa.Schema | None) -> pa.Schema | None:
    ddl = keys.get("schema")
    if ddl is None:
        return before
    if ddl == "infer":
        reader = reader_of({**prediction, "schema": None}, None)
        sample = next(blocks(reader.form.lines([text.encode()]), 1 << 20))
        return infer_schema([sample[place] for place in range(len(sample))]).schema
    return pa.schema([(name, _TYPES[kind]) for name, kind in (field.split(" ") for field in ddl.split(", "))])


# Those cells that a schema cannot have are refused before anything is paid for.
BEGUN = [
    (configured, ddl)
    for configured, prediction in CONFIGURED.items()
    for ddl in SCHEMAS
    if prediction.get("format") not in ("csv", "text")
    or ddl in ("p double", "p string")
    or (prediction["format"], ddl) in {("csv", "p double, q double"), ("text", None)}
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_advice_that_is_followed_reads_the_answers(answer):
    for configured, ddl in BEGUN:
        follow(answer, configured, ddl)


def follow(answer: str, configured: str, ddl: str | None) -> None:
    text, prediction = ANSWERS[answer], {**CONFIGURED[configured], **({"schema": ddl} if ddl else {})}
    found = counted(text, reader_of(prediction, SCHEMAS[ddl]))
    setting = found["setting"]
    if setting is None or setting.startswith(NO_SETTING):
        return
    keys = told(setting)
    assert keys, setting
    assert not keys.items() <= prediction.items(), setting
    advised = {**prediction, **keys}
    schema = schema_told(keys, advised, text, SCHEMAS[ddl])
    found = counted(text, reader_of(advised, schema))
    assert (found["lines"], found["blank"], found["unreadable"], found["shape"]) == (ROWS, 0, [], None), setting


def tensors(*rows: int) -> str:
    """An answer of KServe's V2 protocol to each of some requests."""
    return "\n".join(
        json.dumps({"model_name": "m", "outputs": [tensor("p", size), tensor("q", size)]}) for size in rows
    )


def tensor(name: str, rows: int) -> dict:
    return {"name": name, "shape": [rows, 1], "datatype": "FP64", "data": NUMBERS[:rows]}


FRAME = pd.DataFrame(OBJECTS)
TABLES = {
    "tensors": (tensors(ROWS), "1 JSON document with 7 rows as tensors of KServe V2"),
    "tensors of requests": (tensors(3, 4), "2 JSON documents with 7 rows as tensors of KServe V2"),
    "columns": (
        FRAME.to_json(),
        '1 JSON document with 7 rows as columns of values by name (pandas\' orient="columns")',
    ),
    "columns below": (
        json.dumps({"predictions": json.loads(FRAME.to_json())}),
        '1 JSON document with 7 rows as columns of values by name (pandas\' orient="columns")',
    ),
    "columns of requests": (
        FRAME[:3].to_json() + FRAME[3:].to_json(),
        '2 JSON documents with 7 rows as columns of values by name (pandas\' orient="columns")',
    ),
    "index": (
        FRAME.to_json(orient="index", indent=1),
        '1 JSON document with 7 rows as objects by name (pandas\' orient="index")',
    ),
}


@pytest.mark.parametrize("configured", ["default", "document", "json", "text"])
@pytest.mark.parametrize("ddl", [None, "p double"])
@pytest.mark.parametrize("answer", TABLES)
def test_a_table_that_no_setting_reads_is_named_and_the_container_is_to_change(answer, ddl, configured):
    text, shape = TABLES[answer]
    prediction = {**CONFIGURED[configured], **({"schema": ddl} if ddl else {})}
    found = counted(text, reader_of(prediction, SCHEMAS[ddl]))
    assert (found["shape"], found["setting"].startswith(NO_SETTING), found["misread"]) == (shape, True, True)


def test_the_way_of_pandas_that_is_named_writes_what_is_read():
    setting = counted(FRAME.to_json(), reader_of({}, SCHEMAS["p double"]))["setting"]
    assert setting.endswith('pandas\' to_json(orient="records", lines=True) writes that')
    found = counted(FRAME.to_json(orient="records", lines=True), reader_of({}, SCHEMAS["p double"]))
    assert (found["lines"], found["unreadable"]) == (ROWS, [])


@pytest.mark.parametrize(
    "text",
    [
        tensors(3, 3),
        FRAME[:6].to_json(),
        json.dumps({"outputs": [tensor("p", 3), tensor("q", 4)]}),
        json.dumps({"p": {"0": 1}, "q": {"1": 1}}),
        FRAME.to_json()[:-1],
        "[" * 2000,
    ],
)
def test_what_is_no_table_of_as_many_rows_is_not_named_as_one(text):
    assert "rows as" not in str(counted(text, reader_of({}, SCHEMAS["p double"]))["shape"])


BY_CLASS = {"cat": {"p": 0.1, "rank": 2}, "dog": {"p": 0.9, "rank": 1}}
AN_ERROR = {"error": {"code": 400, "message": "no"}}


@pytest.mark.parametrize("answer", [BY_CLASS, AN_ERROR, {"predictions": BY_CLASS}], ids=["classes", "error", "below"])
@pytest.mark.parametrize("ddl", [None, "p double"])
def test_one_answer_for_two_rows_is_no_table_of_them_but_a_row_without_one(answer, ddl):
    text, name = json.dumps(answer).encode(), object_name(0, 2, "0f")
    store = MemoryStore()
    store.put(OUTPUT, text)
    found = count_output(store, OutputObject(name, OUTPUT, etag_of(text)), reader_of({}, SCHEMAS[ddl]))
    assert (found["lines"], found["shape"], found["misread"]) == (1, None, False)


def test_a_table_of_a_row_is_an_answer_that_is_read_as_it_is():
    text = "\n".join(FRAME[place : place + 1].to_json(orient="index", indent=1) for place in range(ROWS))
    found = counted(text, reader_of({}, None))
    assert told(found["setting"]) == {"format": "json"}


@pytest.mark.parametrize("answer", ["split", "split below", "pair of columns"])
@pytest.mark.parametrize("ddl", SCHEMAS, ids=str)
def test_numbers_of_the_rows_are_no_prediction(answer, ddl):
    """They would be published as such."""
    setting = counted(ANSWERS[answer], reader_of({}, SCHEMAS[ddl]))["setting"]
    assert "data'" in setting
    assert "index" not in setting


SURE = {
    ("words", "p string"): {"format": "text"},
    ("words in quotes", "p string"): {"format": "json"},
    ("words and numbers", "p string, q double"): {"format": "csv"},
    ("an array of an object a line", "p double"): {"format": "json", "records_path": "[]"},
    ("arrays of an object a line", "p double"): {"format": "json", "records_path": "[]"},
}


@pytest.mark.parametrize(("answer", "ddl"), SURE)
def test_a_form_ends_the_run_where_a_line_may_look_like_a_prediction_of_another(answer, ddl):
    found = counted(ANSWERS[answer], reader_of({}, SCHEMAS[ddl]))
    assert told(found["setting"]) == SURE[answer, ddl]
    assert found["misread"]


def test_the_words_about_a_row_alone_are_no_form():
    """They may be of a bad row, which dies of an answer that cannot be read."""
    store, body = MemoryStore(), b"no age\n"
    store.put(OUTPUT, body)
    output = OutputObject(object_name(0, 1, "0f"), OUTPUT, etag_of(body))
    assert count_output(store, output, reader_of({}, SCHEMAS["p string"]))["shape"] is None


@pytest.mark.parametrize("ddl", ["p double", "p double, q double", "p string, q double"])
@pytest.mark.parametrize("answer", ["words", "nulls", "a message"])
def test_words_that_no_schema_reads_are_in_no_form(answer, ddl):
    assert counted(ANSWERS[answer], reader_of({}, SCHEMAS[ddl]))["setting"] is None


def test_of_lists_beside_one_another_the_schema_names_one():
    found = counted(ANSWERS["columns of the schema"], reader_of({}, SCHEMAS["p double"]))
    assert told(found["setting"]) == {"format": "json", "records_path": "p"}
    assert found["shape"] == "1 JSON document with 7 predictions in 'p'"


@pytest.mark.parametrize("answer", ["columns of kinds", "columns of numbers"])
def test_of_lists_beside_one_another_the_schema_names_one_that_it_does_not_read(answer):
    """Another list may well be read by it, and would be published under this one's name."""
    found = counted(ANSWERS[answer], reader_of({}, SCHEMAS["p string"]))
    assert told(found["setting"]) == {"format": "json", "records_path": "p", "schema": "p double"}


def test_of_lists_beside_one_another_a_person_says_which_is_meant():
    found = counted(ANSWERS["columns"], reader_of({}, SCHEMAS["p double"]))
    assert found["shape"] == "1 JSON document with 7 values in each of 'predictions.a' and 'predictions.b'"
    assert "prediction.records_path: 'predictions.a' (or 'predictions.b';" in found["setting"]


@pytest.mark.parametrize(
    ("answer", "ddl"),
    [
        ("columns of the schema", "p double, q double"),
        ("split of kinds", "p double, q double"),
        ("array of odd arrays", "p double"),
        ("pair of nothing", "p double"),
    ],
)
def test_where_no_setting_reads_the_answers_the_container_is_named(answer, ddl):
    found = counted(ANSWERS[answer], reader_of({}, SCHEMAS[ddl]))
    assert found["setting"].startswith(NO_SETTING)
    assert found["misread"]
