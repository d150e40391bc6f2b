"""A name of the pipeline's own is none of the user's, however those are spelled and however names are compared."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core import reserved_columns
from batch_transform.core.reserved_columns import STAGED, alike, file_metadata, free, twins

OWN = sorted({value for name, value in vars(reserved_columns).items() if name.isupper() and isinstance(value, str)})
LIB = Path(__file__).parents[3] / "lib/batch_transform"
# Characters that are one with an ASCII letter to something that compares without case.
ODD_CASE = str.maketrans({"i": "ı", "s": "ſ", "k": "\u212a"})
SPELLINGS = [str, str.upper, str.title, str.swapcase, lambda name: name.translate(ODD_CASE)]
TAKEN = st.lists(
    st.builds(
        lambda under, name, spell: "_" * under + spell(name),
        st.integers(0, 3),
        st.sampled_from(OWN),
        st.sampled_from(SPELLINGS),
    ),
    max_size=40,
)


def same_without_case(one, other):
    """As Java's equalsIgnoreCase and toLowerCase(Locale.ROOT) compare, of which Spark uses both."""
    fold = [(a, b) for a, b in zip(one, other, strict=False) if a.upper() != b.upper() and a.lower() != b.lower()]
    return (len(one) == len(other) and not fold) or one.lower() == other.lower()


@given(TAKEN)
def test_free_names_are_none_of_the_users_and_apart_from_each_other(taken):
    found = free(OWN, taken)
    assert not [(ours, name) for ours in found for name in taken if same_without_case(ours, name)]
    assert len({name.lower() for name in found}) == len(OWN)


def test_free_names_are_the_words_themselves_where_nobody_has_them():
    assert free(STAGED, ["id", "_row_number", "row_number"]) == STAGED


def test_a_taken_name_is_put_behind_underscores():
    assert free(["__outcome"], ["__OUTCOME", "___outcome"]) == ("____outcome",)


def test_sparks_own_column_of_a_file_is_behind_as_many_underscores_as_it_takes():
    names = ["_Metadata", "__metadata", "____metadata"]
    assert file_metadata(names, case_sensitive=False) == "___metadata"
    assert file_metadata(names, case_sensitive=True) == file_metadata([], case_sensitive=False) == "_metadata"


def test_twins_are_what_spark_takes_for_one_name():
    assert twins(["a", "A", "ı", "I", "ß", "ss"], case_sensitive=False) == ["a"]
    assert twins(["\u212a", "k"], case_sensitive=False) == ["k"]
    assert twins(["a", "A"], case_sensitive=True) == []
    assert twins(["a", "b", "a"], case_sensitive=True) == ["a"]


@pytest.mark.parametrize(("names", "expected"), [(["ı", "I"], True), (["ſ", "S"], True), (["a", "b"], False)])
def test_alike_names_are_those_of_which_one_cannot_be_reached_by_name(names, expected):
    assert alike(names) is expected


def test_no_other_module_names_a_column_of_its_own():
    """A string that begins with two underscores is a name; Python's own also end with them, Spark's are in capitals."""
    found = [
        (path.name, node.value)
        for path in sorted(LIB.rglob("*.py"))
        # The second's are given to Spark by their places.
        if path.name not in ("reserved_columns.py", "prediction_gathering.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith("__") and not node.value.endswith("__") and not node.value.isupper()
    ]
    assert found == []
