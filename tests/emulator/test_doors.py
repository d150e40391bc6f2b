"""Who may talk to the emulator: this machine's own names and pages, and what the command line adds."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from support.emulator_aws import Aws
from transform_emulator.emulator import Emulator
from transform_emulator.service.allowed_callers import DoorError, Doors, doors_for
from transform_emulator.settings import Settings

SIGNED = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
PAGE = "http://page.example"
JSON = {"Content-Type": "application/x-amz-json-1.1"}
DOORS: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "S3, unsigned": ("GET", "/data?list-type=2", b"", {}),
    "S3, signed": ("GET", "/data?list-type=2", b"", {"Authorization": SIGNED.format("s3")}),
    "S3, a put": ("PUT", "/data/k", b"x", {}),
    "SageMaker, unsigned": ("POST", "/", b"{}", JSON | {"X-Amz-Target": "SageMaker.ListTransformJobs"}),
    "SageMaker, signed": (
        *("POST", "/", b"{}"),
        JSON | {"X-Amz-Target": "SageMaker.ListTransformJobs", "Authorization": SIGNED.format("sagemaker")},
    ),
    "SageMaker, as a form": (
        "POST",
        "/",
        b"{}",
        {"X-Amz-Target": "SageMaker.ListModels", "Content-Type": "text/plain"},
    ),
    "Logs": (
        *("POST", "/", b'{"logGroupName": "g"}'),
        JSON | {"X-Amz-Target": "Logs_20140328.DescribeLogStreams", "Authorization": SIGNED.format("logs")},
    ),
    "endpoints": ("POST", "/endpoints/e/invocations", b"1", {"Authorization": SIGNED.format("sagemaker")}),
    "another service": ("POST", "/", b"Action=ListUsers", {"Authorization": SIGNED.format("iam")}),
    "faults": ("GET", "/_emulator/faults", b"", {}),
    "reset": ("POST", "/moto-api/reset", b"", {}),
    "a preflight": ("OPTIONS", "/", b"", {"Access-Control-Request-Method": "POST"}),
}
FOREIGN: dict[str, list[tuple[str, str]]] = {
    "another host": [("Host", "page.example")],
    "a name that begins like ours": [("Host", "localhost.page.example")],
    "a name that ends like ours": [("Host", "notlocalhost")],
    "an address of this machine that is no name of ours": [("Host", "0.0.0.0")],
    "another way to write it": [("Host", "2130706433")],
    "a trailing dot": [("Host", "page.example.")],
    "user information": [("Host", "localhost@page.example")],
    "user information before ours": [("Host", "page.example@localhost")],
    "two hosts": [("Host", "localhost"), ("Host", "page.example")],
    "two hosts in one": [("Host", "localhost, page.example")],
    "no host": [],
    "an empty host": [("Host", "")],
    "a port that is none": [("Host", "localhost:5000@page.example")],
    "a proxy that was asked for another": [("Host", "localhost"), ("X-Forwarded-Host", "page.example")],
    "the standard's way to say so": [("Host", "localhost"), ("Forwarded", 'for=1.2.3.4;host="page.example"')],
    "another origin": [("Host", "localhost"), ("Origin", PAGE)],
    "another port's origin": [("Host", "localhost"), ("Origin", "http://localhost:8888")],
    "no origin's": [("Host", "localhost"), ("Origin", "null")],
    "an empty origin": [("Host", "localhost"), ("Origin", "")],
    "two origins": [("Host", "localhost"), ("Origin", "http://localhost"), ("Origin", PAGE)],
    "another site": [("Host", "localhost"), ("Sec-Fetch-Site", "cross-site")],
    "another site, written otherwise": [("Host", "localhost"), ("Sec-Fetch-Site", "Cross-Site")],
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    allowed = doors_for(["emulator.internal", "*.emulator.internal"], ["http://localhost:3000"])
    with Emulator(Settings({}, buckets=["data"], doors=allowed)) as running:
        yield running


def ask(
    emulator: Emulator, method: str, target: str, head: list[tuple[str, str]], body: bytes = b""
) -> http.client.HTTPResponse:
    """The answer to a request with just these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(emulator.endpoint_url).port, timeout=30)
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in [*head, ("Content-Length", str(len(body)))]:
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    answer.text = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sender", FOREIGN)
def test_no_door_opens_for_anybody_else(emulator: Emulator, door: str, sender: str) -> None:
    """A page of any origin reaches 127.0.0.1, and an attacker's name may point there."""
    method, target, body, head = DOORS[door]
    answer = ask(emulator, method, target, [*FOREIGN[sender], *head.items()], body)
    assert answer.status == 403
    assert [name for name in answer.headers if name.lower().startswith("access-control-")] == []
    told = answer.text  # type: ignore[attr-defined]
    if "X-Amz-Target" in head:
        assert json.loads(told)["__type"] == "AccessDeniedException"
    else:
        assert b"AccessDenied" in told
    assert Aws.of(emulator.endpoint_url).s3.list_objects_v2(Bucket="data")["KeyCount"] == 0


@pytest.mark.parametrize(
    "head",
    [
        [("Host", "localhost")],
        [("Host", "LOCALHOST:1")],
        [("Host", "127.0.0.1:5000")],
        [("Host", "[::1]:5000")],
        [("Host", "emulator.internal:5000")],
        [("Host", "localhost:5000"), ("Origin", "http://localhost:5000")],
        [("Host", "localhost:80"), ("Origin", "http://localhost")],
        [("Host", "localhost"), ("Sec-Fetch-Site", "same-origin")],
        [("Host", "localhost"), ("Sec-Fetch-Site", "none")],
        [("Host", "localhost"), ("X-Forwarded-Host", "localhost:8888")],
    ],
)
def test_this_machines_own_names_and_pages_are_let_in(emulator: Emulator, head: list[tuple[str, str]]) -> None:
    """With any port, which a tunnel may change; and nobody is told that pages may read it."""
    answer = ask(emulator, "GET", "/data?list-type=2", [*head, ("Authorization", SIGNED.format("s3"))])
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize("host", ["data.localhost:5000", "data.emulator.internal"])
def test_a_host_names_a_bucket(emulator: Emulator, host: str) -> None:
    """boto3's virtual-host style."""
    assert ask(emulator, "PUT", "/deep/key", [("Host", host)], b"abc").status == 200
    s3 = Aws.of(emulator.endpoint_url).s3
    assert s3.get_object(Bucket="data", Key="deep/key")["Body"].read() == b"abc"
    s3.delete_object(Bucket="data", Key="deep/key")


def test_a_whole_url_in_the_request_line(emulator: Emulator) -> None:
    """HTTP's absolute form: of the same host as the header, or it is refused."""
    own = [("Host", "localhost:5000")]
    assert ask(emulator, "GET", "http://localhost:5000/data", own).status == 200
    assert ask(emulator, "GET", "http://page.example/data", own).status == 403
    assert ask(emulator, "GET", "http://localhost:5000/data", [("Host", "page.example")]).status == 403
    assert ask(emulator, "GET", "http://[localhost/data", own).status == 403
    assert ask(emulator, "GET", "//page.example/data", own).status != 200


def test_old_http_without_a_host(emulator: Emulator) -> None:
    """HTTP/1.0 need not name the host, and HTTP/0.9 cannot: nobody knows whom they asked for."""
    for line, begins in {b"GET /data HTTP/1.0\r\n\r\n": b"HTTP/1.1 403", b"GET /data\r\n\r\n": b"<?xml"}.items():
        with socket.create_connection(("127.0.0.1", urlsplit(emulator.endpoint_url).port), 30) as connection:
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(begins)
        assert b"AccessDenied" in answer


def test_an_origin_that_was_named_is_let_in_and_told_so(emulator: Emulator) -> None:
    """--allow-origin: its preflights are answered, for it alone."""
    page = [("Host", "localhost:5000"), ("Origin", "http://localhost:3000"), ("Sec-Fetch-Site", "same-site")]
    asking = [("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "x-amz-target")]
    preflight = ask(emulator, "OPTIONS", "/data/k", [*page, *asking])
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert preflight.headers["Access-Control-Allow-Methods"] == "PUT"
    assert preflight.headers["Access-Control-Allow-Headers"] == "x-amz-target"
    assert preflight.headers["Access-Control-Allow-Credentials"] is None
    answer = ask(emulator, "GET", "/data?list-type=2", page)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "http://localhost:3000")
    assert answer.headers["Vary"] == "Origin"
    assert ask(emulator, "OPTIONS", "/data/k", [("Host", "localhost"), ("Origin", PAGE), *asking]).status == 403


def test_a_buckets_own_rules_open_no_door(emulator: Emulator) -> None:
    """PutBucketCors is a setting of the bucket; who may read answers is the emulator's to say."""
    s3 = Aws.of(emulator.endpoint_url).s3
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    s3.put_bucket_cors(Bucket="data", CORSConfiguration={"CORSRules": [rule]})
    for origin in ("http://localhost:5000", PAGE):
        answer = ask(emulator, "GET", "/data", [("Host", "localhost:5000"), ("Origin", origin)])
        assert answer.headers["Access-Control-Allow-Origin"] is None


@pytest.mark.parametrize("path", ["/moto-api/", "/moto-api/seed?a=1", "/moto-api/config", "/moto-api/data.json"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_of_motos_own_interface_there_is_the_reset_alone(emulator: Emulator, path: str, method: str) -> None:
    """The rest shows everything, replays requests, and lets calls through to AWS."""
    answer = ask(emulator, method, path, [("Host", "localhost")], b"{}" if method != "GET" else b"")
    assert answer.status == 403


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_boto3_in_both_address_styles(
    emulator: Emulator, style: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As before the doors were there. Not every machine's resolver knows *.localhost, so the test's own does."""
    real = socket.getaddrinfo

    def resolved(host: Any, *arguments: Any, **named: Any) -> Any:
        known = isinstance(host, str) and host.endswith(".localhost")
        return real("127.0.0.1" if known else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    url = emulator.endpoint_url.replace("127.0.0.1", "localhost")
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=url, config=Config(s3={"addressing_style": style}), **keys)
    s3.create_bucket(Bucket="styled")
    s3.put_object(Bucket="styled", Key="a/é b", Body=b"1")
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="styled")["Contents"]] == ["a/é b"]
    s3.copy_object(Bucket="styled", Key="c", CopySource={"Bucket": "styled", "Key": "a/é b"})
    upload = s3.create_multipart_upload(Bucket="styled", Key="big")["UploadId"]
    part = s3.upload_part(Bucket="styled", Key="big", UploadId=upload, PartNumber=1, Body=b"2")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket="styled", Key="big", UploadId=upload, MultipartUpload=parts)
    assert s3.get_object(Bucket="styled", Key="big")["Body"].read() == b"2"
    deleted = s3.delete_objects(Bucket="styled", Delete={"Objects": [{"Key": k} for k in ("a/é b", "c", "big")]})
    assert len(deleted["Deleted"]) == 3
    s3.delete_bucket(Bucket="styled")


@pytest.mark.parametrize("host", ["", "*", "a b", "localhost:5000", "http://a", "a,b", "*.", "user@a"])
def test_a_host_that_cannot_be_allowed(host: str) -> None:
    """One name, without what a Host header does not have or a port that any may have."""
    with pytest.raises(DoorError, match="--allow-host"):
        doors_for([host], origins=())


@pytest.mark.parametrize(
    "origin", ["", "*", "null", "localhost:3000", "http://a/", "http://a/b", "http://u@a", "file://"]
)
def test_an_origin_that_cannot_be_allowed(origin: str) -> None:
    """`*` and `null` would be everybody's."""
    with pytest.raises(DoorError, match="--allow-origin"):
        doors_for(origins=[origin], hosts=())


def test_an_origin_is_compared_as_browsers_write_it() -> None:
    """In lower case, without the scheme's own port."""
    doors = doors_for(origins=["HTTP://Page.Example:80"], hosts=())
    assert doors.refusal("/", [("Host", "localhost"), ("Origin", PAGE)]) is None
    assert doors.refusal("/", [("Host", "localhost"), ("Origin", "https://page.example")]) is not None


def test_a_refusal_says_what_lets_it_in() -> None:
    """Somebody in a container asks for host.docker.internal."""
    told = Doors().refusal("/", [("Host", "host.docker.internal:5000")])
    assert told is not None
    assert "--allow-host" in told
    assert doors_for(["host.docker.internal"], origins=()).refusal("/", [("Host", "host.docker.internal:5000")]) is None
