"""The console script refuses what it cannot run before any Spark is loaded."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.commands import named_run, steps
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.submit import console as cli
from batch_transform.pipeline.submit import submission

URI = "s3://bucket/runs/a"
RUN_FILE = """
run_id: a
workspace: s3://bucket/runs
input: {path: in.parquet}
model: {name: m}
output: {path: out}
"""


@pytest.fixture
def run_file(tmp_path: Path) -> str:
    """A run file that is right."""
    (tmp_path / "run.yml").write_text(RUN_FILE)
    return str(tmp_path / "run.yml")


def test_a_run_file_becomes_its_document(run_file):
    """Overrides are applied as they are by the wrapper."""
    document = cli.resolved(parse(["run", run_file, "--set", "output.mode=append"]))
    assert (document["run_id"], document["output"]["mode"]) == ("a", "append")


def test_options_of_spark_submit_are_refused(run_file):
    """In a Spark that is there already they would be ignored, which nobody would notice."""
    with pytest.raises(ConfigurationError, match="--driver-memory"):
        cli.resolved(parse([run_file, "--driver-memory", "2g"]))


def test_a_wrong_run_file_is_exit_code_2_and_a_report(tmp_path, monkeypatch, capsys):
    """Faults go to standard error; standard output has one line, the report."""
    (tmp_path / "run.yml").write_text(RUN_FILE + "colour: red\n")
    monkeypatch.setattr(sys, "argv", ["batch-transform", "run", str(tmp_path / "run.yml")])
    assert cli.main() == 2
    printed = capsys.readouterr()
    (line,) = printed.out.strip().split("\n")
    assert json.loads(line)["status"] == "refused"
    assert "colour" in printed.err


def test_a_plan_is_made_of_the_same_document_and_its_code_is_the_commands(run_file, monkeypatch, capsys):
    """`plan` is run in this process, as `run` is."""
    module = types.ModuleType("batch_transform.pipeline.commands.plan")

    def plan_job(document, handshake):
        handshake.report({"status": "planned", "run_id": document["run_id"]})
        return 0

    module.plan_job = plan_job
    monkeypatch.setitem(sys.modules, "batch_transform.pipeline.commands.plan", module)
    monkeypatch.setattr(sys, "argv", ["batch-transform", "plan", run_file])
    assert cli.main() == 0
    assert json.loads(capsys.readouterr().out) == {"status": "planned", "run_id": "a"}


class Unforeseen(Exception):
    """Of a library, which nobody has named."""


@pytest.mark.parametrize("words", [["status", URI], ["collect", URI], ["resume", URI]])
def test_an_error_that_nobody_named_is_exit_code_4_and_one_report(words, monkeypatch, capsys):
    """1 is no exit code of this command: an orchestrator could not tell whether to try again."""
    unforeseen(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["batch-transform", *words])
    assert cli.main() == 4
    printed = capsys.readouterr()
    (line,) = printed.out.strip().split("\n")
    report = json.loads(line)
    assert (report["status"], report["error"]) == ("failed", ["Unforeseen: oh"])
    assert printed.err.count("Traceback") == 1


@pytest.mark.parametrize("words", [["status", URI], ["collect", URI], ["resume", URI]])
def test_the_submission_leaves_a_report_of_an_error_that_nobody_named(words, monkeypatch, capsys, tmp_path):
    unforeseen(monkeypatch)
    assert submission.main([str(tmp_path), "score.py", *words], {}) == 4
    assert json.loads((tmp_path / "fallback.json").read_text())["error"] == ["Unforeseen: oh"]
    assert capsys.readouterr().err.count("Traceback") == 1


def unforeseen(monkeypatch):
    def fail(uri, access):
        raise Unforeseen("oh")

    for module in (named_run, steps):
        monkeypatch.setattr(module, "read_run", fail)
