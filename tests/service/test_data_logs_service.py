"""The data log over HTTP: the real client against moto's CloudWatch Logs."""

from __future__ import annotations

import time
import uuid

import pytest
from moto.server import ThreadedMotoServer

from batch_transform.aws.access import AwsAccess
from batch_transform.cloudwatch.data_logs import GROUP, DataLogs
from batch_transform.core.isolation.data_log_evidence import LogEntry

NAME = "s0-5-0f.jsonl"
# More than one page: CloudWatch gives 10,000 events at a time (GetLogEvents, API reference).
MANY = 12_000


@pytest.fixture(scope="module")
def client():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield AwsAccess("us-east-1", f"http://{host}:{port}", emulated=True).client("logs")
    server.stop()


@pytest.fixture
def group(client):
    client.create_log_group(logGroupName=GROUP)
    yield GROUP
    client.delete_log_group(logGroupName=GROUP)


def put(client, stream, *texts):
    client.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    now = int(time.time() * 1000)  # events older than two weeks are dropped (PutLogEvents, API reference)
    for first in range(0, len(texts), 5_000):
        events = [{"timestamp": now, "message": text} for text in texts[first : first + 5_000]]
        client.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def line(text, name=NAME):
    return f"2020-10-14T04:08:19.163:[sagemaker logs]: bucket/run/input/{name}: {text}"


def read(client, job, slept=None):
    slept = [] if slept is None else slept
    return DataLogs(client, slept.append).read(job, "bucket", "run/input", [NAME])


def test_a_failure_is_read_through_real_calls(client, group):
    job = f"job-{uuid.uuid4().hex}"
    put(client, f"{job}/i-0a1-1700", "the container's own words")
    put(client, f"{job}/i-0a1-1700/data-log", line("ClientError: 400"), line(""), line("Message:"), line("a\u2028b: c"))
    put(client, f"{job}/i-0b2-1700", "never came up")
    logs = read(client, job)
    assert logs.entries == {NAME: LogEntry("ClientError: 400", "a\\u2028b: c")}
    assert (logs.instances, logs.data_logs, logs.trouble) == (2, 1, None)


def test_a_line_behind_the_first_page_is_found(client, group):
    job = f"job-{uuid.uuid4().hex}"
    others = [line("ClientError: 400", f"s{n}-1-0f.jsonl") for n in range(1, MANY)]
    put(client, f"{job}/i-0a1-1700/data-log", *others, line("ClientError: 413"))
    slept = []
    assert read(client, job, slept).entries == {NAME: LogEntry("ClientError: 413")}
    assert slept == []


def test_a_job_whose_name_begins_alike_has_logs_of_its_own(client, group):
    job = f"job-{uuid.uuid4().hex}"
    put(client, f"{job}1/i-0a1-1700/data-log", line("ClientError: 400"))
    logs = read(client, job)
    assert (logs.entries, logs.instances, logs.data_logs) == ({}, 0, 0)


def test_a_group_that_nobody_made_is_told_of(client):
    logs = read(client, "job")
    assert (logs.entries, logs.instances) == ({}, None)
    assert "ResourceNotFoundException" in logs.trouble
