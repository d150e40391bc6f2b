"""No member of a request is ignored without a word: over botocore's model each is described again, or refused."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from support.emulator_aws import Aws, request
from support.scripted_model import ScriptedModel
from transform_emulator.control_plane.request_validation import python_pattern, service_model

Path = tuple[str, ...]
ROLE = "arn:aws:iam::123456789012:role/service-role"
# For a text, the first of these that its pattern lets through; an enum has its last value, which no default is.
TEXTS = (
    *("name-1", "s3://bucket/in/", ROLE, "arn:aws:lambda:us-west-2:123456789012:function:f", "/metrics", "$", "12"),
    "arn:aws:sagemaker:us-west-2:123456789012:hub-content/hub-name/Model/name/1.0.0",
    "sha256:" + "0" * 64,
)
# Where the general rule would make a request that contradicts itself.
CHOSEN = {"InstanceType": "ml.m5.large", "S3DataType": "S3Prefix"}
NOT_EMULATED = {"MultiModel", "Direct"}
# What the emulator does not do, with the reason in its refusal.
REFUSED = {
    "CreateModel": {"AdditionalModelDataSources", "MultiModelConfig"},
    "CreateTransformJob": {"DataCaptureConfig"},
}


def members(shape: Shape, path: Path = ()) -> Iterator[tuple[Path, Shape]]:
    """Yields each member that has no members of its own, with the way to it; `[]` is an entry of a list."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from members(member, (*path, name))
    elif isinstance(shape, ListShape):
        yield from members(shape.member, (*path, "[]"))
    else:
        yield path, shape


def sample(name: str, shape: Shape) -> Any:
    """A value that is not the member's default."""
    if isinstance(shape, StructureShape):
        return {each: sample(each, shape.members[each]) for each in shape.required_members}
    if isinstance(shape, ListShape):
        return [sample(name, shape.member)]
    if isinstance(shape, MapShape):
        return {"NAME": "value"}
    if shape.type_name == "boolean":
        return True
    if shape.type_name == "integer":
        return max(2, shape.metadata.get("min", 2))
    return CHOSEN.get(name) or text(shape)


def text(shape: Shape) -> str:
    if shape.metadata.get("enum"):
        return str([each for each in shape.metadata["enum"] if each not in NOT_EMULATED][-1])
    pattern = python_pattern(shape.metadata.get("pattern", ".*"))
    most = shape.metadata.get("max", 1000)
    return next(each for each in TEXTS if re.fullmatch(pattern, each) and len(each) <= most)


def with_member(body: dict[str, Any], shape: Shape, path: Path) -> dict[str, Any]:
    """The request with one more member, and what that asks for beside it."""
    node: Any = body
    for place, name in enumerate(path):
        if name == "[]":
            assert isinstance(shape, ListShape)
            shape, node = shape.member, node[0]
            continue
        assert isinstance(shape, StructureShape)
        shape = shape.members[name]
        if place == len(path) - 1 or name not in node:
            node[name] = sample(name, shape) if not isinstance(shape, ListShape) else [sample(name, shape.member)]
        node = node[name]
    return body


def found(description: Any, path: Path) -> Any:
    for name in path:
        description = description[0] if name == "[]" else description[name]
    return description


def paths_of(operation: str) -> list[Path]:
    shape = service_model().operation_model(operation).input_shape
    assert shape is not None
    return [path for path, _ in members(shape)]


def check(
    operation: str,
    path: Path,
    body: dict[str, Any],
    call: Callable[..., Any],
    describe: Callable[[], Any],
    tags_of: Callable[[], Any],
) -> None:
    """The member is described as it was sent, or the refusal names it."""
    shape = service_model().operation_model(operation).input_shape
    assert shape is not None
    sent = with_member(body, shape, path)
    refused = REFUSED[operation].intersection(path)
    if refused:
        with pytest.raises(ClientError, match=refused.pop()):
            call(**sent)
        return
    call(**sent)
    if path[0] == "Tags":
        assert found({"Tags": tags_of()}, path) == found(sent, path)
        return
    assert found(describe(), path) == found(sent, path)


@pytest.mark.parametrize("path", paths_of("CreateModel"), ids=".".join)
def test_each_member_of_a_model(aws: Aws, name: str, path: Path) -> None:
    """`EnableNetworkIsolation`, `VpcConfig` and all the others, within a pipeline's containers too."""
    client = aws.sagemaker
    body: dict[str, Any] = {"ModelName": name}
    check(
        "CreateModel",
        path,
        body,
        client.create_model,
        lambda: client.describe_model(ModelName=body["ModelName"]),
        lambda: client.list_tags(ResourceArn=client.describe_model(ModelName=name)["ModelArn"])["Tags"],
    )


@pytest.mark.parametrize("path", paths_of("CreateTransformJob"), ids=".".join)
def test_each_member_of_a_job(aws: Aws, name: str, path: Path) -> None:
    """What is acted on is tested elsewhere; here, that it is not lost."""
    client = aws.sagemaker
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    types = {"TransformInput__ContentType": "text/csv", "TransformOutput__Accept": "text/csv"}
    body = request(name, name, **types)
    if path[-1] in {"TransformJobName", "ModelName", "S3Uri", "S3OutputPath"}:
        created = client.create_transform_job(**body)
        assert created["TransformJobArn"].endswith(name)
        assert found(client.describe_transform_job(TransformJobName=name), path) == found(body, path)
        return
    check(
        "CreateTransformJob",
        path,
        body,
        client.create_transform_job,
        lambda: client.describe_transform_job(TransformJobName=name),
        lambda: client.list_tags(ResourceArn=client.describe_transform_job(TransformJobName=name)["TransformJobArn"])[
            "Tags"
        ],
    )


IMAGE = {"Image": "scripted"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PrimaryContainer": IMAGE, "Containers": [IMAGE]}, "must not both be given"),
        ({"Containers": [IMAGE], "InferenceExecutionConfig": {"Mode": "Direct"}}, "Mode Direct is not emulated"),
        (
            {"PrimaryContainer": {**IMAGE, "Mode": "MultiModel"}},
            "Mode MultiModel, and with it MultiModelConfig, is not",
        ),
        ({"Containers": [IMAGE, {**IMAGE, "Mode": "MultiModel"}]}, "Mode MultiModel"),
        ({"Containers": [IMAGE] * 16}, "length less than or equal to 15"),
        ({"PrimaryContainer": {**IMAGE, "Environment": {"A B": "1"}}}, "regular expression pattern"),
        ({"Containers": [IMAGE, {**IMAGE, "Environment": {"A": "x\0"}}]}, "The value of A in Environment holds a NUL"),
    ],
)
def test_a_model_of_which_a_part_would_be_ignored_is_refused(
    aws: Aws, name: str, changes: dict[str, Any], words: str
) -> None:
    """With the reason, and the model is not there."""
    with pytest.raises(ClientError, match=words):
        aws.sagemaker.create_model(ModelName=name, **changes)
    with pytest.raises(ClientError, match="Could not find model"):
        aws.sagemaker.describe_model(ModelName=name)


def test_what_a_model_was_not_given_is_not_described(aws: Aws, name: str) -> None:
    """DescribeModel makes nothing up, but for EnableNetworkIsolation, which it always has."""
    aws.sagemaker.create_model(ModelName=name, PrimaryContainer=IMAGE)
    described = aws.sagemaker.describe_model(ModelName=name)
    told = {key for key in described if key not in {"ModelName", "ModelArn", "CreationTime", "ResponseMetadata"}}
    assert told == {"PrimaryContainer", "EnableNetworkIsolation"}
    assert described["EnableNetworkIsolation"] is False


def test_a_package_is_served_by_its_name(aws: Aws, name: str) -> None:
    """A model of the registry has no image of its own; its server is named by the package."""
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    aws.sagemaker.create_model(ModelName=name, PrimaryContainer={"ModelPackageName": "scripted"}, ExecutionRoleArn=ROLE)
    aws.sagemaker.create_transform_job(**request(name, name, ModelName=name))
    assert aws.wait_until(name)["TransformJobStatus"] == "Completed"


VARIANT = {"VariantName": "v", "ModelName": "scripted", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"ProductionVariants": [VARIANT, {**VARIANT, "VariantName": "w"}]},
            "More than one of ProductionVariants is not",
        ),
        ({"ShadowProductionVariants": [{**VARIANT, "VariantName": "w"}]}, "ShadowProductionVariants is not emulated"),
        ({"AsyncInferenceConfig": {"OutputConfig": {}}}, "AsyncInferenceConfig is not emulated"),
        (
            {"ExplainerConfig": {"ClarifyExplainerConfig": {"ShapConfig": {"ShapBaselineConfig": {}}}}},
            "ExplainerConfig",
        ),
    ],
)
def test_an_endpoint_of_which_a_part_would_be_ignored_is_refused(
    aws: Aws, name: str, changes: dict[str, Any], words: str
) -> None:
    """Two variants share the traffic; the first alone would be a false answer."""
    body = {"EndpointConfigName": name, "ProductionVariants": [VARIANT], **changes}
    with pytest.raises(ClientError, match=words):
        aws.sagemaker.create_endpoint_config(**body)


RUNTIME = botocore.session.get_session().get_service_model("sagemaker-runtime").operation_model("InvokeEndpoint")
HEADERS = [
    name for name, shape in RUNTIME.input_shape.members.items() if shape.serialization.get("location") == "header"
]


@pytest.mark.parametrize("member", HEADERS)
def test_each_header_of_an_invocation_is_acted_on_or_refused(
    aws: Aws, name: str, model: ScriptedModel, member: str
) -> None:
    """TargetVariant, TargetModel and their like choose who answers; an InferenceId chooses nothing."""
    aws.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[VARIANT])
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    invoke = aws.client("sagemaker-runtime").invoke_endpoint
    if member in {"ContentType", "Accept", "CustomAttributes"}:
        invoke(EndpointName=name, Body=b"1", **{member: "some/value"})
        assert "some/value" in model.invocations[-1].headers.values()
    elif member == "InferenceId":
        assert invoke(EndpointName=name, Body=b"1", InferenceId="id")["Body"].read() == b"1"
    else:
        with pytest.raises(ClientError, match="is not emulated"):
            invoke(EndpointName=name, Body=b"1", **{member: "value"})
        assert not model.invocations
