"""A run file that is broken, or means harm, is refused within a moment and says where; an honest large one is read."""

from __future__ import annotations

import time

import pytest

from batch_transform.config.loading import from_arguments, load
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
    "digits": (
        f"errors: {{max_rows: {'9' * 5_000}}}",
        "line 1, column 20: a number of 5,000 digits; .* put it in quotes",
    ),
    "more digits than a float has": (f"budget_usd: {'9' * 400}", "line 1, column 13: a number of 400 digits"),
    "a character that is none": ('run_id: "a\\U00110000"', "line 1, column .*: "),
    "half a character": ('run_id: r\nmerge: "\\ud800"', "line 2, column 8: has half of a character"),
    "a version of YAML": (f"%YAML 1.{'9' * 5_000}\n---\na: b", "line 1, column .*: "),
    "a merge": ("a: &a {b: c}\ntransform: {<<: *a}", "line 2, column 13: << is no key here: .* extends"),
}
TAGGED = ['!!int "x"', '!!bool "x"', '!!float "x"', "!!map x", '!!timestamp "xx"', "!!set x", "!!omap x", "!!pairs 1"]
TAGGED += ['!!binary "é"', "!!null x", "!!seq x", "!!python/object:os.system x", "!own x", '!!int "5"', "!!map {a: b}"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_run_file_is_refused_and_says_where(tmp_path, name):
    text, words = BROKEN[name]
    (tmp_path / "run.yml").write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        load(tmp_path / "run.yml", variables=[], environ={})


@pytest.mark.parametrize("value", TAGGED)
def test_a_tag_is_refused_wherever_it_stands(tmp_path, value):
    for text in (f"a: {{b: [{value}]}}", value, f"? {value}\n: a"):
        (tmp_path / "run.yml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"line 1, column \d+: a value that begins with ! has a tag"):
            load(tmp_path / "run.yml", environ={})


def test_a_tag_that_makes_text_of_a_value_is_taken():
    assert parse_value("a: !!str 5") == {"a": "5"}


def test_a_number_of_many_digits_is_refused_wherever_it_comes_from(tmp_path):
    many = "9" * 5_000
    (tmp_path / "run.yml").write_text(
        "transform: {instance_count: '${n}', poll_seconds: '${n}', price_per_hour: '${n}'}"
    )
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "run.yml", variables=[f"n={many}"], sets=[f"errors.max_rows={many}"], environ={})
    told = str(caught.value)
    assert "a number of 5,000 digits" in told
    assert "Exceeds" not in told
    with pytest.raises(ConfigurationError, match=r"transform\.price_per_hour: is 1000.*; valid: US dollars"):
        from_arguments(run_id="r", workspace="s3://b/w", model="m", transform={"price_per_hour": 10**400})


def test_anchors_and_a_quoted_key_are_taken():
    assert parse_value('a: &a {b: c}\nd: *a\n"<<": x') == {"a": {"b": "c"}, "d": {"b": "c"}, "<<": "x"}


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


def refusal(folder, text):
    """What is said of a run file that lacks nothing else."""
    whole = "run_id: r\nworkspace: s3://bucket/w\ninput: {path: in}\nmodel: {name: m}\noutput: {path: out}\n"
    (folder / "run.yml").write_text(whole + text)
    with pytest.raises(ConfigurationError) as caught:
        load(folder / "run.yml", environ={})
    return caught.value


def test_a_variable_that_stands_many_times_in_a_value_is_missed_once(tmp_path):
    for text in ("${a}", "${", "${ }"):
        assert len(refusal(tmp_path, f"prediction: {{column: '{text * 50_000}'}}").faults) == 1


COLUMNS = TENS(f"c{n}" for n in range(5_000))
LONG = {
    "a value": f"prediction: {{records_path: '{'a[].' * 50_000}'}}",
    "a key": f"{'k' * 1_000}: 1\n? '{'k' * 100_000}'\n: 1",
    "a key of a map": f"transform: {{'{'k' * 100_000}': 1}}",
    "names that stand twice": f"record: {{columns: [{COLUMNS}, {COLUMNS}]}}",
}


@pytest.mark.parametrize("name", LONG)
def test_what_is_long_is_quoted_as_far_as_a_person_reads(tmp_path, name):
    assert max(map(len, refusal(tmp_path, LONG[name]).faults)) < 1_000


def test_a_list_of_many_names_is_checked_at_once(tmp_path):
    began = time.process_time()
    refusal(tmp_path, f"record: {{columns: [{TENS(f'c{n}' for n in range(19_000))}]}}\nk: 1")
    assert time.process_time() - began < 3  # by the square four and more
