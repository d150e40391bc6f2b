"""Words that are no options stay apart, and numbers that nothing takes are refused where they are read."""

from __future__ import annotations

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands.command_line import parse

RUN = "s3://bucket/runs/r1"


@pytest.mark.parametrize("odd", ["-", "-1", "-x y", "-1.5", "--x y"])
@pytest.mark.parametrize("command", [["run"], ["plan"], ["status"], ["init"], []])
def test_two_words_never_make_one(command, odd):
    for words in (["ok.yml", odd], [odd, "ok.yml"]):
        with pytest.raises(ConfigurationError, match=r"were given|is no option of this command"):
            parse([*command, *words])
        assert parse([*command, "ok.yml", "--set", f"a={odd}"]).subject == "ok.yml"


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("-", "RUNFILE: is -, and standard input is not read; save it as a file, and name that"),
        ("status -", "RUN .*: is -, and standard input is not read"),
        ("init -", "init: is to write to -; leave it out, and the run file is printed"),
        ("run run ok.yml", "run: stands twice; give it once"),
        ("run run", "run: stands twice; give it once"),
        ("plan plan ok.yml", "plan: stands twice; give it once"),
        ("run plan ok.yml", "run and plan: are two commands; give one of them"),
        ("status show", "status and show: are two commands; give one of them"),
        ("--set a=b run run ok.yml", "run: stands twice; give it once"),
    ],
)
def test_it_is_said_what_is_wrong_with_a_word(words, fault):
    with pytest.raises(ConfigurationError, match=fault) as refused:
        parse(words.split())
    assert "did you mean" not in str(refused.value)


@pytest.mark.parametrize("command", [["run"], ["status"]])
def test_an_empty_word_names_nothing(command):
    with pytest.raises(ConfigurationError, match="is empty"):
        parse([*command, ""])


@pytest.mark.parametrize("rows", ["0", "-1", "1.5", "²", "５", "2147483648", "9" * 5000, "", " 5", "1_0"])
def test_what_is_no_number_of_rows_is_refused_with_the_most(rows):
    with pytest.raises(ConfigurationError, match=r"--limit: is no number of rows; .* from 1 to 2,147,483,647"):
        parse(["run", "ok.yml", "--limit", rows])


@pytest.mark.parametrize("rows", ["1", "007", "2147483647"])
def test_what_spark_takes_is_a_number_of_rows(rows):
    assert parse(["run", "ok.yml", "--limit", rows]).limit == (rows,)


@pytest.mark.parametrize("other", [["--older-than", "1"], ["--unfinished"]])
def test_the_rule_of_s3_does_not_swallow_what_is_to_be_removed_now(other):
    with pytest.raises(ConfigurationError, match=f"--lifecycle, {other[0]}: .* removes nothing; give one of the two"):
        parse(["clean", RUN, *other, "--lifecycle", "3"])
    assert parse(["clean", RUN, *other, "--rows", "--dry-run"]).lifecycle == ()
