"""`init` looks at a footer, writes one file, and never over another one."""

from __future__ import annotations

import re

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
    [("one.parquet", "parquet", "one_scored"), ("in", "parquet", "in_scored"), ("in/", "parquet", "in_scored")],
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


def test_what_cannot_be_looked_at_is_refused(folder, capsys):
    (folder / "text.parquet").write_text("no")
    (folder / "empty").mkdir()
    for arguments, words in {
        ("--model", "m"): "--input: is needed",
        ("--input", "one.parquet"): "--model: is needed",
        ("--input", "nowhere", "--model", "m"): "--input: nowhere: there is no file",
        ("--input", "empty", "--model", "m"): "--input: empty: there is no file",
        ("--input", "text.parquet", "--model", "m"): "--input: .*text.parquet .* does not end as a Parquet file does",
    }.items():
        assert init(*arguments) == 2
        assert re.search(words, capsys.readouterr().err)
    with pytest.raises(ConfigurationError, match="init: writes one file; 2 were given"):
        parse(["init", "a.yml", "b.yml"])
