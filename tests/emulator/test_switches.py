"""Each switch, both ways: the default reading and the other one."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.emulator_aws import Aws, Ran, request
from support.scripted_model import ScriptedModel
from transform_emulator.service.switches import Sharding, Switches

Make = Callable[..., Aws]


def code_and_words(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(("switches", "requests"), [(Switches(), 1), (Switches(retried_statuses_from=400), 3)])
def test_retried_statuses_from(
    make_aws: Make, run: Callable[..., Ran], model: ScriptedModel, switches: Switches, requests: int
) -> None:
    """4xx are final unless the switch says so; "4xx being called ClientError suggests no retry"."""
    model.script.answer = lambda _: (429, b"later")
    run({"a": b"1\n"}, on=make_aws(switches), ModelClientConfig={"InvocationsMaxRetries": 2})
    assert len(model.invocations) == requests


@pytest.mark.parametrize(
    ("switches", "status"), [(Switches(), "Completed"), (Switches(success_statuses_to=200), "Failed")]
)
def test_success_statuses_to(
    make_aws: Make, run: Callable[..., Ran], model: ScriptedModel, switches: Switches, status: str
) -> None:
    """204 for an empty body is what AWS's XGBoost container answers; only 200 was ever seen to be scored."""
    model.script.answer = lambda _: (204, b"")
    assert run({"a": b"\n"}, on=make_aws(switches)).status == status


def test_sharding_by_ranges(make_aws: Make, run: Callable[..., Ran], model: ScriptedModel) -> None:
    """Contiguous ranges of sorted keys: the first half on the first instance. Either way all files are scored once."""
    files = {f"{number:02}": b"%d\n" % number for number in range(10)}
    ran = run(files, on=make_aws(Switches(sharding=Sharding.CONTIGUOUS_RANGES)), TransformResources__InstanceCount=2)
    assert ran.outputs == {f"{key}.out": body for key, body in files.items()}
    by_connection: dict[int, set[int]] = {}
    for seen in model.invocations:
        by_connection.setdefault(seen.client_port, set()).add(int(seen.body))
    assert sorted(map(sorted, by_connection.values())) == [list(range(5)), list(range(5, 10))]


@pytest.mark.parametrize(("switches", "together"), [(Switches(), 3), (Switches(files_in_parallel=False), 1)])
def test_files_in_parallel(
    make_aws: Make, run: Callable[..., Ran], model: ScriptedModel, switches: Switches, together: int
) -> None:
    """Small files side by side within MaxConcurrentTransforms, or one file after the other."""
    meeting = threading.Barrier(together, timeout=10)

    def answer(body: bytes) -> tuple[int, bytes]:
        meeting.wait()
        return 200, body

    model.script.answer = answer
    run({key: b"1" for key in "abc"}, on=make_aws(switches), MaxConcurrentTransforms=3)  # noqa: C420
    assert model.most_in_flight == together


@pytest.mark.parametrize(("switches", "kept"), [(Switches(), set()), (Switches(stop_keeps_outputs=True), {"1.out"})])
def test_stop_keeps_outputs(
    make_aws: Make, name: str, model: ScriptedModel, switches: Switches, kept: set[str]
) -> None:
    """What happens to an `.out` that was complete before StopTransformJob; one in the making never stays."""
    entered, release = threading.Event(), threading.Event()

    def answer(body: bytes) -> tuple[int, bytes]:
        if body == b"2\n":
            entered.set()
            release.wait(20)
        return 200, body

    aws, model.script.answer = make_aws(switches), answer
    for key in "12":
        aws.s3.put_object(Bucket=name, Key=f"in/{key}", Body=f"{key}\n".encode())
    aws.sagemaker.create_transform_job(**request(name, name))
    assert entered.wait(20)
    aws.sagemaker.stop_transform_job(TransformJobName=name)
    assert aws.wait_until(name)["TransformJobStatus"] == "Stopped"
    release.set()
    assert set(aws.outputs(name)) == kept


@pytest.mark.parametrize(
    ("switches", "headline"),
    [(Switches(), "Too much data for max payload size"), (Switches(too_large_headline="too big"), "too big")],
)
def test_too_large_headline(make_aws: Make, run: Callable[..., Ran], switches: Switches, headline: str) -> None:
    """The words are remembered, not found: a pipeline must not depend on them."""
    ran = run({"a": b"x" * 2**20 + b"\n"}, on=make_aws(switches), MaxPayloadInMB=1)
    assert ran.data_log[-1].endswith(f"/in/a: {headline}")


@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound"])
def test_unknown_job_code(make_aws: Make, name: str, code: str) -> None:
    """Production code saw ValidationException; botocore's model declares ResourceNotFound."""
    aws = make_aws(Switches(unknown_job_code=code))
    assert code_and_words(aws.sagemaker.describe_transform_job, TransformJobName=name)[0] == code
    assert code_and_words(aws.sagemaker.stop_transform_job, TransformJobName=name)[0] == code


def test_words_that_were_never_found_are_switches(make_aws: Make, name: str, model: ScriptedModel) -> None:
    """Duplicate names, the product rule and a join's settings: codes are known, texts are not."""
    texts = {"duplicate_name_message": "{arn} twice", "payload_product_message": "{concurrent}*{payload}"}
    aws = make_aws(Switches(**texts, join_settings_message="unlike"))
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    create = aws.sagemaker.create_transform_job
    arn = create(**request(name, name))["TransformJobArn"]
    aws.wait_until(name)
    assert code_and_words(create, **request(name, name)) == ("ResourceInUse", f"{arn} twice")
    large = {"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}
    assert code_and_words(create, **request(f"{name}-2", name, **large))[1] == "2*60"
    join = {"DataProcessing__JoinSource": "Input", "TransformInput__ContentType": "text/csv"}
    assert code_and_words(create, **request(f"{name}-2", name, **join))[1] == "unlike"


def test_join_mismatch_headline(make_aws: Make, run: Callable[..., Ran], model: ScriptedModel) -> None:
    """A response of another number of lines than its mini-batch."""
    model.script.answer = lambda _: (200, b"1")
    kinds = {"TransformInput__ContentType": "text/csv", "TransformOutput__Accept": "text/csv"}
    aws = make_aws(Switches(join_mismatch_headline="mismatch"))
    ran = run({"a": b"1\n2\n"}, on=aws, DataProcessing__JoinSource="Input", **kinds)
    assert ran.data_log[-1].endswith("/in/a: mismatch")


@pytest.mark.parametrize(("inclusive", "output"), [(True, b"0,1,2\n"), (False, b"0,1\n")])
def test_slice_end_inclusive(make_aws: Make, run: Callable[..., Ran], inclusive: bool, output: bytes) -> None:
    """The developer guide's examples include the end of a slice; JSONPath's own operator does not."""
    aws = make_aws(Switches(slice_end_inclusive=inclusive))
    kinds = {"TransformInput__ContentType": "text/csv", "DataProcessing__OutputFilter": "$[0:2]"}
    assert run({"a": b"0,1,2,3\n"}, on=aws, **kinds).outputs == {"a.out": output}


@pytest.mark.parametrize("refused", [True, False])
def test_model_data_source_refused(make_aws: Make, name: str, model: ScriptedModel, refused: bool) -> None:
    """sagemaker-python-sdk#4777: `SageMaker Batch currently doesn't support Model entity with ... ModelDataSource`."""
    aws = make_aws(Switches(model_data_source_refused=refused))
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    source = {"S3DataSource": {"S3Uri": "s3://m/", "S3DataType": "S3Prefix", "CompressionType": "None"}}
    container = {"Image": "scripted", "ModelDataSource": source}
    role = "arn:aws:iam::123456789012:role/r"
    aws.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)
    if refused:
        _, words = code_and_words(aws.sagemaker.create_transform_job, **request(name, name, ModelName=name))
        assert words.startswith("SageMaker Batch currently doesn't support Model entity")
    else:
        aws.sagemaker.create_transform_job(**request(name, name, ModelName=name))
        assert aws.wait_until(name)["TransformJobStatus"] == "Completed"
