"""A conditional put reaches S3 whether boto3 knows it or came before it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSResponse

from batch_transform.aws.access import AwsAccess
from batch_transform.aws.s3_requests import send_conditions


def text(value):
    return value.decode() if isinstance(value, bytes) else value


@pytest.fixture(params=["knows", "came before"])
def client(request, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    client = AwsAccess(region="eu-west-1").client("s3")
    if request.param == "came before":
        for name in ("IfMatch", "IfNoneMatch"):
            client.meta.service_model.operation_model("PutObject").input_shape.members.pop(name, None)
        send_conditions(client)
    sent = []

    def answer(request, **_event):
        sent.append(
            {
                name: str(value, "ascii") if isinstance(value, bytes) else value
                for name, value in request.headers.items()
            }
        )
        return AWSResponse(request.url, 200, {"ETag": '"tag"'}, SimpleNamespace(stream=lambda: iter([b""])))

    client.meta.events.register("before-send.s3.PutObject", answer)
    client.sent = sent
    return client


@pytest.mark.parametrize(
    ("condition", "header", "value"),
    [({"IfNoneMatch": "*"}, "If-None-Match", "*"), ({"IfMatch": '"e"'}, "If-Match", '"e"')],
)
def test_a_condition_is_a_header_that_is_signed(client, condition, header, value):
    assert client.put_object(Bucket="b", Key="k", Body=b"1", **condition)["ETag"] == '"tag"'
    (headers,) = client.sent
    assert headers[header] == value
    assert header.lower() in headers["Authorization"]


def test_a_put_without_a_condition_has_no_such_header(client):
    client.put_object(Bucket="b", Key="k", Body=b"1")
    assert not {"If-Match", "If-None-Match"} & set(client.sent[0])
