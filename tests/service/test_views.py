"""list, show, errors, logs and report, on runs in an emulator's S3, and on containers that ran there."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import boto3
import pytest

from batch_transform.cloudwatch.container_logs import ContainerLogs
from batch_transform.cloudwatch.data_logs import GROUP
from batch_transform.core.errors import ConfigurationError, Interrupted, ServiceFailure
from batch_transform.core.lease import Lease
from batch_transform.core.publishing.last_words import last_lines
from batch_transform.pipeline.commands import dispatch
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.views import view
from batch_transform.pipeline.submit import console_script, submission
from support import recorded
from support.emulator_aws import Aws, request
from support.memory_run import MemoryRun, echoing
from support.report_pages import driven, raising
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

URI = "s3://bucket/run"
HEADS = "RUN STATUS LAST STEP (UTC) ROWS SCORED DEAD MODEL OUTPUT"
ROOT, RUN = Path(__file__).parents[2], "churn-2024-05-01"
KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
QUOTING = "row 2 is \x1b[31mred\u202e"


@pytest.fixture(scope="module")
def emulator():
    with Emulator(Settings({}, buckets=["bucket", recorded.BUCKET])) as emulator:
        yield emulator


@pytest.fixture
def s3(emulator, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint_url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    client = boto3.client("s3", "us-east-1", endpoint_url=emulator.endpoint_url)
    yield client
    for found in client.list_objects_v2(Bucket="bucket").get("Contents", ()):  # moto's memory is the process's
        client.delete_object(Bucket="bucket", Key=found["Key"])


def put(s3, run):
    for (bucket, key), (body, _) in run.store.world.objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    return run


def refusing(row):
    return 400 if row == 2 else None


def made(**other):
    return MemoryRun([4, 4], echoing(refusing), exported=False, **other)


def published(s3):
    run = made()
    driven(run)
    return put(s3, run)


def ask(*words, told=None):
    return view(parse(list(words)), os.environ, (told if told is not None else []).append)


def asked_json(*words):
    text = ask(*words, "-o", "json")
    assert "\n" not in text
    return json.loads(text)


def keys(s3):
    return {(f["Key"], f["ETag"], f["LastModified"]) for f in s3.list_objects_v2(Bucket="bucket")["Contents"]}


def test_list_tells_the_runs_of_a_workspace_the_latest_first(s3):
    published(s3)
    for key in ("runs/broken/ledger/000000000000.json", "other/a.txt", "rows/run/input/x"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"no step")
    heads, *rows = ask("list", "s3://bucket").splitlines()
    assert " ".join(heads.split()) == HEADS
    assert [row.split()[:2] for row in rows[:2]] in (
        [["broken", "unreadable"], ["run", "published"]],
        [["run", "published"], ["broken", "unreadable"]],
    )
    assert rows[-1] == f"To see one: batch-transform show s3://bucket/{rows[0].split()[0]}"
    found = {run["workspace"]: run for run in asked_json("list", "s3://bucket")["runs"]}
    run = found[URI]
    assert (run["rows_in"], run["rows_scored"], run["rows_dead_letter"], run["in_flight"]) == (8, 7, 1, 0)
    assert "s3://bucket/runs/broken/ledger/000000000000.json" in found["s3://bucket/broken"]["error"]


def test_a_folder_that_is_no_runs_cannot_write_to_the_terminal_by_its_name(s3):
    s3.put_object(Bucket="bucket", Key="runs/\u202e\x9b31m/ledger/000000000000.json", Body=b"[" * 100_000)
    listed = ask("list", "s3://bucket")
    lines = listed.splitlines()
    assert all(line.isprintable() for line in lines)
    assert [line for line in lines if line.startswith(r"s3://bucket/\u202e\x9b31m: ")]


def test_a_run_of_an_earlier_version_is_listed_and_shown(s3):
    recorded.put(s3, "published")
    (run,) = asked_json("list", f"s3://{recorded.BUCKET}/recorded")["runs"]
    assert (run["status"], run["rows_in"], run["rows_dead_letter"]) == ("published", 64, 1)
    assert "unreadable prediction" in ask("errors", run["workspace"])


def test_a_workspace_without_a_run_is_refused(s3):
    with pytest.raises(ConfigurationError, match="s3://bucket/none: there is no run"):
        ask("list", "s3://bucket/none")


def test_show_tells_what_a_run_is_and_its_numbers_are_the_report_s(s3):
    report = published(s3).state().report
    text = ask("show", URI)
    assert text.startswith(last_lines(report)[0].partition("; report")[0])
    assert re.search(r"^model +m$", text, re.MULTILINE)
    assert "rejected by the model" in text
    found = asked_json("show", URI)
    for key in ("rows_in", "rows_scored", "rows_dead_letter", "jobs", "errors", "output", "seconds"):
        assert found[key] == report[key]


def test_errors_shows_classes_with_status_advice_and_the_model_s_words_escaped(s3):
    run = published(s3)
    (entry,) = run.state().report["errors"]
    example = entry["examples"][0]
    found = asked_json("errors", URI)
    assert found["errors"][0]["http_status"] == [400]
    assert found["errors"][0]["examples"][0]["words"].startswith("ClientError: 400")
    text = ask("errors", URI)
    assert f"line {example['line']} of {example['object']} in {example['job']}" in text
    assert text.replace("\n", "").isprintable()
    assert "all rows without a prediction, with their own columns, and in `error` object and line as above: " in text
    assert text.endswith(found["dead_letter"])


def test_errors_of_rows_that_are_forgotten_say_so(s3):
    published(s3)
    for found in s3.list_objects_v2(Bucket="bucket", Prefix="rows/")["Contents"]:
        s3.delete_object(Bucket="bucket", Key=found["Key"])
    assert "none came, or they are forgotten with the rows" in ask("errors", URI)


def test_errors_of_a_run_that_has_none_says_so(s3):
    run = MemoryRun([4], echoing(lambda row: None), exported=False)
    driven(run)
    put(s3, run)
    assert "no row has failed as far as it has come" in ask("errors", URI)


def status(told=None):
    return dispatch.execute(parse(["status", URI]), os.environ, (told if told is not None else []).append)


def test_status_keeps_what_the_end_of_a_run_has_said_with_its_command(s3):
    put(s3, run := made(errors={"max_rows": 0}))
    said = driven(run).report
    put(s3, run)
    found = status()
    assert found["status"] == "over_budget"
    for key in ("error", "see_errors", "advice", "report", "seconds"):
        assert found[key] == said[key]


def test_status_of_an_interrupted_run_says_how_to_go_on(s3):
    run = made()
    driven(run, raising(Interrupted(2), lambda driver: driver.state.staged is not None))
    put(s3, run)
    found = status()
    assert (found["status"], found["next"]) == ("interrupted", "the same call of score()")


def test_what_an_end_has_said_no_longer_holds_once_something_was_recorded(s3):
    run = made()
    driven(run, raising(Interrupted(2), lambda driver: driver.state.staged is not None))
    before = run.store.get(run.layout.status)[0]
    driven(run, raising(ServiceFailure("why"), lambda driver: driver.state.is_settled))
    run.store.put(run.layout.status, before)
    put(s3, run)
    assert status()["status"] == "ended"


def test_a_driver_at_work_is_named_by_show(s3):
    run = made()
    driver = run.driver()
    while driver.state.staged is None:
        driver.step()
    lease = Lease(driver.ctx.writer, driver.ctx.lease.epoch, 7, 60.0, holder="ann on laptop, process 7")
    run.store.put(run.layout.lease, lease.encode())
    put(s3, run)
    assert "ann on laptop, process 7 (is at work)" in ask("show", URI)
    assert asked_json("list", "s3://bucket")["runs"][0]["status"] == "running"


def test_a_report_is_drawn_from_the_ledger_into_a_file_and_the_workspace_stays_as_it_is(s3, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    published(s3)
    before = keys(s3)
    place = ask("report", URI)
    assert place == str(tmp_path / "run-report.html")
    assert keys(s3) == before
    page = (tmp_path / "run-report.html").read_text()
    assert "Published: 8 rows in, 7 scored, 1 dead letter" in page
    assert "<svg" in page
    assert asked_json("report", URI, "--output", "s3://bucket/a/page.html")["report"] == "s3://bucket/a/page.html"
    assert b"Published" in s3.get_object(Bucket="bucket", Key="a/page.html")["Body"].read()


def test_a_page_that_cannot_be_written_is_refused(s3, tmp_path):
    published(s3)
    for place, why in ((tmp_path / "no" / "folder.html", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigurationError, match=f"the page cannot be written to {place}: {why}; name another"):
            ask("report", URI, "--output", str(place))


@pytest.fixture
def logs(emulator, s3):
    client = boto3.client("logs", "us-east-1", endpoint_url=emulator.endpoint_url)
    yield client
    client.delete_log_group(logGroupName=GROUP)


def written_log(client, stream, lines):
    if not client.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now + place, "message": line} for place, line in enumerate(lines)]
    client.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def test_logs_shows_the_last_lines_of_a_container_and_not_the_service_s_own(s3, logs):
    job = published(s3).state().jobs[-1].name
    written_log(logs, f"{job}/i-1-abc", [f"line {number}" for number in range(30)] + [QUOTING])
    written_log(logs, f"{job}/i-1-abc/data-log", ["of the service"])
    text = ask("logs", URI, "--job", job, "--lines", "3")
    assert [line.strip() for line in text.splitlines()[2:]] == ["line 28", "line 29", "row 2 is \\x1b[31mred\\u202e"]
    assert asked_json("logs", URI, "--job", job)["jobs"][0]["streams"][0]["lines"][0] == "line 11"


def test_logs_of_a_model_that_ran_already_say_where_its_words_are(s3):
    run = made(sections={"emulator": {"models": {"m": "http://127.0.0.1:8080"}}})
    driven(run)
    put(s3, run)
    assert "the server at http://127.0.0.1:8080, which ran already: what that writes stands where" in ask("logs", URI)


def test_logs_without_a_stream_say_so(s3):
    published(s3)
    assert "cannot be read" in ask("logs", URI) or "have written nothing" in ask("logs", URI)


@pytest.mark.parametrize(("words", "fault"), [(["--job", "j"], "is no job of this run"), (["--lines", "0"], "--lines")])
def test_a_job_or_a_number_of_lines_that_is_none_is_refused(s3, words, fault):
    published(s3)
    with pytest.raises(ConfigurationError, match=fault):
        ask("logs", URI, *words)


@pytest.mark.parametrize("form", [[], ["-o", "json"]])
def test_what_is_shown_is_all_of_standard_output_by_either_way_in(s3, form, capsys, tmp_path):
    published(s3)
    arguments = ["errors", URI, *form]
    assert console_script.exit_code(arguments) == 0
    assert capsys.readouterr() == (f"{ask(*arguments)}\n", "")
    assert submission.main([str(tmp_path), "score.py", *arguments], os.environ) == 0
    assert (tmp_path / "fallback.json").read_text() == f"{ask(*arguments)}\n"


CRASHING = "python -c 'print(1, flush=True); import numpi'"


def test_a_container_that_crashes_at_its_start_is_read_by_its_last_line():
    """As the emulator's own container writes it, over HTTP."""
    with Emulator(Settings({"crashing": CRASHING}, buckets=["bucket"])) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        aws.s3.put_object(Bucket="bucket", Key="in/a.jsonl", Body=b"1\n")
        aws.sagemaker.create_transform_job(**request("crashes", "bucket", ModelName="crashing"))
        assert "respond to ping" in aws.wait_until("crashes")["FailureReason"]
        words = ContainerLogs(aws.logs).last_words("crashes")
    assert words[-1].startswith("ModuleNotFoundError: No module named 'numpi'")


def test_the_pages_commands_on_a_run_of_an_embedded_emulator_find_it_where_the_emulator_kept_it(
    tmp_path, monkeypatch, capsys
):
    """Each line of the page as it stands, after a run's objects were kept by an emulator that has ended."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "lib"))
    with Emulator(Settings({}, buckets=["my-bucket"], state=tmp_path / ".emulator")) as emulator:
        client = boto3.client("s3", "us-east-1", endpoint_url=emulator.endpoint_url, **KEYS)
        run = made()
        driven(run)
        for (_, key), (body, _) in run.store.world.objects.items():
            folder, _, rest = key.partition("/run/")
            client.put_object(Bucket="my-bucket", Key=f"scoring/{folder}/{RUN}/{rest}", Body=body)
    page = (ROOT / "jobs" / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^batch-transform (.* --set emulator\.state=\.emulator)$", page, re.M)
    assert [line.split()[0] for line in lines] == ["list", "show", "errors"]
    for line in lines:
        assert console_script.exit_code(line.split()) == 0, capsys.readouterr()
        told = capsys.readouterr().out
        assert "rejected by the model" in told or "published" in told, line
    with pytest.raises(ConfigurationError, match="end with the run's driver"):
        ask("show", f"s3://my-bucket/scoring/{RUN}", "--emulator", "m=http://127.0.0.1:8080")
