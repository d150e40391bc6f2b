"""A schema that is inferred reads what it was inferred from, and is the same in DDL and in Arrow."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.prediction_types import decode_schema, encode_schema
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.predictions.schema_inference import infer_schema


def inferred(*values):
    return infer_schema(value if isinstance(value, bytes) else json.dumps(value).encode() for value in values)


@pytest.mark.parametrize(
    ("values", "ddl"),
    [
        ([{"p": 1, "ok": True, "s": "x"}], "p bigint, ok boolean, s string"),
        ([{"p": 1}, {"p": 1.5}], "p double"),
        ([{"p": 2**63}], "p double"),
        ([{"p": None}, {"q": 1, "p": 2}], "p bigint, q bigint"),
        ([{"l": []}, {"l": [1, None, 2.5]}], "l array<double>"),
        ([{"o": {"a b": [{"c": 1}]}}], "o struct<`a b`: array<struct<c: bigint>>>"),
        ([{"`": 1}], "```` bigint"),
        ([0.5, 1], "prediction double"),
        ([[1, 2], []], "prediction array<bigint>"),
        ([b"<html>", b"", b"null", {"p": 1}], "p bigint"),
    ],
)
def test_a_sample_has_a_schema(values, ddl):
    assert inferred(*values).ddl == ddl


def test_fields_without_a_value_are_left_out_and_told():
    found = inferred({"p": 1, "empty": [], "nothing": None, "o": {"x": None}})
    assert (found.ddl, found.left_out) == ("p bigint", ("empty", "nothing", "o.x", "o"))


@pytest.mark.parametrize("values", [[{"p": 1}, {"p": "x"}], [{"p": [1]}, {"p": [True]}], [{"p": {}}, {"p": []}]])
def test_a_field_of_two_kinds_is_refused_by_name(values):
    with pytest.raises(ServiceFailure, match=r"the field p(\[\])? has values of two kinds"):
        inferred(*values)


def test_no_prediction_has_no_schema_and_one_without_a_value_is_refused():
    assert inferred(b"<html>", None) is None
    with pytest.raises(ServiceFailure, match="no field of 1 prediction has a value"):
        inferred({})


scalars = st.none() | st.integers(-(2**63), 2**63 - 1)
records = st.fixed_dictionaries(
    {"a": st.integers(-9, 9)},
    optional={"b": scalars | st.floats(), "c": st.lists(st.booleans()), "d": st.fixed_dictionaries({"e": st.text()})},
)


@given(st.lists(records, min_size=1, max_size=6))
def test_what_was_inferred_reads_its_sample(sample):
    found = inferred(*sample)
    reader = PredictionReader(decode_schema(encode_schema(found.schema)))
    answers = reader.read(lines_of("\n".join(map(json.dumps, sample)).encode()))
    assert answers.reasons == {}
    assert answers.values.field("a").to_pylist() == [record["a"] for record in sample]
    assert found.schema.field("a").type == pa.int64()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"p": 1, "P": 2}, "the fields p and P differ in case only"),
        ({"o": [{"a": 1, "A": 2}]}, r"the fields o\[\].a and o\[\].A differ in case only"),
        ({"p": 1, "": 2}, "a field of the prediction is named ''"),
        (b'{"o": {"\\ud800": 1}}', "a field of o is named"),
    ],
)
def test_a_name_that_no_table_takes_is_refused_at_every_level(value, words):
    with pytest.raises(ServiceFailure, match=words):
        inferred(value)


def test_values_that_are_no_objects_are_predictions_only_where_they_can_be_read():
    lines = [b"0.5", b'{"p": 1}']
    assert infer_schema(lines[:1], bare=False) is None
    assert infer_schema(lines, bare=False).ddl == "p bigint"


def test_an_answer_without_a_field_says_nothing_of_the_names_in_others():
    assert infer_schema([b"{}", b'{"p": 1}', b"{}"]).ddl == "p bigint"


@pytest.mark.parametrize(
    "lines",
    [
        [f'{{"ROWVALUE-{row}": 0.3}}' for row in range(9)],
        ['{"ROWVALUE-1": 0.3}', '{"ROWVALUE-2": 0.3}'],
        [f'{{"score": 1, "ROWVALUE-{row}": 0.3}}' for row in range(9)],
        ['{"ROWVALUE-1": 0.3}', "{}", '{"ROWVALUE-2": 0.3}'],
        [f'{{"by": {{"ROWVALUE-{row}": "a"}}}}' for row in range(9)],
        ['{"by": [{"ROWVALUE-1": 1}, {"ROWVALUE-2": null}, {"ROWVALUE-3": 1}]}'],
        [f'{{"ROWVALUE-{row % 3}": 0.3}}' for row in range(9)],
    ],
)
def test_a_model_that_keys_its_answers_by_values_gets_no_column_for_each_and_none_is_told(lines):
    with pytest.raises(ServiceFailure, match="look like values") as raised:
        infer_schema([line.encode() for line in lines])
    assert "ROWVALUE" not in str(raised.value)


@pytest.mark.parametrize(
    "lines",
    [['{"a": 1, "b": 2}', '{"a": 1, "c": 2}', '{"a": 1}'], ['{"a": 1}'], ['{"x": {}}', '{"x": {}, "y": 1}'] * 2],
)
def test_fields_that_some_answers_have_are_columns(lines):
    assert infer_schema([line.encode() for line in lines]) is not None


@pytest.mark.parametrize(("begin", "end"), [(b'{"a":', b"}"), (b"[", b"]")])
@pytest.mark.parametrize("levels", [61, 150, 600, 900])
def test_predictions_that_nest_too_deeply_are_refused_in_words(begin, end, levels):
    value = begin * levels + b"0.5" + end * levels
    with pytest.raises(ServiceFailure, match="more than 60 levels deep"):
        inferred(value, value)


def test_predictions_may_nest_as_people_have_them():
    found = inferred(b'{"a":' * 60 + b"0.5" + b"}" * 60)
    assert found.ddl.count("struct") == 59
    assert PredictionReader(found.schema).type == pa.struct(list(found.schema))
