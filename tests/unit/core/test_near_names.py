"""What may be meant by a name that is not there, of whatever kind, is said by one module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from batch_transform.core import near_names
from batch_transform.core.near_names import listed, meant, nearest, no_such

LIB = Path(__file__).parents[3] / "lib" / "batch_transform"


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("Plan", ["age", "plan"], "plan"),
        ("ages", ["Age", "plan"], "Age"),
        ("colour", ["age", "plan"], None),
        ("x", [], None),
    ],
)
def test_the_name_most_like_it_is_found_in_any_case(name, known, near):
    assert nearest(name, known) == near
    assert meant(name, known) == ("" if near is None else f" (did you mean {near}?)")


def test_names_that_are_not_there_are_told_with_those_that_are():
    words = "no column agee (did you mean age?), b in the input; it has age, plan"
    assert no_such("column", ["agee", "b"], "the input", iter(["age", "plan"])) == words
    assert no_such("model", ["m"], "emulator.models", []) == "no model m in emulator.models; it has none"


def test_no_more_names_are_missed_than_a_person_reads_nor_looked_up(monkeypatch):
    looked_up = []
    monkeypatch.setattr(near_names, "nearest", lambda name, *_: looked_up.append(name))
    told = no_such("column", [f"c{number}" for number in range(3000)], "the input", ["a"])
    assert told.endswith("c38, c39 and 2,960 more in the input; it has a")
    assert len(looked_up) == 40


def test_no_more_names_are_listed_than_a_person_reads():
    told = listed(f"c{number}" for number in range(2000))
    assert told.endswith("c38, c39 and 1,960 more")
    assert listed(["a", "b"]) == "a, b"


def test_nobody_else_guesses_at_names():
    guessing = {
        path.relative_to(LIB).as_posix()
        for path in LIB.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and node.module == "difflib")
        or (isinstance(node, ast.Import) and any(each.name == "difflib" for each in node.names))
    }
    assert guessing == {"core/near_names.py"}
