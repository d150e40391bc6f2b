"""A value in a message is written as a person writes it into a run file."""

from __future__ import annotations

import pytest

from batch_transform.config.yaml_text import parse_value
from batch_transform.core.written_values import written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not given"),
        ("a", "'a'"),
        (True, "true"),
        (1, "1"),
        (("a", None), "[a, null]"),
        ([False, {"b": ["c"]}], "[false, {b: [c]}]"),
        ((), "[]"),
    ],
)
def test_nothing_is_spelled_as_python_does(value, text):
    assert written(value) == text


@pytest.mark.parametrize("value", ["a", True, 1, 0.5, ["a", None], [False, {"b": ["c"]}], []])
def test_a_person_can_write_it_so(value):
    assert parse_value(written(value)) == value
