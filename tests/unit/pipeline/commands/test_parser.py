"""Help, version and "did you mean", of all commands; and that what was understood before still is."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import batch_transform
from batch_transform.core.errors import (
    ConfigurationError,
    ErrorBudgetExceeded,
    HeldBack,
    OverCost,
    UnexpectedPredictions,
)
from batch_transform.pipeline.commands.argument_parser import asked_for
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.command_options import COMMANDS, OWN, has_option
from batch_transform.pipeline.submit import console_script

ROOT = Path(__file__).parents[4]
RUN = "s3://bucket/runs/r1"


def shown(capsys, *words):
    assert console_script.exit_code(list(words)) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_help_of_all_has_each_command_with_its_sentence(capsys, flag):
    text = " ".join(shown(capsys, flag).split())
    for name, command in COMMANDS.items():
        assert f" {name} {command.sentence}" in text


@pytest.mark.parametrize("words", ["{} --help", "{} s3://bucket/runs/r1 --help", "--set a=b {} -h"])
@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_its_sentence_its_options_alone_and_an_example(capsys, name, words):
    text = shown(capsys, *words.format(name).split())
    assert text.startswith(f"usage: batch-transform {name} ")
    assert COMMANDS[name].sentence in text
    for flag in OWN:
        assert (f"\n  {flag}" in text) == has_option(name, flag)
    assert f"batch-transform {name} {COMMANDS[name].example}" in text


@pytest.mark.parametrize("command", [[], ["resume"]])
def test_the_help_says_of_each_exit_code_what_it_stands_for(command):
    """Exit code 3 has as many reasons as there are errors that hold a run back, each with the key that it hangs on."""
    text = " ".join((asked_for([*command, "--help"]) or "").split()).partition("Exit codes: ")[2]
    kinds = {"errors": ErrorBudgetExceeded, "expect": UnexpectedPredictions, "budget_usd": OverCost}
    assert set(HeldBack.__subclasses__()) == set(kinds.values())
    of_three = text.partition("; 3 ")[2].partition("; 4 ")[0]
    assert [key for key in kinds if f"`{key}`" not in of_three] == []
    of_two = text.partition("; 2 ")[2].partition("; 3 ")[0]
    assert "the estimate passes `budget_usd`" in of_two
    assert "nothing was paid" in of_two


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_command_is_understood(name):
    assert parse([name, *shlex.split(COMMANDS[name].example)]).command == name


def test_the_version_is_the_packages(capsys):
    assert shown(capsys, "--version") == f"spark-batch-transform {batch_transform.__version__}\n"
    assert shown(capsys, "status", "--version") == f"spark-batch-transform {batch_transform.__version__}\n"


def test_what_stands_after_two_dashes_is_spark_submits():
    assert asked_for(["run.yml", "--", "--help", "--version"]) is None
    assert parse(["run.yml", "--", "--help"]).rest == ("--help",)


def test_the_help_needs_nothing_that_is_not_pythons_own():
    """On a machine on which nothing is installed yet."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import batch_transform.pipeline.commands.argument_parser as p; "
    )
    code += "sys.stdout.write(p.asked_for(['status', '--help'], './s.sh'))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, ROOT / "lib"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ./s.sh status RUN")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("help", "help: is no command; batch-transform --help tells it. A run file of that name is given with ./"),
        ("help run", "help: is no command; batch-transform --help tells it. "),
        ("version", "version: is no command; batch-transform --version tells it. "),
        (f"stats {RUN}", "stats: is no command; did you mean status?"),
        (f"--set a=b colect {RUN}", "colect: is no command; did you mean collect?"),
        (f"rnu {RUN}", "rnu: is no command; did you mean run?"),
        ("reesume", "reesume: is no command; did you mean resume?"),
        (f"frobnicate {RUN}", "the first word: is no command; valid: run, resume, plan, "),
        (f"status {RUN} --sett a=b", "--sett: is no option of this command nor of spark-submit; did you mean --set?"),
        ("--hepl", "--hepl: is no option of this command nor of spark-submit; did you mean --help?"),
        (f"clean {RUN} --older-then=3", "did you mean --older-than?"),
        ("package --set deploy.target=emr", "--set: means nothing to package; it reads no run file, and --target"),
        ("smoke --var a=b --emulator=m=x", "--var, --emulator: means nothing to smoke; an emulator that runs"),
    ],
)
def test_who_misspells_a_command_or_an_option_is_told_what_was_meant(capsys, words, fault):
    assert console_script.exit_code(words.split()) == 2
    printed = capsys.readouterr()
    assert fault in printed.err
    assert json.loads(printed.out)["status"] == "refused"


@pytest.mark.parametrize("name", ["daily", "run.yml", "conf/status.yml", "./stats"])
def test_a_run_file_is_not_taken_for_a_command(name):
    assert (parse([name]).command, parse([name]).subject) == ("run", name)
    assert parse(["status", name]).subject == name


def test_a_switch_takes_no_value():
    with pytest.raises(ConfigurationError, match="--unfinished: takes no value"):
        parse(["clean", RUN, "--unfinished=yes"])


@pytest.mark.parametrize(
    ("words", "spark"),
    [
        (["--driver-java-options", "-Dx=y -Dz"], (("--driver-java-options", "-Dx=y -Dz"),)),
        (["--conf", "spark.a=b c", "--conf=spark.d=e f"], (("--conf", "spark.a=b c"), ("--conf", "spark.d=e f"))),
        (["-c", "a=b", "-v", "--master", "yarn"], (("-c", "a=b"), ("-v", None), ("--master", "yarn"))),
        (["--name", ""], (("--name", ""),)),
    ],
)
def test_what_is_spark_submits_passes_as_it_is_and_in_its_order(words, spark):
    for arguments in (["run", "run.yml", *words], [*words, "run.yml"], [*words, "run", "run.yml", "--set", "a=-1"]):
        assert (parse(arguments).spark, parse(arguments).subject) == (spark, "run.yml")


def test_a_value_may_look_like_anything():
    asked = parse(["compare", RUN, "--tolerance", "-1", "--set", "a=[b, c]", "--var", "--x", "--var", "d=e f"])
    assert (asked.tolerance, asked.sets, asked.variables) == (("-1",), ("a=[b, c]",), ("--x", "d=e f"))
