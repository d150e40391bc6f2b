"""A command that a message names can be pasted into the shell in which the message was read."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_views.listed_runs import table_of_runs, unreadable_run
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.command_options import COMMANDS
from batch_transform.pipeline.commands.other_command import commands_here
from batch_transform.pipeline.ending.exits import exit_of
from batch_transform.pipeline.handshake import COMMAND_VARIABLE, variables
from batch_transform.pipeline.spelling import PROGRAM_VARIABLE, Spelling

LIB = Path(__file__).resolve().parents[3] / "lib" / "batch_transform"
RUN = "s3://bucket/my runs/a"
HERE = {PROGRAM_VARIABLE: "./spark-submit.sh"}
# Of a command line that was given: what reaches the run, what is said of Spark, what is passed on unread.
GIVEN = ["resume", RUN, "--set", "emulator.state=.kept here", "--master", "yarn", "--", "--weird"]
# Of themselves: a help text, what a key may be, a command about its own work.
OF_THEMSELVES = {
    "config/key_meanings.py",
    "pipeline/commands/argument_parser.py",
    "pipeline/commands/command_options.py",
    "pipeline/commands/clean.py",
    "outputs/first_look.py",
}
BARE = re.compile(rf"`({'|'.join(COMMANDS)})(`| (?!s3://)[^`])")


def here(*given, **environ):
    return commands_here(parse(given), {**HERE, **environ})


def test_a_command_about_a_run_repeats_what_reaches_it():
    found = Spelling.from_environ(here(*GIVEN))
    near = ["--set", "emulator.state=.kept here"]
    assert shlex.split(found.of("show", RUN)) == ["./spark-submit.sh", "show", RUN, *near]
    again = ["./spark-submit.sh", "resume", RUN, "--master", "yarn", *near]
    assert shlex.split(found.of("resume", RUN)) == [*again, "--", "--weird"]
    assert shlex.split(found.of("resume", RUN, "--retry-dead")) == [*again, "--retry-dead", "--", "--weird"]


@pytest.mark.parametrize("command", [name for name in COMMANDS if name in ("show", "stop", "resume", "errors")])
def test_what_is_spelled_is_taken(command):
    words = shlex.split(Spelling.from_environ(here(*GIVEN)).of(command, RUN))
    asked = parse(words[1:])
    assert (asked.command, asked.subject, asked.sets) == (command, RUN, ("emulator.state=.kept here",))


def test_an_error_names_commands_as_they_are_given_here():
    err = ConfigurationError(f"{RUN}: is held; `stop {RUN}` ends it, `batch-transform package --target emr` makes that")
    with variables(here(*GIVEN)):
        (line,) = exit_of(err).lines
    quoted = shlex.quote(RUN)
    assert f"`./spark-submit.sh stop {quoted} --set 'emulator.state=.kept here'`" in line
    assert "`./spark-submit.sh package --target emr`" in line


def test_the_list_shows_its_latest_run_by_a_whole_command():
    runs = [unreadable_run(f"s3://bucket/runs/{name}", "2026-11-27T22:00:00+00:00", "") for name in ("new", "old")]
    *_, last = table_of_runs({"workspace": "s3://bucket/runs", "runs": runs})
    told = Spelling.from_environ(here("list", "s3://bucket/runs", "--set", "emulator.state=x")).spelled_out(last)
    assert told == "To see one: ./spark-submit.sh show s3://bucket/runs/new --set emulator.state=x"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["run.yml", "--set", "output.path=a b"], ["./spark-submit.sh", "run.yml", "--set", "output.path=a b"]),
        (["run.yml", "--var", "API_TOKEN=hunter2"], []),
    ],
)
def test_the_same_command_is_told_as_it_was_typed_unless_a_secret_may_be_in_it(given, told):
    assert shlex.split(here(*given)[COMMAND_VARIABLE]) == told


def test_what_nobody_reached_in_any_way_is_named_by_its_folder():
    assert Spelling.from_environ({}).of("resume", "s3://b/r") == "batch-transform resume s3://b/r"


def messages(path: Path):
    """The texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "s3://" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told | inner:
            yield node.value


def test_no_message_names_a_command_without_what_it_is_about():
    bare = {
        (name, text)
        for path in LIB.rglob("*.py")
        if (name := str(path.relative_to(LIB))) not in OF_THEMSELVES
        for text in messages(path)
        if BARE.search(text.replace("{run}", "s3://").replace("`errors` accepts", ""))  # a key
    }
    assert bare == set()
