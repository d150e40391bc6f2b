"""Objects in another S3 server, jobs' and clients': moto's own, and one that is not moto."""

import gzip
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from support.emulated import BUCKET, emulated
from support.emulator_aws import Aws, request
from support.scripted_model import ScriptedModel
from support.second_s3 import S3Server
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

MB = 2**20


@pytest.fixture(scope="module")
def moto_s3() -> Iterator[S3Server]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server(f"http://{host}:{port}", "AKIABEHIND", "secret of the server behind")
    server.stop()


@pytest.fixture(params=["moto_s3", "second_s3"])
def other(request: pytest.FixtureRequest) -> S3Server:
    """The server behind; the second one refuses every identity but its own."""
    server: S3Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def behind(
    other: S3Server, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, name: str
) -> Iterator[tuple[Aws, Aws]]:
    """The emulator, and the S3 server behind it with a bucket."""
    for variable, value in other.environment.items():
        monkeypatch.setenv(variable, value)
    with Emulator(Settings({"scripted": model.url}, s3_endpoint=other.url)) as emulator:
        direct = Aws(other.url, other.region, other.access_key, other.secret_key)
        direct.s3.create_bucket(Bucket=name)
        yield Aws.of(emulator.endpoint_url), direct


def test_a_job_reads_and_writes_there(behind: tuple[Aws, Aws], name: str) -> None:
    """`--s3-endpoint`: input and output lie in the other server; the output is there in parts when it is large."""
    aws, direct = behind
    body = b"%0100d\n" % 7 * (20 * MB // 101)
    direct.s3.put_object(Bucket=name, Key="in/a", Body=body)
    direct.s3.put_object(Bucket=name, Key="in/b", Body=gzip.compress(b"not split"))
    aws.sagemaker.create_transform_job(**request(name, name, TransformOutput__AssembleWith="Line"))
    assert aws.wait_until(name)["TransformJobStatus"] == "Completed"
    written = direct.outputs(name)["a.out"]
    assert written == body
    assert "-" in direct.s3.head_object(Bucket=name, Key="out/a.out")["ETag"]


def test_clients_of_the_emulator_find_it_too(behind: tuple[Aws, Aws], name: str) -> None:
    """Design: a client that is given the emulator's endpoint "finds S3, SageMaker and CloudWatch Logs there"."""
    aws, direct = behind
    key = "in/a b+c/ü?.txt"
    etag = aws.s3.put_object(Bucket=name, Key=key, Body=b"12345", Metadata={"colour": "red"})["ETag"]
    there = direct.s3.get_object(Bucket=name, Key=key)
    assert (there["Body"].read(), there["Metadata"], there["ETag"]) == (b"12345", {"colour": "red"}, etag)
    assert aws.s3.get_object(Bucket=name, Key=key, Range="bytes=1-2")["Body"].read() == b"23"
    assert aws.s3.head_object(Bucket=name, Key=key)["ContentLength"] == 5
    assert [item["Key"] for item in aws.s3.list_objects_v2(Bucket=name, Prefix="in/a ")["Contents"]] == [key]
    aws.s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key}]})
    assert direct.s3.list_objects_v2(Bucket=name)["KeyCount"] == 0


def test_errors_and_conditions_pass_through(behind: tuple[Aws, Aws], name: str) -> None:
    """404 and 412 are what the pipeline decides by."""
    aws, _ = behind
    with pytest.raises(aws.s3.exceptions.NoSuchKey):
        aws.s3.get_object(Bucket=name, Key="nobody")
    aws.s3.put_object(Bucket=name, Key="once", Body=b"1", IfNoneMatch="*")
    with pytest.raises(aws.s3.exceptions.ClientError, match="PreconditionFailed"):
        aws.s3.put_object(Bucket=name, Key="once", Body=b"2", IfNoneMatch="*")


def test_uploads_in_parts_pass_through(behind: tuple[Aws, Aws], name: str, tmp_path) -> None:
    """boto3's own transfer manager, with the checksums that it adds by itself."""
    aws, direct = behind
    file = tmp_path / "large"
    file.write_bytes(bytes(range(256)) * (40 * 1024))
    aws.s3.upload_file(str(file), name, "large")
    assert direct.s3.get_object(Bucket=name, Key="large")["Body"].read() == file.read_bytes()


def test_requests_are_signed_anew(behind: tuple[Aws, Aws], name: str, other: S3Server, monkeypatch) -> None:
    """A signature covers the host; the one that arrives behind is by the default chain's key, for that host."""
    seen = []
    from transform_emulator.http import s3_proxy

    class Connection(s3_proxy.http.client.HTTPConnection):
        def request(self, method, url, body=None, headers=None, **more):
            seen.append(headers)
            super().request(method, url, body, headers, **more)

    monkeypatch.setattr(s3_proxy.http.client, "HTTPConnection", Connection)
    aws, _ = behind
    aws.s3.list_objects_v2(Bucket=name)
    ours = [
        headers for headers in seen if headers and f"Credential={other.access_key}/" in headers.get("Authorization", "")
    ]
    assert len(ours) == 1
    assert ";host;x-amz-content-sha256;x-amz-date," in ours[0]["Authorization"]


def test_an_endpoint_that_is_not_there(model: ScriptedModel, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Creating a job already looks for its input, and the caller is told what the emulator misses."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIABEHIND")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with Emulator(Settings({"scripted": model.url}, s3_endpoint="http://127.0.0.1:9")) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        retry_not = boto3.session.Config(retries={"total_max_attempts": 1})
        client = aws.client("sagemaker", config=retry_not)
        with pytest.raises(client.exceptions.ClientError, match="cannot look for the input in its S3 server"):
            client.create_transform_job(**request(name, name))
        assert client.list_transform_jobs()["TransformJobSummaries"] == []


def test_a_process_of_its_own_before_another_server(second_s3: S3Server, name: str) -> None:
    """What other tests use: an emulator by its command line, whose objects survive it in the server behind."""
    with emulated(second_s3) as world:
        world.client("s3").put_object(Bucket=BUCKET, Key=f"{name}/in/a", Body=b'{"key": "one"}\n{"key": "two"}\n')
        changes = {
            "ModelName": "echo",
            "TransformInput__DataSource__S3DataSource__S3Uri": f"s3://{BUCKET}/{name}/in/",
            "TransformOutput__S3OutputPath": f"s3://{BUCKET}/{name}/out",
        }
        client = Aws.of(world.url, "us-east-1")
        client.sagemaker.create_transform_job(**request(name, BUCKET, **changes))
        assert client.wait_until(name)["TransformJobStatus"] == "Completed"
    found = second_s3.client().get_object(Bucket=BUCKET, Key=f"{name}/out/a.out")["Body"].read()
    assert found == b'{"echo": "one"}\n{"echo": "two"}\n'
