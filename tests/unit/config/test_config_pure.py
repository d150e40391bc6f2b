"""Laws of the pure parts: substitution, merging, overriding, differences."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.config.changes import differences
from batch_transform.config.layers import Layer, merge, merge_layers, nested, origin, without
from batch_transform.config.overrides import read_model, read_override
from batch_transform.config.values import Untyped
from batch_transform.config.variables import substitute

KEYS = st.text("abcdef", min_size=1, max_size=3)
SCALARS = st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.floats(allow_nan=False))
MAPS = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=4), lambda inner: st.dictionaries(KEYS, inner | SCALARS, max_size=4)
)
PATHS = st.lists(KEYS, min_size=1, max_size=4).map(tuple)


def at(document, path):
    for key in path:
        document = document[key]
    return document


def escape(text):
    return text.replace("${", "$${")


@given(MAPS)
def test_an_escaped_document_comes_back_as_it_was(document):
    def escaped(value):
        if isinstance(value, dict):
            return {key: escaped(inner) for key, inner in value.items()}
        return escape(value) if isinstance(value, str) else value

    assert substitute(escaped(document), {}).document == document


@given(st.text(), st.text(), st.text())
def test_what_a_variable_brings_in_is_not_looked_at_again(before, value, after):
    text = escape(before.replace("$", "")) + "${x}" + escape(after.replace("$", ""))
    result = substitute({"k": text}, {"x": value})
    assert result.document == {"k": before.replace("$", "") + value + after.replace("$", "")}
    assert result.faults == ()


def test_a_text_around_a_variable_stays_text():
    document = substitute({"a": "${n}", "b": "x${n}", "c": "$${n}", "d": "${n}${n}"}, {"n": "4"}).document
    assert document == {"a": "4", "b": "x4", "c": "${n}", "d": "44"}
    assert [type(value) for value in document.values()] == [Untyped, str, str, str]


def test_a_name_that_cannot_be_one_is_told_from_an_undefined_one():
    result = substitute({"a": ["${}", "${a b}", "${open"], "b": "${none}"}, {})
    assert [(fault.path, fault.text.split(",")[0]) for fault in result.faults] == [
        (("a", "0"), "has '${}'"),
        (("a", "1"), "has '${a b}'"),
        (("a", "2"), "has '${'"),
        (("b",), "needs the variable none"),
    ]


@given(MAPS, MAPS)
def test_a_merge_holds_all_of_the_upper_map_and_invents_nothing(lower, upper):
    merged = merge(lower, upper)
    assert merge(merged, upper) == merged
    assert set(merged) == set(lower) | set(upper)
    for key, value in upper.items():
        if not isinstance(value, dict):
            assert merged[key] == value


@given(MAPS)
def test_nothing_is_the_neutral_element_of_a_merge(document):
    assert merge({}, document) == document
    assert merge(document, {}) == document


def test_lists_are_replaced_and_not_joined():
    assert merge({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}


def test_one_of_two_alternatives_holds_the_uppers():
    lower = {"output": {"table": "t", "mode": "append"}, "input": {"options": {"table": "x"}}}
    upper = {"output": {"path": "p"}, "input": {"options": {"path": "y"}}}
    assert merge(lower, upper) == {
        "output": {"path": "p", "mode": "append"},
        "input": {"options": {"table": "x", "path": "y"}},
    }


@given(MAPS, PATHS, st.one_of(st.integers(), st.booleans(), st.dictionaries(KEYS, st.integers(), max_size=3)))
def test_an_override_is_at_its_key_and_replaces_what_was_there(document, path, value):
    layer = read_override(f"{'.'.join(path)}={json.dumps(value)}")
    merged = merge_layers([Layer("run.yml", document), layer])
    found = at(merged, path)
    assert found == (value if isinstance(value, dict) else json.dumps(value))
    assert origin([Layer("run.yml", document), layer], path) == "--set"


@given(MAPS, PATHS)
def test_taking_a_key_out_leaves_no_trace_and_touches_nothing_else(document, path):
    before = json.dumps(document)
    cleaned = without(document, path)
    assert json.dumps(document) == before
    assert without(merge(cleaned, nested(path, 1)), path).keys() >= cleaned.keys() - {path[0]}
    assert without(cleaned, path) == cleaned


def test_a_models_command_may_hold_equals_signs():
    layer = read_model("churn-v7=python -m serve --port=1")
    assert layer.document == {"emulator": {"models": {"churn-v7": "python -m serve --port=1"}}}


@given(MAPS)
def test_equal_documents_do_not_differ(document):
    assert differences(document, json.loads(json.dumps(document)), publishing=True) == []


def test_differences_name_the_key_and_both_values():
    old = {"model": {"name": "a"}, "output": {"path": "x", "partition_by": []}}
    new = {"model": {"name": "b"}, "output": {"path": "x", "partition_by": ["d"]}, "merge": "zip"}
    assert differences(old, new, publishing=True) == [
        "merge: was not given, now 'zip'",
        "model.name: was 'a', now 'b'",
        "output.partition_by: was [], now [d]",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/data/in", "file:/data/in"),
        ("file:///data/in", "/data/in"),
        ("s3://bucket/in", "s3a://bucket/in"),
    ],
)
def test_an_input_that_is_spelled_in_another_way_is_the_same(one, other):
    assert differences({"input": {"path": one}}, {"input": {"path": other}}, publishing=True) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/data/in", "file://data/in"),  # another machine's
        ("/data/in", "data/in"),
        ("s3://bucket/in", "/bucket/in"),
        ("/data/in", "package:/data/in"),
        ("/data/in", None),
    ],
)
def test_another_input_is_another(one, other):
    assert len(differences({"input": {"path": one}}, {"input": {"path": other}}, publishing=True)) == 1


@pytest.mark.parametrize(
    "path", ["model.environment.A", "transform.environment.A", "input.options.user", "model.my_password"]
)
def test_a_value_that_may_be_a_secret_differs_without_being_told(path):
    old, new = (nested(tuple(path.split(".")), value) for value in ("hidden", "hidden too"))
    (told,) = differences(old, new, publishing=True)
    assert told.startswith(f"{path}: differs (its values may be secret)")
    assert "hidden" not in told


def test_what_may_change_under_one_run_id_is_no_difference():
    old = {"errors": {"max_rows": 0}, "transform": {"poll_seconds": 1, "job_timeout_minutes": 1}, "aws": {"region": 1}}
    new = {
        "errors": {"max_rows": 9},
        "lease_seconds": 5,
        "workspace_retention": "delete",
        "transform": {
            "poll_seconds": 2,
            "job_timeout_minutes": 2,
            "on_interrupt": "leave",
            "instance_type": ["ml.m5.large", "ml.m5.4xlarge"],
            "max_payload_mb": 1,
            "tags": {"team": "b"},
            "output_kms_key": "key",
        },
        "aws": {"region": 2},
        "emulator": {"models": {"a": "b"}},
    }
    assert differences(old, new, publishing=True) == []


@pytest.mark.parametrize(
    "key", ["strategy", "split", "accept", "join_source", "input_filter", "output_filter", "environment.THRESHOLD"]
)
def test_what_is_asked_of_the_model_may_never_change(key):
    old, new = (nested(("transform", *key.split(".")), value) for value in "ab")
    assert len(differences(old, new, publishing=False)) == 1
    assert len(differences({"transform": {}}, new, publishing=False)) == 1


def test_a_variable_of_the_environment_may_change_if_it_is_named_and_only_that_one():
    old = {"transform": {"environment": {"WORKERS": "8", "THRESHOLD": "0.1"}}}
    new = {"transform": {"environment": {"WORKERS": "1"}, "environment_may_change": ["WORKERS"]}}
    assert differences(old, new, publishing=True) == [
        "transform.environment.THRESHOLD: differs (its values may be secret); give the value of before, or, where no "
        "answer depends on it, add THRESHOLD to transform.environment_may_change"
    ]
    new["transform"]["environment_may_change"] = ["WORKERS", "THRESHOLD"]
    assert differences(old, new, publishing=True) == []


@pytest.mark.parametrize("key", ["output", "dead_letter"])
def test_the_output_may_change_until_the_run_begins_to_publish(key):
    old, new = ({key: {"path": path, "mode": "append"}} for path in "ab")
    assert differences(old, new, publishing=False) == []
    assert differences(old, new, publishing=True) == [f"{key}.path: was 'a', now 'b'"]
