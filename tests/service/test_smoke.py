"""`smoke` on the emulator over HTTP: it tells each switch that is turned, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import fields
from enum import Enum

import pytest

from batch_transform.core.smoke.questions import QUESTIONS
from support.sampling import one_in
from support.smoked import ACCOUNT, ARGUMENTS, BUCKET, account, smoked
from transform_emulator.faults.model import Fault, Kind
from transform_emulator.service.switches import Switches

TURNED = {
    "bytes_per_mb": "1000000",
    "payload_limit_inclusive": "false",
    "payload_zero_sends_whole_objects": "false",
    "blank_lines_are_records": "false",
    "folder_markers_are_objects": "false",
    "manifest_entries_keep_folders": "false",
    "absent_content_type_is_empty": "true",
    "empty_object_fails": "true",
    "newline_only_if_missing": "true",
    "retried_statuses_from": "400",
    "no_answer_is_retried": "false",
    "retry_pause_seconds": "2",
    "success_statuses_to": "200",
    "sharding": "contiguous_ranges",
    "instance_start_seconds": "5",
    "milliseconds_per_request": "300",
    "nanoseconds_per_byte": "500",
    "start_is_billed": "false",
    "files_in_parallel": "false",
    "stop_keeps_outputs": "true",
    "missing_manifest_key_fails": "true",
    "model_data_source_refused": "false",
    "failed_file_sends_rest": "true",
    "slice_end_inclusive": "false",
    "answer_type": "content_type",
    "inner_accept": "any",
    "inner_input_object": "false",
    "gzip_answers_are_unpacked": "false",
    "inner_payload_limit_mb": "5",
    "job_environment": "first",
    "join_mismatch_headline": "Two for one: no join",
    "join_settings_message": "Those do not join.",
    "too_large_headline": "Larger than that",
    "unknown_job_code": "ResourceNotFound",
    "duplicate_name_message": "{arn} is there already",
    "payload_product_message": "{payload} MB by {concurrent} at a time is too much",
}
ALSO_TURNED = [
    ("retried_statuses_from", "600"),
    ("success_statuses_to", "204"),
    ("sharding", "all_to_one"),
    ("inner_accept", "jobs"),
]
# What is measured is told as it was: never less, and so much more on a busy machine.
MEASURED = {
    "retry_pause_seconds": 2,
    "instance_start_seconds": 4,
    "milliseconds_per_request": 200,
    "nanoseconds_per_byte": 200,
}
# Nobody sees when the time of a start that takes none is paid for.
BESIDE = {"start_is_billed": ["instance_start_seconds=5"]}
# What another answer of the same job depends on.
FOLLOWS = {
    "start_is_billed": {"instance_start_seconds"},
    "instance_start_seconds": {"start_is_billed"},
    "milliseconds_per_request": {"retry_pause_seconds"},
    "retried_statuses_from": {"retry_pause_seconds"},
}
ASKED = {question.switch: question for question in QUESTIONS}


def only(switch):
    """Options that ask for a switch and for all that the same experiments tell."""
    needs = set(ASKED[switch].needs)
    return [word for each in QUESTIONS if set(each.needs) & needs for word in ("--only", each.switch)]


def default_of(field):
    value = field.default.value if isinstance(field.default, Enum) else field.default
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_questions_are_the_emulators_switches_in_their_order_with_its_defaults():
    assert [(each.switch, each.readings[0]) for each in QUESTIONS] == [
        (field.name, default_of(field)) for field in fields(Switches)
    ]


def test_each_switch_is_turned_by_a_test_to_another_reading():
    assert list(TURNED) == list(ASKED)
    for switch, value in [*TURNED.items(), *ALSO_TURNED]:
        assert value != ASKED[switch].readings[0]
        assert ASKED[switch].is_open or value in ASKED[switch].readings


def test_each_reading_of_a_closed_question_is_turned_to_by_a_test():
    turned = {*TURNED.items(), *ALSO_TURNED}
    closed = [question for question in QUESTIONS if not question.is_open]
    assert {(each.switch, reading) for each in closed for reading in each.readings[1:]} <= turned


@pytest.mark.slow
@pytest.mark.parametrize(("switch", "value"), one_in(6, [*TURNED.items(), *ALSO_TURNED]))
def test_a_turned_switch_is_told_and_no_other_one(capsys, switch, value):
    with account(f"{switch}={value}", *BESIDE.get(switch, ())) as there:
        code, report = smoked(there, capsys, only(switch))
    told = {each["switch"]: each for each in report["switches"]}
    assert code == 0
    assert told[switch]["outcome"] == "told", told[switch]
    if switch in MEASURED:
        assert 0 <= int(told[switch]["value"]) - int(value) <= MEASURED[switch]
    else:
        assert told[switch]["value"] == value, told[switch]
    assert f"{switch}={told[switch]['value']}" in report["emulator"]
    follows = {switch, "start_is_billed", *FOLLOWS.get(switch, ())}
    others = {name: each["value"] for name, each in told.items() if name not in follows}
    assert others == {name: ASKED[name].readings[0] for name in others}


@pytest.mark.slow
def test_the_whole_scores_the_rows_tells_all_that_shows_and_leaves_nothing(capsys):
    with account() as there:
        code, report = smoked(there, capsys, ["--price-per-hour", "3600"])
        assert (there.objects(), there.models()) == ([], [])
    assert code == 0
    assert (report["rows"]["sent"], report["rows"]["as_expected"]) == (1000, 1000)
    assert report["cost_usd"] == pytest.approx(report["paid_instance_seconds"], abs=0.1)
    assert {each["switch"] for each in report["switches"] if each["outcome"] != "told"} == {"start_is_billed"}
    assert (report["emulator"], report["left"]) == ([], [])
    text = json.dumps(report)
    assert ACCOUNT not in text
    assert BUCKET not in text


def test_what_is_refused_at_once_is_told_without_a_job(capsys):
    words = ["payload_product_message", "join_settings_message", "unknown_job_code", "model_data_source_refused"]
    with account() as there:
        code, report = smoked(there, capsys, [word for name in words for word in ("--only", name)])
        assert (there.jobs(), there.objects(), there.models()) == ([], [], [])
    assert code == 0
    assert {each["switch"]: each["outcome"] for each in report["switches"]} == dict.fromkeys(words, "told")
    assert (report["rows"], report["jobs"], report["cost_usd"]) == (None, [], None)


def test_who_keeps_what_was_made_is_told_where_it_is(capsys):
    with account() as there:
        _, report = smoked(there, capsys, ["--only", "payload_product_message", "--keep"])
        (folder, model) = report["left"]
        assert there.models() == [model]
        assert {f"s3://{BUCKET}/{key}".startswith(folder) for key in there.objects()} == {True}


@pytest.mark.slow
def test_rows_that_are_not_scored_are_exit_code_4_with_the_whole_report(capsys, monkeypatch):
    monkeypatch.setattr("batch_transform.pipeline.commands.smoke_jobs._SECONDS_BETWEEN_LOOKS", 0.0)
    with account(models={}) as there:
        code, report = smoked(there, capsys, [])
        assert (there.objects(), there.models()) == ([], [])
    assert (code, report["status"], report["rows"]["as_expected"]) == (4, "tried", 0)
    outcomes = {each["switch"]: each["outcome"] for each in report["switches"]}
    assert outcomes["bytes_per_mb"] == "not told"
    assert outcomes["unknown_job_code"] == "told"
    assert all(each["why"] for each in report["switches"] if each["outcome"] == "not told")


@pytest.mark.slow
def test_what_logs_would_tell_is_not_told_without_them(capsys, monkeypatch):
    monkeypatch.setattr("batch_transform.pipeline.commands.smoke_jobs._SECONDS_BETWEEN_LOOKS", 0.0)
    with account() as there:
        there.emulator.faults.replace([Fault(Kind.ACCESS_DENIED, operation="DescribeLogStreams")])
        code, report = smoked(there, capsys, ["--only", "retried_statuses_from", "--only", "blank_lines_are_records"])
    told = {each["switch"]: each for each in report["switches"]}
    assert code == 0
    assert told["blank_lines_are_records"]["value"] == "true"
    assert told["retried_statuses_from"]["outcome"] == "not told"
    assert "CloudWatch Logs cannot be read" in told["retried_statuses_from"]["why"]


def test_a_job_waits_for_its_quota(capsys):
    with account() as there:
        there.emulator.faults.replace([Fault(Kind.RESOURCE_LIMIT_EXCEEDED, calls=(1, 2))])
        code, report = smoked(there, capsys, ["--only", "payload_zero_sends_whole_objects"])
    assert (code, report["switches"][0]["value"]) == (0, "true")


def test_a_quota_that_never_allows_a_job_is_told_as_such_and_keeps_no_other_job_back(capsys, monkeypatch):
    monkeypatch.setattr("batch_transform.pipeline.commands.smoke_jobs._IDLE_PATIENCE_SECONDS", 0.1)
    with account() as there:
        there.emulator.faults.replace([Fault(Kind.RESOURCE_LIMIT_EXCEEDED, job="*-shards")])
        code, report = smoked(there, capsys, ["--only", "sharding", "--only", "missing_manifest_key_fails"])
        assert (there.objects(), there.models()) == ([], [])
    sharding, missing = report["switches"]
    assert (code, missing["value"]) == (0, "false")
    assert sharding["outcome"] == "not told"
    assert "shards: not created refused: " in sharding["why"]
    assert "ml.m5.large for transform job usage" in sharding["why"]


@pytest.mark.slow
def test_ctrl_c_stops_the_jobs_removes_what_was_made_and_reports(tmp_path):
    main = "from batch_transform.pipeline.submit.console_script import main; main()"
    with account() as there:
        with subprocess.Popen(
            [sys.executable, "-c", main, *ARGUMENTS, "--only", "stop_keeps_outputs", "--only", "no_answer_is_retried"],
            env={**os.environ, **there.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            assert next(line for line in iter(process.stderr.readline, "") if "is created" in line)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert process.returncode == 130, err
        report = json.loads(out)
        assert (report["status"], report["error"]) == ("interrupted", ["interrupted by Ctrl-C (SIGINT)"])
        assert "stop requested" in err
        assert (there.objects(), there.models()) == ([], [])


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ([], "--bucket: is needed; see --help"),
        (["--bucket", "b", "--role", "model"], "--role: is no ARN of a role"),
        ([*ARGUMENTS[1:], "--only", "sharing"], "--only: 'sharing' is no switch; valid: bytes_per_mb, "),
        ([*ARGUMENTS[1:], "--price-per-hour", "much"], "--price-per-hour: is 'much'; valid: a number above 0"),
        ([*ARGUMENTS[1:], "--emulator", "a=b"], "an emulator that runs is named by AWS_ENDPOINT_URL"),
        (["--bucket", "", "--role", "model"], "--bucket: is 's3://'; valid: s3://BUCKET"),
        (
            ["--bucket", "a--usw2-az1--x-s3", "--role", "model"],
            "--bucket: is 's3://a--usw2-az1--x-s3', a directory bucket",
        ),
        (["run.yml"], "smoke: takes no run file; 1 were given"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_made(capsys, words, fault):
    from batch_transform.pipeline.submit import console_script

    assert console_script.exit_code(["smoke", *words]) == 2
    assert fault in " ".join(json.loads(capsys.readouterr().out)["error"])


def test_a_bucket_that_is_not_there_is_refused(capsys):
    with account() as there:
        code, report = smoked(there, capsys, ["--bucket", "another"])
    assert (code, report["error"]) == (2, ["--bucket: there is no bucket another; make it in us-east-1 first"])
