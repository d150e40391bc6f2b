"""`init` looks at a footer, writes one file, and never over another one."""

from __future__ import annotations

import dataclasses
import re
import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.config.loading import load
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.submit.console_script import exit_code

TABLE = pa.table({"id": [1], "age": [30], "plan": ["x"]})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "ds=2024-05-01").mkdir(parents=True)
    pq.write_table(TABLE, tmp_path / "in" / "ds=2024-05-01" / "part-0.parquet")
    pq.write_table(TABLE, tmp_path / "one.parquet")
    return tmp_path


def init(*arguments):
    return exit_code(["init", *arguments])


@pytest.mark.parametrize(
    ("place", "format", "output"),
    [("one.parquet", "parquet", "one_scored_1"), ("in", "parquet", "in_scored_1"), ("in/", "parquet", "in_scored_1")],
)
def test_it_names_the_columns_of_a_file_or_of_the_first_one_of_a_folder(folder, capsys, place, format, output):
    assert init("run.yml", "--input", place, "--model", "m") == 0
    assert "run.yml is written" in capsys.readouterr().out
    config = load("run.yml", variables=["ds=1"], environ={})
    assert config.record.columns == ("age", "plan")
    assert (config.input.path, config.input.format, config.output.path) == (place, format, output)


def test_without_a_file_it_is_printed(folder, capsys):
    assert init("--input", "one.parquet", "--model", "m", "--output", "s3://b/out") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# To see what it would do")
    assert "path: s3://b/out" in printed
    assert not (folder / "run.yml").exists()


def test_a_folder_with_a_log_is_a_delta_table(folder):
    (folder / "in" / "_delta_log").mkdir()
    (folder / "in" / "_delta_log" / "0.json").write_text("{}")
    assert init("run.yml", "--input", "in", "--model", "m") == 0
    config = load("run.yml", variables=["ds=1"], environ={})
    assert (config.input.format, config.output.format) == ("delta", "delta")


def test_a_name_is_a_tables(folder):
    assert init("run.yml", "--input", "ml.customers", "--model", "m") == 0
    assert load("run.yml", variables=["ds=1"], environ={}).input.table == "ml.customers"


def test_a_file_that_is_not_there_is_no_table(folder, capsys):
    assert init("run.yml", "--input", "onee.parquet", "--model", "m") == 2
    assert "onee.parquet: there is no file (did you mean one.parquet?); give a Parquet file" in capsys.readouterr().err
    assert not (folder / "run.yml").exists()


def test_a_file_that_is_there_stays(folder, capsys):
    (folder / "run.yml").write_text("mine")
    assert init("run.yml", "--input", "one.parquet", "--model", "m") == 2
    assert "is there already, and is left as it is" in capsys.readouterr().err
    assert (folder / "run.yml").read_text() == "mine"


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--emulator", "m=http://127.0.0.1:8091"],
        ["--emulator", "m=python serve.py --port $PORT"],
        ["--emulator", "m=http://h/?a=1&b=2", "--set", "emulator.state=my state", "--set", "output.mode=append"],
        ["--var", "ds=2026-01-01", "--var", "who=it's me", "--set", "aws.profile=lab"],
    ],
)
def test_the_command_that_it_tells_is_the_one_that_a_run_of_what_was_asked_needs(folder, capsys, given):
    assert init("my run.yml", "--input", "one.parquet", "--model", "m", *given) == 0
    _, plan, run, *without_aws = capsys.readouterr().out.splitlines()
    asked, begun = (parse(shlex.split(line)[1:]) for line in (plan, run))
    assert dataclasses.replace(begun, command="plan") == asked
    assert bool(without_aws) == ("--emulator" not in given)
    for line in without_aws[1:]:
        found = parse(shlex.split(line)[1:])
        loaded = load("my run.yml", sets=found.sets, variables=found.variables, emulator_models=found.emulator_models)
        assert (loaded.emulated, loaded.emulator.state) == (True, ".emulator")
    meant = parse(["plan", "my run.yml", *([] if "--var" in given else ["--var", "ds=2024-05-01"]), *given])
    assert asked == meant
    text = (folder / "my run.yml").read_text(encoding="utf-8")
    for told in re.findall(r"^# To .*: +(.*)$", text, re.MULTILINE):  # the file tells the same at its head
        found = parse(shlex.split(told)[1:])
        assert dataclasses.replace(found, command="plan", limit=()) == meant
    assert "MODEL=" not in text
    loaded = load("my run.yml", sets=asked.sets, variables=asked.variables, emulator_models=asked.emulator_models)
    assert loaded.emulated == ("--emulator" in given)


def test_no_secret_of_the_command_line_is_told_again(folder, capsys):
    given = ["--set", "input.options.password=hunter2", "--var", "api_key=hunter2", "--set", "output.mode=append"]
    assert init("run.yml", "--input", "one.parquet", "--model", "m", *given) == 0
    told = capsys.readouterr().out
    assert "hunter2" not in told + (folder / "run.yml").read_text()
    assert "run run.yml --var ds=2024-05-01 --set output.mode=append\n" in told


def test_a_model_whose_name_has_a_secrets_word_is_none(folder, capsys):
    """Else what is printed asks AWS, without the emulator."""
    given = ["--emulator", "token-classifier=http://127.0.0.1:8091"]
    assert init("run.yml", "--input", "one.parquet", "--model", "token-classifier", *given) == 0
    assert "--emulator token-classifier=http://127.0.0.1:8091" in capsys.readouterr().out


def test_an_emulator_without_the_model_is_refused_as_its_plan_would_be(folder, capsys):
    for given, words in {
        (
            "--emulator",
            "modle=http://127.0.0.1:8091",
        ): "no model model (did you mean modle?) in --emulator; it has modle",
        ("--emulator", "model"): "is not NAME=COMMAND_OR_URL",
        ("--set", "emulator.state=.emulator"): "no model model in --emulator; it has none",
    }.items():
        assert init("run.yml", "--input", "one.parquet", "--model", "model", *given) == 2
        assert words in capsys.readouterr().err
        assert not (folder / "run.yml").exists()


def test_what_cannot_be_looked_at_is_refused(folder, capsys):
    (folder / "text.parquet").write_text("no")
    (folder / "empty").mkdir()
    for arguments, words in {
        ("--model", "m"): "--input: is needed",
        ("--input", "one.parquet"): "--model: is needed",
        (): "--input: is needed; see --help\n.*--model: is needed; see --help\n",
        ("--output", " "): "--input: is needed.*\n.*--model: is needed.*\n.*--output: is empty",
        ("--input", "nowhere", "--model", "m"): "--input: nowhere: there is no file",
        ("--input", "empty", "--model", "m"): "--input: empty: is a folder without a file of a table; give",
        ("--input", f"file://{folder}/empty", "--model", "m"): "/empty: is a folder without a file of a table; give",
        ("--input", "text.parquet", "--model", "m"): "--input: .*text.parquet .* does not end as a Parquet file does",
    }.items():
        assert init(*arguments) == 2
        assert re.search(words, capsys.readouterr().err)
    with pytest.raises(ConfigurationError, match="init: writes one file; 2 were given"):
        parse(["init", "a.yml", "b.yml"])
