"""The headers of a job's requests, and answers that are gzip, which those ask for (FACTS.md, 2.2)."""

import base64
import gzip
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from support.emulator_aws import Aws, request
from transform_emulator.containers.container import Call
from transform_emulator.emulator import Emulator
from transform_emulator.service.switches import Switches
from transform_emulator.settings import Settings

MODEL = "arn:aws:iam::123456789012:role/r"
SOLE = ("accept-encoding", "content-length", "user-agent", "x-amzn-sagemaker-input-object", "host")


class Packer(ThreadingHTTPServer):
    """A model server that tells what it was asked and answers with what it is told, packed or not."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heads: list[list[tuple[str, str]]] = []
        self.answer: bytes = gzip.compress(b"unpacked")
        self.encoding = "gzip"
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Packer

    def do_GET(self) -> None:
        self._send(200 if self.path == "/ping" else 404, b"", "")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heads.append([(name.lower(), value) for name, value in self.headers.items()])
        self._send(200, self.server.answer, self.server.encoding)

    def _send(self, status: int, body: bytes, encoding: str) -> None:
        self.send_response(status)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def packer() -> Iterator[Packer]:
    server = Packer()
    yield server
    server.shutdown()
    server.server_close()


def run(packer: Packer, name: str, key: str = "a", switches: Switches | None = None) -> tuple[str, dict[str, bytes]]:
    """The status and the outputs of a job over one object."""
    settings = Settings({"m": packer.url}, create_buckets=True, switches=switches or Switches())
    with Emulator(settings) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        aws.s3.put_object(Bucket=name, Key=f"in/{key}", Body=b"1\n")
        changes = {"ModelName": "m", "TransformOutput__AssembleWith": "None"}
        aws.sagemaker.create_transform_job(**request(name, name, **changes))
        return aws.wait_until(name)["TransformJobStatus"], aws.outputs(name)


@pytest.mark.parametrize("key", ["part-1.jsonl", "a b+%20", "é-日本"])
def test_a_request_names_its_object(packer: Packer, name: str, key: str) -> None:
    """The bytes of `<bucket>/<key>`, plain and in base64; each header once."""
    run(packer, name, key)
    (head,) = packer.heads
    named = dict(head)
    object_name = f"{name}/in/{key}".encode()
    assert named["x-amzn-sagemaker-input-object"].encode("latin-1") == object_name
    assert base64.b64decode(named["x-amzn-sagemaker-input-object-base64"]) == object_name
    assert (named["accept-encoding"], named["user-agent"]) == ("gzip", "Go-http-client/1.1")
    assert [len([each for each, _ in head if each == header]) for header in SOLE] == [1] * len(SOLE)


def test_a_name_that_no_header_can_hold() -> None:
    """S3 takes a newline in a key, which would end the header; the second one holds it."""
    headers = Call(None, None, 1, input_object="b/a\nX-Forged: 1").headers()
    assert set(headers) == {"User-Agent", "Accept-Encoding", "X-Amzn-Sagemaker-Input-Object-Base64"}
    assert base64.b64decode(headers["X-Amzn-Sagemaker-Input-Object-Base64"]) == b"b/a\nX-Forged: 1"


@pytest.mark.parametrize(
    ("answer", "encoding", "output"),
    [
        (gzip.compress(b"unpacked", mtime=0), "gzip", b"unpacked"),
        (gzip.compress(b"un", mtime=0) + gzip.compress(b"packed", mtime=0), "GZIP", b"unpacked"),
        (gzip.compress(b"as it is", mtime=0), "", gzip.compress(b"as it is", mtime=0)),
        (b"plain", "identity", b"plain"),
        (b"", "gzip", b""),
    ],
)
def test_an_answer_that_says_it_is_gzip_is_unpacked(
    packer: Packer, name: str, answer: bytes, encoding: str, output: bytes
) -> None:
    """And none else: a body that only looks like it is the model's own."""
    packer.answer, packer.encoding = answer, encoding
    status, outputs = run(packer, name)
    assert (status, [body[10:] for body in outputs.values()]) == ("Completed", [output[10:]])


def test_an_answer_that_is_no_gzip_though_it_says_so_is_no_answer(packer: Packer, name: str) -> None:
    """Its end is missing: nothing of it is a prediction."""
    packer.answer = gzip.compress(b"unpacked")[:-4]
    assert run(packer, name) == ("Failed", {})


def test_the_other_reading_leaves_it_packed(packer: Packer, name: str) -> None:
    """`gzip_answers_are_unpacked=false`."""
    _, outputs = run(packer, name, switches=Switches(gzip_answers_are_unpacked=False))
    assert gzip.decompress(outputs["a.out"]) == b"unpacked"


@pytest.mark.parametrize("told", [True, False])
def test_whom_of_a_pipeline_it_is_told(packer: Packer, name: str, told: bool) -> None:
    """`inner_input_object`: all of its containers, or the first alone."""
    packer.answer, packer.encoding = b"1", ""
    settings = Settings({"m": packer.url}, create_buckets=True, switches=Switches(inner_input_object=told))
    with Emulator(settings) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
        containers = [{"Image": "m"}] * 3
        aws.sagemaker.create_model(ModelName="chain", ExecutionRoleArn=MODEL, Containers=containers)
        aws.sagemaker.create_transform_job(**request(name, name, ModelName="chain"))
        aws.wait_until(name)
    named = ["x-amzn-sagemaker-input-object" in dict(head) for head in packer.heads]
    assert named == [True, told, told]


def test_an_endpoints_requests_have_none_of_them(packer: Packer) -> None:
    """There is no object, and what a client of an endpoint gets is the model's own."""
    with Emulator(Settings({"m": packer.url})) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        aws.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
        aws.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
        aws.client("sagemaker-runtime").invoke_endpoint(EndpointName="e", Body=b"1")
    (head,) = packer.heads
    assert not {"accept-encoding", "x-amzn-sagemaker-input-object"} & set(dict(head))


def test_answers_of_the_emulator_have_one_length(packer: Packer, name: str) -> None:
    """Two Content-Length headers are refused by strict clients, and taken for smuggling by proxies."""
    with Emulator(Settings({"m": packer.url}, buckets=[name])) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        aws.s3.put_object(Bucket=name, Key="k", Body=b"12345")
        asked = [
            ("GET", f"/{name}"),
            ("GET", f"/{name}/k"),
            ("HEAD", f"/{name}/k"),
            ("GET", f"/{name}/none"),
            ("HEAD", "/"),
        ]
        for method, path in [*asked, ("PUT", f"/{name}/k2"), ("POST", "/moto-api/reset"), ("GET", "/_emulator/faults")]:
            connection = http.client.HTTPConnection("127.0.0.1", urlsplit(emulator.endpoint_url).port, timeout=30)
            connection.request(method, path, headers={"Authorization": "Credential=x/1/us-east-1/s3/aws4_request"})
            answer = connection.getresponse()
            body = answer.read()
            assert len(answer.headers.get_all("Content-Length")) == 1, (method, path)
            assert method == "HEAD" or answer.headers["Content-Length"] == str(len(body))
            connection.close()
