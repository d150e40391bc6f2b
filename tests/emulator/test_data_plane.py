"""What jobs do, seen from S3, from the model server and from CloudWatch."""

import json
import threading
from collections.abc import Callable

import pytest

from support.emulator_aws import Aws, Ran, manifest, request
from support.model_server import DROP
from support.scripted_model import ScriptedModel
from transform_emulator.service.switches import Switches

MB = 2**20


def failing(*poison: bytes, status: int = 400, text: bytes = b"bad record") -> Callable[[bytes], tuple[int, bytes]]:
    """An echo that answers `status` for a body with one of the poisoned words in it."""
    return lambda body: (status, text) if any(word in body for word in poison) else (200, body.removesuffix(b"\n"))


def test_each_object_gets_an_out_object(run: Callable[..., Ran]) -> None:
    """ "Batch transform creates one output per input, named with .out" (developer guide); sub-folders are kept."""
    ran = run({"a.jsonl": b"1\n2\n", "x/b.jsonl": b"3\n"})
    assert ran.outputs == {"a.jsonl.out": b"1\n2\n", "x/b.jsonl.out": b"3\n"}
    assert ran.status == "Completed"


def test_a_manifest_chooses_files(aws: Aws, run: Callable[..., Ran], name: str) -> None:
    """ManifestFile: `[{"prefix": ...}, "key", ...]`; sagemaker-python-sdk#826: local mode sends the manifest itself."""
    aws.s3.put_object(Bucket=name, Key="m.json", Body=manifest(name, "in/", "a", "c"))
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{name}/m.json"}
    ran = run({"a": b"1\n", "b": b"2\n", "c": b"3\n"}, TransformInput__DataSource__S3DataSource=source)
    assert ran.outputs == {"a.out": b"1\n", "c.out": b"3\n"}


@pytest.mark.parametrize(("fails", "status"), [(False, "Completed"), (True, "Failed")])
def test_manifest_entries_that_match_nothing(
    make_aws: Callable[..., Aws], run: Callable[..., Ran], name: str, fails: bool, status: str
) -> None:
    """boto3#2044: a ManifestFile job was Completed, without an error and without output."""
    aws = make_aws(Switches(missing_manifest_key_fails=fails))
    aws.s3.put_object(Bucket=name, Key="m.json", Body=manifest(name, "in/", "nobody"))
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{name}/m.json"}
    ran = run({"a": b"1\n"}, on=aws, TransformInput__DataSource__S3DataSource=source)
    assert (ran.status, ran.outputs) == (status, {})


def test_a_prefix_is_a_string_not_a_folder(run: Callable[..., Ran], name: str) -> None:
    """sagemaker-python-sdk#3557: prefix `test` also transformed `test_small_sample/`."""
    ran = run(
        {"test/a": b"1\n", "test_more/b": b"2\n"},
        TransformInput__DataSource__S3DataSource__S3Uri=f"s3://{name}/in/test",
    )
    assert len(ran.outputs) == 2


def test_one_failed_file_fails_the_job_and_loses_only_its_own_output(
    run: Callable[..., Ran], model: ScriptedModel
) -> None:
    """Developer guide: ".out file only if the transform job succeeds on the entire file"; others go on."""
    model.script.answer = failing(b"poison", text=b"bad\nrecord")
    ran = run({"a": b"1\n", "b": b"2\npoison\n3\n", "c": b"4\n"}, BatchStrategy="SingleRecord")
    assert ran.outputs == {"a.out": b"1\n", "c.out": b"4\n"}
    assert (ran.status, ran.description["FailureReason"]) == (
        "Failed",
        "ClientError: See job logs for more information",
    )
    failure = [line.split("]: ", 1)[1].split("/in/")[-1] for line in ran.data_log[1:]]
    assert failure == ["b: ClientError: 400", "b: ", "b: Message:", "b: bad", "b: record"]
    assert b"3\n" not in ran.bodies  # "stop sending" after the first failure of a file


def test_server_errors_are_retried_and_client_errors_are_not(run: Callable[..., Ran], model: ScriptedModel) -> None:
    """InvocationsMaxRetries (botocore); that only 5xx are retried is a switch, as AWS does not say."""
    model.script.answer = lambda body: (400 if b"client" in body else 503, b"no")
    retries = {"ModelClientConfig": {"InvocationsMaxRetries": 2}}
    ran = run({"a": b"client\n", "b": b"server\n"}, **retries)
    assert (ran.bodies.count(b"client\n"), ran.bodies.count(b"server\n")) == (1, 3)
    assert any("Bad HTTP status received from algorithm: 503" in line for line in ran.data_log)


def test_a_retry_can_succeed(run: Callable[..., Ran], model: ScriptedModel) -> None:
    """The default is 3 retries (botocore, ModelClientConfig)."""
    answers = iter([(500, b""), (DROP, b""), (500, b""), (200, b"fine")])
    model.script.answer = lambda _: next(answers)
    assert run({"a": b"1\n"}).outputs == {"a.out": b"fine\n"}


def test_a_dropped_connection(run: Callable[..., Ran], model: ScriptedModel) -> None:
    """sagemaker-python-sdk#703, #753: `Unable to get response from algorithm` when the server just closes."""
    model.script.answer = lambda _: (DROP, b"")
    ran = run({"a": b"1\n"}, ModelClientConfig__InvocationsMaxRetries=0)
    assert ran.description["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert ran.data_log[-1].endswith("/in/a: Unable to get response from algorithm")


def test_a_request_that_takes_too_long(run: Callable[..., Ran], model: ScriptedModel) -> None:
    """InvocationsTimeoutInSeconds (botocore); `Model server did not respond to /invocations request within` (seen)."""
    release = threading.Event()
    model.script.answer = lambda body: (200, body) if release.wait(20) else (500, b"")
    client = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    ran = run({"a": b"1\n"}, ModelClientConfig=client)
    release.set()
    assert ran.data_log[-1].endswith("Model server did not respond to /invocations request within 1 seconds")


def test_a_record_over_the_payload_fails_its_file(run: Callable[..., Ran]) -> None:
    """Developer guide, batch errors: a record over MaxPayloadInMB is an error. Local mode posts an empty body first."""
    ran = run({"a": b"x" * (2 * MB) + b"\n", "b": b"1\n"}, MaxPayloadInMB=1)
    assert (ran.status, ran.outputs, ran.bodies) == ("Failed", {"b.out": b"1\n"}, [b"1\n"])


def test_the_payload_counts_utf8_bytes(run: Callable[..., Ran]) -> None:
    """The limit is on the body; local mode measures `sys.getsizeof(str)`, which counts characters differently."""
    record = "é".encode() * (MB // 4) + b"\n"  # half a megabyte and a newline: two do not fit into one
    assert [len(body) for body in run({"a": record * 2}, MaxPayloadInMB=1).bodies] == [len(record)] * 2


def test_assemble_none_adds_nothing(run: Callable[..., Ran]) -> None:
    """huggingface/notebooks#187: "no line breaks between the json outputs"."""
    ran = run({"a": b"[1]\n[2]\n"}, TransformOutput__AssembleWith=None, BatchStrategy="SingleRecord")
    assert ran.outputs == {"a.out": b"[1][2]"}


def test_headers_are_absent_unless_asked_for(run: Callable[..., Ran], model: ScriptedModel) -> None:
    """sagemaker-xgboost-container#122: "accept is not specified in the header" for batch transform."""
    run({"a": b"1\n"})
    (seen,) = model.invocations
    assert not {"accept", "content-type"} & {name.lower() for name in seen.headers}
    assert seen.headers["User-Agent"] == "Go-http-client/1.1"


def test_headers_are_passed_on(run: Callable[..., Ran], model: ScriptedModel) -> None:
    """ContentType is "the MIME type"; Accept "the MIME type used to specify the output data" (botocore)."""
    run({"a": b"1\n"}, TransformInput__ContentType="text/csv", TransformOutput__Accept="application/json")
    (seen,) = model.invocations
    assert (seen.headers["Content-Type"], seen.headers["Accept"]) == ("text/csv", "application/json")


def test_ping_then_parameters_then_invocations_over_kept_connections(
    run: Callable[..., Ran], model: ScriptedModel
) -> None:
    """Order and reuse of the source port as in the access log of sm-batch_transform_pytorch.ipynb."""
    run({"a": b"1\n2\n3\n"}, BatchStrategy="SingleRecord")
    assert [seen.path for seen in model.seen] == ["/ping", "/execution-parameters"] + ["/invocations"] * 3
    assert len({seen.client_port for seen in model.invocations}) == 1


def test_the_container_says_what_the_request_leaves_open(run: Callable[..., Ran], model: ScriptedModel) -> None:
    """Precedence: request, then /execution-parameters, then the default (developer guide)."""
    advertised = {"MaxConcurrentTransforms": 8, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 3}
    model.script.parameters = json.dumps(advertised).encode()
    ran = run({"a": b"1\n2\n"}, MaxPayloadInMB=5)
    expected = "MaxConcurrentTransforms=8, MaxPayloadInMB=5, BatchStrategy=SINGLE_RECORD"
    assert ran.data_log[0].endswith(f":[sagemaker logs]: {expected}")
    assert sorted(ran.bodies) == [b"1\n", b"2\n"]


@pytest.mark.parametrize("changes", [{}, {"BatchStrategy": "SingleRecord"}, {"DataProcessing__InputFilter": "$[0]"}])
def test_payload_zero_is_sent_with_chunked_encoding(
    run: Callable[..., Ran], model: ScriptedModel, changes: dict[str, str]
) -> None:
    """MaxPayloadInMB=0: "arbitrarily large", HTTP chunked (botocore); whatever the size turns out to be."""
    ran = run({"a": b"1\n2\n"}, MaxPayloadInMB=0, TransformInput__ContentType="text/csv", **changes)
    assert {seen.headers["Transfer-Encoding"] for seen in model.invocations} == {"chunked"}
    assert ran.outputs == {"a.out": b"1\n2\n"}


def test_requests_are_in_flight_together_and_order_holds(run: Callable[..., Ran], model: ScriptedModel) -> None:
    """MaxConcurrentTransforms works within one file: 4 POSTs of a single test.csv in the same second."""
    together = threading.Barrier(4, timeout=10)

    def answer(body: bytes) -> tuple[int, bytes]:
        together.wait()
        return 200, body.strip()

    model.script.answer = answer
    lines = b"".join(b"%d\n" % number for number in range(20))
    ran = run({"a": lines}, BatchStrategy="SingleRecord", MaxConcurrentTransforms=4)
    assert ran.outputs == {"a.out": lines}
    assert model.most_in_flight == 4


def test_every_instance_pings_logs_and_takes_its_share(run: Callable[..., Ran], model: ScriptedModel) -> None:
    """One parameters line for each instance (sm-batch_transform_pytorch.ipynb, cell 29); each file goes to one."""
    files = {f"{number}.jsonl": b"%d\n" % number for number in range(20)}
    ran = run(files, TransformResources__InstanceCount=2)
    assert ran.outputs == {f"{key}.out": body for key, body in files.items()}
    assert len(ran.data_log) == 2
    assert [seen.path for seen in model.seen].count("/ping") == 2


def test_large_outputs_are_uploaded_in_parts(run: Callable[..., Ran]) -> None:
    """ "Upload is S3 multipart": an output over one part is the same bytes as one below."""
    body = b"".join(b"%07d\n" % number for number in range(3 * MB))
    assert run({"a": body}, TransformOutput__AssembleWith="Line", MaxPayloadInMB=5).outputs == {"a.out": body}


def test_stop_breaks_requests_off_and_keeps_no_output(aws: Aws, name: str, model: ScriptedModel) -> None:
    """StopTransformJob: Stopping, then Stopped; "doesn't store the job's output in S3" (botocore)."""
    entered, release = threading.Event(), threading.Event()

    def answer(body: bytes) -> tuple[int, bytes]:
        if body == b"2\n":
            entered.set()
            release.wait(20)
        return 200, body

    model.script.answer = answer
    for key in "12":
        aws.s3.put_object(Bucket=name, Key=f"in/{key}", Body=f"{key}\n".encode())
    aws.sagemaker.create_transform_job(**request(name, name))
    assert entered.wait(20)
    assert set(aws.outputs(name)) == {"1.out"}  # finished files of a running job are there
    aws.sagemaker.stop_transform_job(TransformJobName=name)
    stopped = aws.wait_until(name)
    assert not release.is_set()
    release.set()
    assert stopped["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in stopped
    assert aws.outputs(name) == {}


@pytest.mark.parametrize(("rest", "sent"), [(False, False), (True, True)])
def test_what_follows_a_failed_mini_batch(
    make_aws: Callable[..., Aws], run: Callable[..., Ran], model: ScriptedModel, rest: bool, sent: bool
) -> None:
    """Unconfirmed, so a switch: whether a failed file's other mini-batches are sent; the result is the same."""
    model.script.answer = failing(b"poison")
    lines = b"poison\n" + b"%d\n" * 40 % tuple(range(40))
    ran = run({"a": lines}, on=make_aws(Switches(failed_file_sends_rest=rest)), BatchStrategy="SingleRecord")
    assert (b"39\n" in ran.bodies) == sent
    assert (ran.status, ran.outputs) == ("Failed", {})
    assert sum("ClientError: 400" in line for line in ran.data_log) == 1


def test_a_server_that_refuses_a_body_before_it_is_sent(run: Callable[..., Ran], early_refusal: str) -> None:
    """sagemaker-python-sdk#1882: a 413 is seen as a 413, also where the server closes with the body half sent."""
    ran = run({"a": b"x" * (5 * MB) + b"\n"}, ModelName=early_refusal)
    assert ran.description["FailureReason"] == "ClientError: See job logs for more information"
    assert any(line.endswith("ClientError: 413") for line in ran.data_log)
