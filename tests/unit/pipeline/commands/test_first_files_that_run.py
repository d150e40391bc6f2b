"""What `init` writes is a run file that the next command takes, or it writes none and says why."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.config.loading import load
from batch_transform.core.plain_paths import plain_path
from batch_transform.pipeline.submit.console_script import exit_code

TABLE = pa.table({"id": [1], "age": [30]})
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model/m"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pq.write_table(TABLE, tmp_path / "one.parquet")
    return tmp_path


def init(*given, file=("run.yml",)):
    named = {word for word in given if word.startswith("--")}
    defaults = {"--input": "one.parquet", "--model": "m"}
    rest = [word for flag, value in defaults.items() if flag not in named for word in (flag, value)]
    return exit_code(["init", *file, *given, *rest])


@pytest.mark.parametrize("file", [("run.yml",), ()])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--model", "m 1"], "model.name: "),
        (["--model", ARN], "model.name: "),
        (["--model", ""], "--model: is needed"),
        (["--model", " "], "--model: is needed"),
        (["--input", ""], "--input: is needed"),
        (["--workspace", "foo"], "workspace: "),
        (["--workspace", ""], "--workspace: is empty"),
        (["--output", ""], "--output: is empty"),
        (["--output", "s3://u:p@b/x"], "output.path: has a user"),
        (["--input", "s3://u:hush@b/x"], "--input: has a user"),
        (["--input", ARN], "--input: "),
        (["--input", "gs://bucket/x.parquet"], "--input: lies where init cannot look"),
        (["--output", "out_${who}"], "needs the variable who, which is undefined; give --var who=..."),
        (["--set", "output.mode=sometimes"], "output.mode: "),
    ],
)
def test_what_the_next_command_would_refuse_is_refused_and_nothing_is_written(folder, capsys, given, words, file):
    assert init(*given, file=file) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert json.loads(printed.out)["status"] == "refused"
    assert "hush" not in printed.err + printed.out
    assert "u:p@" not in printed.err + printed.out
    assert not (folder / "run.yml").exists()


def test_a_refusal_of_what_it_would_write_does_not_speak_of_a_file_that_is_not_there(folder, capsys):
    assert init("--model", "m 1") == 2
    assert "the run file that init would write: model.name: " in capsys.readouterr().err


def test_two_columns_of_one_name_are_refused_also_those_that_no_model_is_sent(folder, capsys):
    for kind in (pa.int64(), pa.binary()):
        pq.write_table(pa.table([pa.array([], kind)] * 2, names=["a", "a"]), folder / "two.parquet")
        assert init("--input", "two.parquet") == 2
        assert "--input: in two.parquet, more than one column is named a, and" in capsys.readouterr().err
        assert not (folder / "run.yml").exists()


@pytest.mark.parametrize(
    "name",
    ["a${b}.parquet", "a${", "a$${b}.parquet", "a[1].parquet", "a{1}.parquet", "a*.parquet", "a?.parquet", r"a\b"],
)
@pytest.mark.parametrize("is_delta", [False, True])
def test_a_file_or_folder_of_any_name_is_the_one_that_is_read(folder, name, is_delta):
    if is_delta:
        (folder / name / "_delta_log").mkdir(parents=True)
        (folder / name / "_delta_log" / "0.json").write_text("{}")
    pq.write_table(TABLE, folder / name / "part-0.parquet" if is_delta else folder / name)
    assert init("--input", name) == 0
    config = load("run.yml", variables=["ds=1"], environ={})
    assert config.input.format == ("delta" if is_delta else "parquet")
    assert (config.input.path if is_delta else plain_path(config.input.path)) == name
    assert config.output.path == f"{name.removesuffix('.parquet')}_scored_1"


@pytest.mark.parametrize("name", ["${d}", "$${d}", "${", "a${d}b", "😀", "a\u2028b", "\x7f", "\x85"])
def test_a_column_of_any_name_is_the_one_that_is_sent(folder, name):
    pq.write_table(pa.table({name: [1]}), folder / "odd.parquet")
    assert init("--input", "odd.parquet") == 0
    assert load("run.yml", variables=["ds=1"], environ={}).record.columns == (name,)


def test_variables_in_what_is_given_for_the_file_are_meant(folder):
    assert init("--output", "s3://bucket/${who}_${ds}", "--workspace", "s3://bucket/${who}", "--var", "who=me") == 0
    config = load("run.yml", variables=["ds=1", "who=you"], environ={})
    assert (config.output.path, config.workspace) == ("s3://bucket/you_1", "s3://bucket/you")


def test_a_table_without_columns_is_no_input(folder, capsys):
    """Written it would be a run file of which the run says, of a key that it lacks, what no one can follow."""
    pq.write_table(pa.table({}), folder / "none.parquet")
    assert init("--input", "none.parquet") == 2
    assert "--input: none.parquet is a table without any column" in capsys.readouterr().err
    assert not (folder / "run.yml").exists()


def test_a_column_without_a_name_goes_through_and_is_not_sent(folder):
    pq.write_table(pa.table({"": [1], "age": [30]}), folder / "two.parquet")
    assert init("--input", "two.parquet") == 0
    assert load("run.yml", variables=["ds=1"], environ={}).record.columns == ("age",)
