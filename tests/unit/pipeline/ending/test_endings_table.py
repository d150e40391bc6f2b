"""The architecture's table of endings: what each leaves, with which exit code, and what a person reads last."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from batch_transform.core.errors import (
    AnswersMisread,
    ConfigurationError,
    ErrorBudgetExceeded,
    Interrupted,
    LedgerFenced,
    OverCost,
    PublishedUnverified,
    RowsLost,
    RunHeld,
    ServiceFailure,
    SmokeFailed,
    SmokeInterrupted,
    StopRequested,
    UnexpectedPredictions,
)
from batch_transform.core.publishing.last_words import is_told_in_words, last_lines
from batch_transform.core.publishing.report import run_report
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.commands.command_options import PREPARE, SUBMIT
from batch_transform.pipeline.ending.exits import exit_of
from batch_transform.pipeline.handshake import EXIT_FILE_VARIABLE, REPORT_FILE_VARIABLE, TOLD, WORDS, Handshake
from batch_transform.pipeline.submit.console_script import PrintedReport
from support.memory_run import MemoryRun, echoing
from support.report_pages import driven, raising, written

LIB = Path(__file__).parents[4] / "lib"
LEFT = "report, page"
NOTHING = "`report: null`"


def run(**other):
    return MemoryRun([4, 4], echoing(lambda row: 400 if row == 2 else None), exported=False, **other)


def over_cost():
    made = run(transform={"instance_start_seconds": 0}, sections={"budget_usd": 0.01})
    made.service.lasts = lambda job: 600.0
    return made


def ended_by(error):
    return error.exit_code, driven(run(), raising(error, lambda driver: driver.state.is_settled)).report


def stepped(*commands):
    made = run()
    for command in commands:
        made.step(command)
    return 0, written(made).report


def of_no_run(error):
    found = exit_of(error, is_begun=False)
    return found.code, found.report()


def looked_at(status):
    return 0, run_report(run().driver().state, status, "s3://bucket/run")


CLEANED = {
    "status": "cleaned",
    "run_id": "run",
    "objects": 4,
    "bytes": 8000,
    "kept": ["the ledger"],
    "remains": [],
    "given_up": False,
}
RUNS = {"status": "cleaned", "cleaned": ["s3://b/a"], "kept": ["s3://b/c"], "objects": 4, "bytes": 8000, "runs": []}
COMPARED = {"status": "alike", "rows_compared": 100, "rows_different": 0}
SMOKED = {
    "status": "tried",
    "seconds": 400.0,
    "paid_instance_seconds": 3600.0,
    "cost_usd": 0.115,
    "left": [],
    "rows": {"sent": 1000, "as_expected": 1000},
    "switches": [{"value": "200"}, {"value": None}],
    "emulator": ["success_statuses_to=200"],
}
# What ended it; its exit code and its report.
ENDINGS = {
    "it is published": (LEFT, lambda: (0, driven(run()).report)),
    "more dead letters than `errors` accepts": (
        LEFT,
        lambda: (ErrorBudgetExceeded.exit_code, driven(run(errors={"max_rows": 0})).report),
    ),
    "jobs that have cost `budget_usd`": (LEFT, lambda: (OverCost.exit_code, driven(over_cost()).report)),
    "predictions that `expect` does not accept": (
        LEFT,
        lambda: (UnexpectedPredictions.exit_code, driven(run(sections={"expect": ["count(*) = 9"]})).report),
    ),
    "what is found wrong once the run is held": (LEFT, lambda: ended_by(ConfigurationError("input: why"))),
    "the service, S3 or the cluster": (LEFT, lambda: ended_by(ServiceFailure("why"))),
    "a commit with other rows than were proven": (LEFT, lambda: ended_by(PublishedUnverified("why"))),
    "staged rows that are gone, a damaged ledger": (LEFT, lambda: ended_by(RowsLost("why"))),
    "Ctrl-C": (LEFT, lambda: ended_by(Interrupted(2))),
    "SIGTERM": (LEFT, lambda: ended_by(Interrupted(15))),
    "`stop`": (LEFT, lambda: ended_by(StopRequested())),
    "`prepare`": (LEFT, lambda: stepped(PREPARE)),
    "`submit`, or `collect` too early": (LEFT, lambda: stepped(PREPARE, SUBMIT)),
    "a wrong run file or argument": (NOTHING, lambda: of_no_run(ConfigurationError("why"))),
    "a failure before the run is held": (NOTHING, lambda: of_no_run(ServiceFailure("why"))),
    "another driver that is at work": (
        NOTHING,
        lambda: of_no_run(RunHeld("s3://b/lease.json", "ann on host", "s3://b/run")),
    ),
    "another driver that has taken over": (NOTHING, lambda: of_no_run(LedgerFenced("why"))),
    "a signal before the run is held": (NOTHING, lambda: of_no_run(Interrupted(2))),
    "`status` of a run at work": ("nothing", lambda: looked_at(RunStatus.RUNNING)),
    "`status` of a dead driver's": ("nothing", lambda: looked_at(RunStatus.DIED)),
    "`status` of one that ended unsaid": ("nothing", lambda: looked_at(RunStatus.ENDED)),
    "`plan`, `run --dry-run`": ("nothing", lambda: (0, {"run_id": None, "status": "planned"})),
    "`run --target`": ("nothing", lambda: (0, {"status": "submitted", "id": "j-1", "report": "s3://b/status.json"})),
    "`package`": ("nothing", lambda: (0, {"status": "packaged", "wheel": "w", "wheel_bytes": 9000, "python": "3.11"})),
    "`clean`": ("nothing", lambda: (0, CLEANED)),
    "`clean --unfinished`": ("nothing", lambda: (0, {**CLEANED, "given_up": True})),
    "`clean --dry-run`": ("nothing", lambda: (0, {**CLEANED, "status": "planned"})),
    "`clean --older-than`": ("nothing", lambda: (0, RUNS)),
    "`clean --older-than --dry-run`": ("nothing", lambda: (0, {**RUNS, "status": "planned"})),
    "`compare`": ("nothing", lambda: (0, COMPARED)),
    "`smoke`": ("nothing", lambda: (0, SMOKED)),
    "`smoke` whose rows are not as expected": (
        "nothing",
        lambda: (SmokeFailed.exit_code, {**SMOKED, "rows": {"sent": 1000, "as_expected": 0}, "emulator": []}),
    ),
    "`smoke` without an answer": (
        "nothing",
        lambda: (SmokeFailed.exit_code, {"status": "failed", "error": ["why"], "left": []}),
    ),
    "Ctrl-C in `smoke`": (
        "nothing",
        lambda: of_no_run(SmokeInterrupted(2, {"status": "interrupted", "error": [], "left": ["s3://b/smoke/"]})),
    ),
    "`compare` that finds others": ("nothing", lambda: (3, {**COMPARED, "status": "different", "rows_different": 2})),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_table_of_endings_has_what_each_leaves_and_says(ending):
    left, end = ENDINGS[ending]
    code, report = end()
    said = "<br>".join(line for line in last_lines(report) if not line.startswith("error: "))
    row = f"| {ending} | {report['status']} | {code} | {left} | {said} |"
    assert row in (LIB / "README.md").read_text(encoding="utf-8").splitlines()
    assert (report.get("report") is not None) == (left == LEFT or ending == "`run --target`")


def test_the_table_of_endings_has_every_status_and_nothing_else():
    text = (LIB / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (.+?) \| (\w+) \| \d+ \|", text.partition("## Endings")[2].partition("\n## ")[0], re.MULTILINE
    )
    assert [name for name, _ in rows] == list(ENDINGS)
    assert {status for _, status in rows} | {RunStatus.SETTLED} == set(RunStatus)


EMULATED = {"emulator": {"models": {"m": "http://127.0.0.1:1"}}}


@pytest.mark.parametrize("sections", [{}, EMULATED])
def test_an_error_that_wants_a_setting_is_not_gone_on_with_by_the_same_command_alone(sections):
    report = driven(run(sections=sections), raising(AnswersMisread("Set a: b"), lambda driver: True)).report
    assert report["next"] is None
    assert "Set what the error names, then: the same call of score()" in last_lines(report)
    assert not any(line.startswith("To go on") for line in last_lines(report))


@pytest.mark.parametrize("error", [ServiceFailure("why"), Interrupted(2)])
def test_a_run_that_has_ended_with_its_emulator_is_begun_anew_and_not_gone_on_with(error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = driven(run(sections=EMULATED), raising(error, lambda driver: True)).report
    said = "\n".join(last_lines(report))
    assert report["next"] is None
    assert "To begin anew: the same call of score()" in said
    assert "`emulator.state`" in said
    assert "To go on" not in said
    kept = {"emulator": {**EMULATED["emulator"], "state": "kept"}}
    report = driven(run(sections=kept), raising(error, lambda driver: True)).report
    assert "To go on: the same call of score()" in last_lines(report)
    assert [*tmp_path.iterdir()] == []  # its rows lie on S3, and so does its page


def test_the_errors_of_a_run_stand_above_its_sentence_once_more_and_on_a_line_each():
    _, report = ended_by(ServiceFailure("why\nnot"))
    lines = last_lines(report)
    assert lines[0] == "error: why\\nnot"
    assert lines[1].startswith("Failed, the run is not published: ")


def test_an_interruption_is_no_error():
    assert last_lines(ended_by(Interrupted(2))[1])[0].startswith("Interrupted, the run is not published: ")


def test_a_page_on_this_machine_is_a_link(tmp_path):
    report = {**run_report(run().driver().state, RunStatus.FAILED, "s3://bucket/run"), "report": "/a b/report.html"}
    assert "; report file:///a%20b/report.html." in last_lines(report)[0]


def test_a_person_s_last_lines_come_after_the_one_line_of_standard_output(capsys):
    """Where nobody prints the report in this one's stead, it is the last thing but one that is seen."""
    printed = PrintedReport()
    _, report = ended_by(ServiceFailure("why"))
    for each in (report, {**report, "report": None}):
        printed.report(each)
    assert capsys.readouterr() == ("", "")
    printed.end(4)
    said = capsys.readouterr()
    assert json.loads(said.out)["report"] is None
    assert said.err.splitlines()[0].startswith("Failed, the run is not published")


@pytest.mark.parametrize("is_json", [False, True])
@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_terminal_gets_the_report_of_a_run_only_where_json_is_asked_for(capsys, monkeypatch, is_terminal, is_json):
    """The words tell it there, and the line of JSON, which is longer than the screen, would push them away."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    printed = PrintedReport(is_json=is_json)
    printed.report(ended_by(ServiceFailure("why"))[1])
    printed.end(4)
    assert bool(capsys.readouterr().out) == (is_json or not is_terminal)


def test_an_error_is_told_once_more_on_a_terminal_alone_where_many_lines_may_stand_between(capsys, monkeypatch):
    printed = PrintedReport()
    printed.report(ended_by(ServiceFailure("why"))[1])
    printed.end(4)
    assert "error: why" not in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    printed.end(4)
    assert "error: why" in capsys.readouterr().err


NOT_TOLD = {"`plan`, `run --dry-run`", "`run --target`", "`package`", "`compare`", "`compare` that finds others"}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_words_do_not_tell_whole_is_printed_on_a_terminal_as_well(ending):
    report = ENDINGS[ending][1]()[1]
    is_whole = ending not in NOT_TOLD and not ending.startswith(
        ("`clean --older", "`clean --dry", "`smoke", "Ctrl-C in")
    )
    assert is_told_in_words(report) == is_whole
    assert not is_told_in_words({**report, "rows_forgotten": False} if "rows_in" in report else {"Statement": []})


def test_a_plan_is_told_in_words():
    assert is_told_in_words({"run_id": None, "status": "planned", "missing": [], "quotas": []})


def test_a_wrapper_finds_beside_a_report_whether_words_tell_it(tmp_path):
    handshake = Handshake.from_environ({REPORT_FILE_VARIABLE: str(tmp_path / "report")})
    handshake.report(of_no_run(ConfigurationError("why"))[1])
    assert (tmp_path / f"report{TOLD}").exists()
    handshake.report({"Statement": []})
    assert not (tmp_path / f"report{TOLD}").exists()


def test_whoever_prints_the_report_of_a_driver_has_its_last_lines_beside_it(tmp_path, capsys):
    handshake = Handshake.from_environ(
        {REPORT_FILE_VARIABLE: str(tmp_path / "report"), EXIT_FILE_VARIABLE: str(tmp_path / "exit")}
    )
    handshake.report(of_no_run(ConfigurationError("why"))[1])
    handshake.end(2)
    assert (tmp_path / f"report{WORDS}").read_text().startswith("Refused: nothing was done")
    assert (tmp_path / "exit").read_text() == "2\n"
    assert capsys.readouterr() == ("", "")


def test_what_is_no_report_has_no_last_lines():
    assert last_lines({"Statement": []}) == []
