"""The last lines of containers, through a client whose answers are set."""

from __future__ import annotations

import pytest

from batch_transform.cloudwatch.container_logs import ContainerLogs
from batch_transform.cloudwatch.data_logs import GROUP
from support.stubbed_clients import answering, unreached


@pytest.fixture
def client():
    return unreached("logs")


@pytest.fixture
def stub(client):
    with answering(client) as stubber:
        stubber.add_response(
            "describe_log_streams",
            {"logStreams": [{"logStreamName": "job/i-1"}, {"logStreamName": "job/i-1/data-log"}]},
            {"logGroupName": GROUP, "logStreamNamePrefix": "job/"},
        )
        yield stubber


def events(stub, lines, *, limit, token, after=None):
    asked = {"logGroupName": GROUP, "logStreamName": "job/i-1", "startFromHead": False, "limit": limit}
    answer = {"events": [{"message": line, "timestamp": 1} for line in lines], "nextBackwardToken": token}
    stub.add_response("get_log_events", answer, asked | ({"nextToken": after} if after else {}))


def test_pages_that_are_empty_or_half_full_are_not_the_end(client, stub):
    """Only the token that was passed in is (GetLogEvents, API reference)."""
    events(stub, [], limit=3, token="b/1")
    events(stub, ["second", "third"], limit=3, token="b/2", after="b/1")
    events(stub, ["first"], limit=1, token="b/3", after="b/2")
    assert ContainerLogs(client).last_lines("job", 3).logs[0].lines == ("first", "second", "third")


def test_a_stream_of_fewer_lines_is_read_to_its_beginning(client, stub):
    events(stub, ["only"], limit=3, token="b/1")
    events(stub, [], limit=2, token="b/1", after="b/1")
    assert ContainerLogs(client).last_lines("job", 3).logs[0].lines == ("only",)
