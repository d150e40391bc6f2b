"""A run file that is broken, or means harm, is refused within a moment and says where; an honest large one is read."""

from __future__ import annotations

import pytest

from batch_transform.config.loading import load
from batch_transform.config.yaml_text import MOST_DEPTH, MOST_VALUES, parse_value
from batch_transform.core.errors import ConfigurationError

TENS = ", ".join
LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{TENS([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
BROKEN = {
    "aliases that grow": (LAUGHS, "line 5, column .*: more than 20,000 values, each alias counted"),
    "an alias of what it stands in": ("a: &a\n  b: [*a]\n", r"line 2, column 7: \*a stands within what it stands for"),
    "brackets": ("record: " + "[" * 5_000 + "]" * 5_000, "more than 50 maps and lists within one another"),
    "braces": ("record: " + "{a: " * 5_000 + "1" + "}" * 5_000, "more than 50 maps and lists within one another"),
    "indents": ("".join(f"{' ' * n}a:\n" for n in range(200)), "more than 50 maps and lists within one another"),
    "names": (f"record: {{columns: [{TENS(f'c{n}' for n in range(300_000))}]}}", "more than 20,000 values"),
    "characters": (f"run_id: {'a' * 6_000_000}", "it has 6,000,008 characters; the limit is 5,000,000"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_run_file_is_refused_and_says_where(tmp_path, name):
    text, words = BROKEN[name]
    (tmp_path / "run.yml").write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        load(tmp_path / "run.yml", variables=[], environ={})


def test_a_value_of_the_command_line_is_held_to_the_same():
    with pytest.raises(ConfigurationError, match="more than 50 maps and lists"):
        load("none.yml", sets=[f"record.columns={'[' * 100}{']' * 100}"], variables=[], environ={})


def test_what_lies_at_the_limits_is_read():
    assert len(parse_value(f"[{TENS('x' for _ in range(MOST_VALUES - 1))}]")) == MOST_VALUES - 1
    deep = parse_value("[" * MOST_DEPTH + "]" * MOST_DEPTH)
    for _ in range(MOST_DEPTH - 1):
        (deep,) = deep
    assert deep == []


def test_an_alias_is_counted_as_what_it_stands_for_and_read():
    thousand = f"a: &a [{TENS('x' for _ in range(1_000))}]\n"
    assert parse_value(thousand + "b: [*a, *a]\n")["b"][1][0] == "x"
