"""The console script refuses what it cannot run before any Spark is loaded."""

from __future__ import annotations

import json
import os
import re
import sys
import types
from pathlib import Path

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import StoreFailure
from batch_transform.pipeline.checks import before_spark
from batch_transform.pipeline.commands import named_run
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.dispatch import configuration
from batch_transform.pipeline.handshake import COMMAND_VARIABLE
from batch_transform.pipeline.spelling import RESUME_VARIABLE, SEE_ERRORS_VARIABLE
from batch_transform.pipeline.submit import console_script, submission, supervising
from batch_transform.s3.store import S3Store

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
    asked = parse(["run", run_file, "--set", "output.mode=append"])
    document = console_script.resolved(asked, configuration(asked, {}))
    assert (document["run_id"], document["output"]["mode"]) == ("a", "append")


def test_options_of_spark_submit_are_refused(run_file):
    """In a Spark that is there already they would be ignored, which nobody would notice."""
    asked = parse([run_file, "--driver-memory", "2g"])
    with pytest.raises(ConfigurationError, match="--driver-memory"):
        console_script.resolved(asked, configuration(asked, {}))


def test_a_wrong_run_file_is_exit_code_2_and_a_report(tmp_path, capsys):
    """Faults go to standard error; standard output has one line, the report."""
    (tmp_path / "run.yml").write_text(RUN_FILE + "colour: red\n")
    assert console_script.exit_code(["run", str(tmp_path / "run.yml")]) == 2
    printed = capsys.readouterr()
    (line,) = printed.out.strip().split("\n")
    assert json.loads(line)["status"] == "refused"
    assert "colour" in printed.err


@pytest.mark.parametrize("command", ["status", "stop", "clean", "resume", "prepare", "submit", "collect"])
@pytest.mark.parametrize("folder", ["s3://", "s3:///a", "s3://A_b/a", "s3://bucket/a//b", "s3a://bucket/../b"])
def test_what_is_no_folder_on_s3_is_exit_code_2(command, folder, capsys):
    assert console_script.exit_code([command, folder]) == 2
    assert f"RUN: is '{folder}'; " in capsys.readouterr().err


@pytest.mark.parametrize(
    "given", [("iam", "s3://no-bucket/run.yml"), ("init", "--input", "s3://no-bucket/t/", "--model", "m")], ids=str
)
def test_a_bucket_that_is_not_there_is_an_argument_that_is_wrong(given, monkeypatch, capsys):
    def missing(operation, where):
        raise StoreFailure(operation, where, "NoSuchBucket", "The specified bucket does not exist")

    monkeypatch.setattr(S3Store, "get", lambda store, uri: missing("GetObject", str(uri)))
    monkeypatch.setattr(S3Store, "list", lambda store, prefix: missing("ListObjectsV2", str(prefix)))
    assert console_script.exit_code([*given]) == 2
    told = capsys.readouterr().err
    assert re.search(r"s3://no-bucket/\S+: .*there is no (such )?bucket", told)


def test_a_plan_is_made_of_the_same_document_and_its_code_is_the_commands(run_file, monkeypatch, capsys):
    """`plan` is run in this process, as `run` is."""
    module = types.ModuleType("batch_transform.pipeline.commands.plan")

    def plan_job(document, handshake, **how):
        handshake.report({"status": "planned", "run_id": document["run_id"], **how})
        return 0

    module.plan_job = plan_job
    monkeypatch.setitem(sys.modules, "batch_transform.pipeline.commands.plan", module)
    assert console_script.exit_code(["plan", run_file, "--exact"]) == 0
    planned = {"status": "planned", "run_id": "a", "exact": True, "show_record": False}
    assert json.loads(capsys.readouterr().out) == planned


@pytest.fixture
def launched(run_file, monkeypatch):
    """Calls the entry point as a launcher does, with a pipeline that ends with a code."""

    def launch(code, seen=None):
        module = types.ModuleType("batch_transform.pipeline.commands.run")

        def run_job(document, handshake, command, switches):
            if seen is not None:
                seen.append([os.environ[name] for name in (RESUME_VARIABLE, SEE_ERRORS_VARIABLE, COMMAND_VARIABLE)])
            return code

        module.run_job = run_job
        monkeypatch.setitem(sys.modules, "batch_transform.pipeline.commands.run", module)
        monkeypatch.setattr(before_spark, "told_before_spark", lambda config, environ: None)
        monkeypatch.setattr(sys, "argv", ["batch-transform", "run", run_file])
        return console_script.main()

    return launch


@pytest.mark.parametrize("code", [2, 3, 4, 130, 143])
def test_a_run_that_is_not_published_ends_the_launcher_of_a_wheel_which_ignores_what_is_returned(launched, code):
    with pytest.raises(SystemExit) as ended:
        launched(code)
    assert ended.value.code == code


def test_a_published_run_returns_nothing_and_lets_its_launcher_go_on(launched):
    assert launched(0) is None


def test_an_argument_that_is_wrong_ends_the_launcher_too(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["batch-transform", "status"])
    with pytest.raises(SystemExit) as ended:
        console_script.main()
    assert ended.value.code == 2


@pytest.mark.parametrize("before", [None, "theirs"])
def test_the_environment_is_as_it_was_when_a_run_has_ended(launched, monkeypatch, before):
    """The process may be another's, and begin another run."""
    names = (RESUME_VARIABLE, SEE_ERRORS_VARIABLE, COMMAND_VARIABLE)
    for name in names:
        monkeypatch.delenv(name, raising=False)
        if before is not None:
            monkeypatch.setenv(name, before)
    seen = []
    launched(0, seen)
    about = [f"batch-transform {command} s3://bucket/runs/a" for command in ("resume", "errors")]
    assert seen == [[*about, f"batch-transform run {sys.argv[-1]}"]]
    assert [os.environ.get(name) for name in names] == [before] * 3


class Unforeseen(Exception):
    """Of a library, which nobody has named."""


@pytest.mark.parametrize("words", [["status", URI], ["collect", URI], ["resume", URI]])
def test_an_error_that_nobody_named_is_exit_code_4_and_one_report(words, monkeypatch, capsys):
    """1 is no exit code of this command: an orchestrator could not tell whether to try again."""
    unforeseen(monkeypatch)
    assert console_script.exit_code(words) == 4
    printed = capsys.readouterr()
    (line,) = printed.out.strip().split("\n")
    report = json.loads(line)
    assert (report["status"], report["error"]) == ("failed", ["Unforeseen: oh"])
    assert printed.err.count("Traceback") == 1


def test_ctrl_c_before_anything_handles_signals_is_an_interruption_without_a_stack(monkeypatch, capsys):
    def cut_short(uri, access):
        raise KeyboardInterrupt

    monkeypatch.setattr(named_run, "named_run", cut_short)
    assert console_script.exit_code(["status", URI]) == 130
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"] == ["interrupted by Ctrl-C (SIGINT)"]
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(("elsewhere", "status"), [(False, "interrupted"), (True, "submitted")])
def test_ctrl_c_before_a_driver_that_is_submitted_reports_is_no_failure(monkeypatch, capsys, elsewhere, status):
    """A driver in a cluster may go on, and where its report will be stays told."""

    def submitted(_asked, work, *_others):
        (work / "command.json").touch()
        (work / "fallback.json").write_text(json.dumps({"status": "submitted" if elsewhere else "failed"}))
        return 0

    monkeypatch.setattr(submission, "submit", submitted)
    monkeypatch.setattr(supervising.Supervised, "run", lambda *_: 130)
    monkeypatch.setattr(supervising.Supervised, "is_without_word", lambda *_: not elsewhere)
    printed = console_script.PrintedReport()
    assert console_script._sent(None, printed) == 130
    assert [report["status"] for report in printed.reports] == [status]


@pytest.mark.parametrize("words", [["status", URI], ["collect", URI], ["resume", URI]])
def test_the_submission_leaves_a_report_of_an_error_that_nobody_named(words, monkeypatch, capsys, tmp_path):
    unforeseen(monkeypatch)
    assert submission.main([str(tmp_path), "score.py", *words], {}) == 4
    assert json.loads((tmp_path / "fallback.json").read_text())["error"] == ["Unforeseen: oh"]
    assert capsys.readouterr().err.count("Traceback") == 1


def unforeseen(monkeypatch):
    def fail(uri, access):
        raise Unforeseen("oh")

    monkeypatch.setattr(named_run, "named_run", fail)
