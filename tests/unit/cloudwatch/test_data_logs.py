"""The calls on CloudWatch Logs, through a client whose answers are set."""

from __future__ import annotations

import pytest

from batch_transform.cloudwatch.data_logs import GROUP, DataLogs
from batch_transform.core.isolation.data_log_evidence import LogEntry
from support.stubbed_clients import answering, unreached

NAMES = ["s0-5-0f.jsonl"]
LINE = "t:[sagemaker logs]: bucket/run/input/s0-5-0f.jsonl: ClientError: 400"


@pytest.fixture
def client():
    return unreached("logs")


@pytest.fixture
def stub(client):
    with answering(client) as stubber:
        yield stubber


@pytest.fixture
def slept():
    return []


def read(client, slept, **how):
    return DataLogs(client, slept.append).read("job", "bucket", "run/input", NAMES, **how)


def streams(stub, *names):
    asked = {"logGroupName": GROUP, "logStreamNamePrefix": "job/"}
    answer = {"logStreams": [{"logStreamName": name} for name in names]}
    stub.add_response("describe_log_streams", answer, asked)


def events(stub, stream, lines, after=None, token="f/end"):
    asked = {"logGroupName": GROUP, "logStreamName": stream, "startFromHead": True}
    answer = {"events": [{"message": line, "timestamp": 1} for line in lines], "nextForwardToken": token}
    stub.add_response("get_log_events", answer, asked | ({"nextToken": after} if after else {}))


def test_data_logs_are_read_to_their_end_and_instances_counted(client, stub, slept):
    streams(stub, "job/i-1", "job/i-1/data-log", "job/i-2")
    events(stub, "job/i-1/data-log", ["t:[sagemaker logs]: MaxPayloadInMB=6"], token="f/1")
    events(stub, "job/i-1/data-log", [LINE], after="f/1")
    events(stub, "job/i-1/data-log", [], after="f/end")
    logs = read(client, slept)
    assert logs.entries == {"s0-5-0f.jsonl": LogEntry("ClientError: 400")}
    assert (logs.instances, logs.data_logs, logs.trouble, slept) == (2, 1, None, [])


def test_streams_come_in_pages(client, stub, slept):
    first = {"logGroupName": GROUP, "logStreamNamePrefix": "job/"}
    stub.add_response(
        "describe_log_streams", {"logStreams": [{"logStreamName": "job/i-1"}], "nextToken": "more"}, first
    )
    stub.add_response(
        "describe_log_streams",
        {"logStreams": [{"logStreamName": "job/i-1/data-log"}]},
        {**first, "nextToken": "more"},
    )
    events(stub, "job/i-1/data-log", [LINE])
    events(stub, "job/i-1/data-log", [], after="f/end")
    assert read(client, slept).data_logs == 1


def test_an_instance_with_several_containers_counts_once(client, stub, slept):
    names = ["i-0a-1700/first", "i-0a-1700/second", "i-0b-1700", "i-0a-1700/data-log"]
    streams(stub, *[f"job/{name}" for name in names])
    events(stub, "job/i-0a-1700/data-log", [LINE])
    events(stub, "job/i-0a-1700/data-log", [], after="f/end")
    logs = read(client, slept)
    assert (logs.instances, logs.data_logs) == (2, 1)


def test_a_stream_without_an_end_is_left_after_a_while(client, stub, slept, monkeypatch):
    monkeypatch.setattr("batch_transform.cloudwatch.data_logs.MOST_PAGES", 3)
    streams(stub, "job/i-1/data-log")
    for page in range(3):
        events(stub, "job/i-1/data-log", [LINE], after=f"f/{page - 1}" if page else None, token=f"f/{page}")
    assert list(read(client, slept).entries) == NAMES


def test_what_was_read_before_trouble_is_kept(client, stub, slept, monkeypatch):
    """Of two objects one had its line at the first look; then the calls are throttled."""
    streams(stub, "job/i-1/data-log")
    events(stub, "job/i-1/data-log", [LINE])
    events(stub, "job/i-1/data-log", [], after="f/end")
    stub.add_client_error("describe_log_streams", "ThrottlingException", "words")
    logs = DataLogs(client, slept.append).read("job", "bucket", "run/input", [*NAMES, "s9-1-0f.jsonl"])
    assert list(logs.entries) == NAMES
    assert "ThrottlingException" in logs.trouble


def test_late_lines_are_looked_for_a_few_times(client, stub, slept):
    streams(stub, "job/i-1")
    streams(stub, "job/i-1", "job/i-1/data-log")
    events(stub, "job/i-1/data-log", [LINE])
    events(stub, "job/i-1/data-log", [], after="f/end")
    assert list(read(client, slept).entries) == NAMES
    assert len(slept) == 1


def test_lines_that_never_come_are_not_waited_for_for_ever(client, stub, slept):
    for _ in range(3):
        streams(stub, "job/i-1")
    assert read(client, slept).entries == {}
    assert len(slept) == 2


def test_nothing_is_waited_for_where_no_line_is_to_be_expected(client, stub, slept):
    streams(stub, "job/i-1")
    assert (read(client, slept, patiently=False).entries, slept) == ({}, [])


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "ThrottlingException"])
def test_logs_that_cannot_be_read_are_told_of_and_never_raise(client, stub, slept, code):
    stub.add_client_error("describe_log_streams", code, "words")
    logs = read(client, slept)
    assert (logs.entries, logs.instances) == ({}, None)
    assert code in logs.trouble
