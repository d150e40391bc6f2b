"""Whatever form predictions have in an output, they come out one on each line, in order, digit for digit."""

from __future__ import annotations

import json
import tracemalloc
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions import json_stream
from batch_transform.core.predictions.answer_form import CSV, JOINED_FIELD, JSON, TEXT, AnswerForm, answer_form
from batch_transform.core.predictions.json_stream import NotUnpacked
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.predictions.records_path import EACH, parse_path, spelled, unpack
from batch_transform.core.run_settings import RunSettings

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
batches = st.lists(st.lists(values, max_size=4), max_size=4)
PATHS = {
    "[]": lambda batch: batch,
    "projections": lambda batch: {"before": [1, {"x": "]"}], "projections": batch, "after": "\n}"},
    "outputs.scores": lambda batch: {"outputs": {"scores": batch, "n": 1}},
    "predictions[].score": lambda batch: {"predictions": [{"id": i, "score": item} for i, item in enumerate(batch)]},
}


def pieces(text: str, size: int) -> list[bytes]:
    body = text.encode()
    return [body[place : place + size] for place in range(0, len(body), size)]


@pytest.mark.parametrize("path", PATHS)
@given(
    batches=batches,
    indent=st.none() | st.integers(0, 2),
    between=st.sampled_from(["", " ", "\n", "\r\n\n"]),
    size=st.integers(1, 40),
    ascii_only=st.booleans(),
)
def test_predictions_of_documents_come_out_one_by_one(path, batches, indent, between, size, ascii_only):
    documents = [json.dumps(PATHS[path](batch), indent=indent, ensure_ascii=ascii_only) for batch in batches]
    with patch.object(json_stream, "_MORE_CHARACTERS", 1):
        found = list(unpack(pieces(between.join(documents), size), parse_path(path)))
    assert [json.loads(text) for text in found] == [item for batch in batches for item in batch]
    assert not any("\n" in text for text in found)


@given(values.filter(lambda value: isinstance(value, list | dict)), st.integers(1, 30))
def test_documents_without_a_path_are_predictions_themselves(value, size):
    body = json.dumps(value, indent=1) + json.dumps(value) + "\n" + json.dumps(value)
    assert [json.loads(text) for text in unpack(pieces(body, size), ())] == [value] * 3


def test_a_number_keeps_every_digit():
    text = '{"p": [0.10000000000000000000000000001, 9007199254740993, 1e400, -0.0, ' + "1" * 5000 + "]}"
    found = list(unpack([text.encode()], parse_path("p")))
    assert found == ["0.10000000000000000000000000001", "9007199254740993", "1e400", "-0.0", "1" * 5000]


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ('{"p": [1, 2', "p", "document 1 of the output: it is not JSON, or ends within a value"),
        ('{"p": [1]}{"p": [2}', "p", "document 2 of the output: it is not JSON"),
        ('{"p": [1]}{"q": [2]}', "p", "document 2 of the output: it has nothing at 'p'"),
        ('{"p": [1], "p": [2]}', "p", "document 1 of the output: it has 'p' twice"),
        ('{"p": 3}', "p", "expected an array, found a number"),
        ("[1]", "p", "expected an object, found an array"),
        ('{"p": "x"}', "p.q", "expected an object, found a string"),
        ("<html>", "[]", "expected an array"),
        ("[1,]", "[]", "it is not JSON"),
        ("[1 2]", "[]", "it is not JSON"),
        ('{"a": tru, "p": [1]}', "p", "it is not JSON"),
        ('{"p": ["\\ud8', "p", "or ends within a value"),
        ("[" * 100_000, "[]", "nested too deeply"),
        ("{" + "1" * 5000 + ": 2}", "p", "document 1 of the output: it is not JSON"),
        ('{"q": 1, 2: 3}', "p", "document 1 of the output: it is not JSON"),
        ('{"q": 1', "p", "or ends within a value"),
        ('{"q": 1, ', "p", "or ends within a value"),
        ("[1] x", "[]", "document 2 of the output: expected an array"),
    ],
)
def test_what_is_not_there_is_said_and_where(text, path, words, size):
    with pytest.raises(NotUnpacked, match=words.replace("[", r"\[")) as refused:
        list(unpack(pieces(text, size if len(text) < 1000 else 10_000), parse_path(path)))
    assert "html" not in str(refused.value)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(NotUnpacked, match="not UTF-8"):
        list(unpack([b'["\xff"]'], parse_path("[]")))


def test_memory_follows_a_prediction_and_not_the_document():
    chunk = (b'{"projection": [0.25, 0.5, 0.75]}, ' * 3_000)[:-2]
    body = iter([b'{"projections": [', *[chunk + b", "] * 49, chunk, b"]}"])
    tracemalloc.start()
    assert sum(1 for _ in unpack(body, parse_path("projections"))) == 150_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000  # of five million bytes


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("predictions", ("predictions", EACH)),
        ("predictions[]", ("predictions", EACH)),
        ("[]", (EACH,)),
        ("[].score", (EACH, "score")),
        ("outputs.scores", ("outputs", "scores", EACH)),
        ("a b.c-d[].e", ("a b", "c-d", EACH, "e")),
    ],
)
def test_a_path_has_one_step_into_each_element(text, steps):
    assert parse_path(text) == steps
    assert parse_path(spelled(steps)) == steps


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[0]", "a[][]", "[]a", "a[].b[]", "a]", "$."])
def test_a_path_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"is empty|valid:|twice"):
        parse_path(text)


def read(form: AnswerForm, body: bytes, **fields: pa.DataType) -> list:
    reader = PredictionReader(pa.schema(list(fields.items())) if fields else None, form=form)
    return reader.read(lines_of(b"".join(form.lines([body])))).values.to_pylist()


def test_values_that_are_no_objects_are_the_one_fields():
    form = AnswerForm(JSON, parse_path("[]"))
    assert read(form, b"[0.5, 1][2.5]", p=pa.float64()) == [{"p": 0.5}, {"p": 1.0}, {"p": 2.5}]
    assert read(form, b'[{"p": 1}, 2, null]', p=pa.int64()) == [{"p": 1}, {"p": 2}, None]
    assert read(form, b"[[1, 2], []]", p=pa.list_(pa.int64())) == [{"p": [1, 2]}, {"p": []}]
    assert read(form, b'["a\\"b"]') == [{"prediction": '"a\\"b"'}]


def test_a_joined_lines_prediction_is_the_services_field():
    form = AnswerForm(steps=(JOINED_FIELD,))
    body = b'{"SageMakerOutput":0.5,"p":7}\n{"SageMakerOutput":{"p":1.5,"x":[]},"p":7}\n'
    assert read(form, body, p=pa.float64()) == [{"p": 0.5}, {"p": 1.5}]


def test_separated_values_are_predictions_and_blank_lines_may_be_none():
    form = AnswerForm(TEXT, separator=",", skips_blank=True)
    assert read(form, b"0.5,1,nan\n\n 2.5 ,\n", p=pa.float64())[:2] == [{"p": 0.5}, {"p": 1.0}]
    assert len(read(form, b"0.5,1,nan\n\n 2.5 ,\n", p=pa.float64())) == 4


@pytest.mark.parametrize("line", [b"", b" \t", b"\r"])
@pytest.mark.parametrize("block", [1, 1 << 20])
def test_blank_lines_are_left_out_wherever_they_are(line, block, monkeypatch):
    monkeypatch.setattr("batch_transform.core.predictions.output_lines._BLOCK_BYTES", block)
    lines = [b"a", line, line, b"b", line]
    form = AnswerForm(TEXT, skips_blank=True)
    assert b"".join(form.lines([b"\n".join(lines)])).split() == [b"a", b"b"]
    assert b"".join(form.lines([line + b"\n"])) == b""


def test_text_is_one_value_whatever_is_in_it():
    assert read(AnswerForm(TEXT), b'a,"b\n"x" \r\n', label=pa.string()) == [{"label": 'a,"b'}, {"label": '"x" \r'}]


@pytest.mark.parametrize(
    ("form", "fields", "words"),
    [
        (AnswerForm(CSV), None, "is required with prediction.format: csv"),
        (AnswerForm(CSV), [("a", pa.list_(pa.int64()))], "has single values only"),
        (AnswerForm(TEXT), [("a", pa.int64()), ("b", pa.int64())], "has 2 fields; .*; csv reads several of a line"),
    ],
)
def test_a_schema_that_the_form_cannot_carry_is_refused(form, fields, words):
    with pytest.raises(ConfigurationError, match=words):
        PredictionReader(pa.schema(fields) if fields else None, form=form)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (pa.decimal128(6, 2), "12.50", "12.50"),
        (pa.date32(), "2024-02-29", "2024-02-29"),
        (pa.timestamp("us", "UTC"), "2024-02-29T01:02:03Z", "2024-02-29 01:02:03+00:00"),
        (pa.binary(), "aGk=", "b'hi'"),
        (pa.bool_(), "True", "True"),
        (pa.float32(), "-Infinity", "-inf"),
        (pa.int8(), " 7 ", "7"),
    ],
)
def test_a_cell_has_its_type(kind, text, value):
    (row,) = read(AnswerForm(CSV), f'x,"{text}"\n'.encode(), name=pa.string(), v=kind)
    assert str(row["v"]) == value


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1", "expected 2 values, found 1"),
        (b"1,2,3", "expected 2 values, found 3"),
        (b"x,1", "field p: expected double, found a value that is no such number"),
        (b"1,1.0", "field n: expected int32, found a value that is no such number"),
        (b"1,99999999999", "field n: expected int32, found a number out of its range"),
        (b'1,"2', "not CSV"),
        (b",", "none of the schema's fields has a value"),
        (b"", "a blank line"),
    ],
)
def test_a_line_that_does_not_fit_is_unreadable_for_a_reason(line, reason):
    reader = PredictionReader(pa.schema([("p", pa.float64()), ("n", pa.int32())]), form=AnswerForm(CSV))
    answers = reader.read(lines_of(b"1,2\n" + line + b"\n3,4\n"))
    assert list(answers.reasons) == [1]
    assert next(iter(answers.reasons.values())).startswith(reason)
    assert answers.values.to_pylist()[2] == {"p": 3.0, "n": 4}


STRING, NUMBER = pa.schema([("p", pa.string())]), pa.schema([("p", pa.float64())])
TWO_STRINGS = pa.schema([("p", pa.string()), ("q", pa.string())])


@pytest.mark.parametrize("says", ["default", "refuse", "skip"])
@pytest.mark.parametrize(
    ("format", "schema", "are_bare"),
    [
        ("jsonlines", None, True),
        ("text", None, True),
        ("text", STRING, True),
        ("csv", STRING, True),
        ("jsonlines", STRING, False),
        ("jsonlines", NUMBER, False),
        ("json", STRING, False),
        ("text", NUMBER, False),
        ("csv", NUMBER, False),
        ("csv", TWO_STRINGS, False),
    ],
)
def test_what_blank_lines_says_is_for_bare_strings_alone(says, format, schema, are_bare):
    """As conf/README.md and the section `prediction` tell it."""
    asked = {"format": format, "schema": "p string" if schema is not None else None}
    given = asked if says == "default" else {**asked, "blank_lines": says}
    reader = PredictionReader(schema, form=answer_form(RunSettings.of({"prediction": given})))
    assert reader.form.skips_blank == (says != "refuse" or not are_bare)
