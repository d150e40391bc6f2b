"""The CreateTransformJob request, measured against botocore's own model of the service."""

from __future__ import annotations

import copy

import pytest
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.config.runfile import RunConfig
from batch_transform.core.sending.job_planning import Throughput
from batch_transform.core.sending.job_request import differences, job_settings, transform_request
from batch_transform.core.uris import S3Uri
from support.aws_shapes import CREATE

TEXT = st.text("abcXYZ09._:/=+@ -", min_size=1, max_size=20)
TRANSFORMS = st.fixed_dictionaries(
    {},
    optional={
        "instance_type": st.sampled_from(["ml.m5.xlarge", "ml.c5.2xlarge"]),
        "instance_count": st.integers(1, 100),
        "spread": st.sampled_from(["jobs", "instances"]),
        "strategy": st.sampled_from(["MultiRecord", "SingleRecord"]),
        "invocations_timeout_seconds": st.integers(1, 3600),
        "invocations_max_retries": st.integers(0, 3),
        "environment": st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True), TEXT, max_size=16),
        "accept": st.sampled_from(["application/jsonlines", "text/csv"]),
        "tags": st.dictionaries(
            st.text("abcXYZ", min_size=1, max_size=9), TEXT.filter(lambda text: "@" not in text), max_size=5
        ),
        "output_kms_key": st.just("alias/out"),
        "volume_kms_key": st.just("alias/volume"),
        "ami_version": st.just("al2-ami-sagemaker-batch-gpu-535"),
    },
)
LIMITS = st.builds(Throughput, st.none() | st.integers(1, 100), st.none() | st.integers(1, 100))


def asked(transform=None, record=None):
    return RunConfig.from_document(
        {
            "run_id": "r",
            "workspace": "s3://bucket/work",
            "input": {"path": "s3://bucket/in"},
            "model": {"name": "churn-v7"},
            "output": {"path": "s3://bucket/out"},
            "transform": transform or {},
            "record": record or {},
        }
    ).settings


SIX_BY_SIXTEEN = Throughput(6, 16)


def request(transform=None, limits=SIX_BY_SIXTEEN, record=None):
    where = S3Uri.parse("s3://bucket/ws/r")
    listed, output = where.join("manifests", "m.json"), where.join("output", "job")
    settings = asked(transform, record)
    return transform_request(
        job_settings("job-1", settings, "application/jsonlines", listed, output, limits, instance_type=None)
    )


@given(TRANSFORMS, LIMITS)
def test_any_configuration_makes_a_request_that_botocore_accepts(transform, limits):
    validate_parameters(request(transform, limits), CREATE)


@given(TRANSFORMS, LIMITS)
def test_each_parameter_is_one_of_the_service(transform, limits):
    def check(value, shape):
        if shape.type_name == "structure":
            assert set(value) <= set(shape.members)
            for name, member in value.items():
                check(member, shape.members[name])
        if getattr(shape, "enum", None):
            assert value in shape.enum

    check(request(transform, limits), CREATE)


def test_a_plain_request_in_full():
    assert request() == {
        "TransformJobName": "job-1",
        "ModelName": "churn-v7",
        "MaxPayloadInMB": 6,
        "MaxConcurrentTransforms": 16,
        "BatchStrategy": "MultiRecord",
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 3600},
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket/ws/r/manifests/m.json"}
            },
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": "s3://bucket/ws/r/output/job", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    }


def test_an_object_that_is_one_request_is_neither_split_nor_batched_nor_assembled():
    made = request({"split": "None"}, record={"format": "csv"})
    assert (made["TransformInput"]["SplitType"], made["TransformOutput"]["AssembleWith"]) == ("None", "None")
    assert "BatchStrategy" not in made
    validate_parameters(made, CREATE)


@pytest.mark.parametrize(("compression", "expected"), [("gzip", "Gzip"), (None, None)])
def test_gzip_is_said_and_its_absence_is_not(compression, expected):
    made = request(record={"compression": compression})
    assert made["TransformInput"].get("CompressionType") == expected
    validate_parameters(made, CREATE)


def test_every_setting_reaches_its_parameter():
    made = request(
        {
            "instance_type": "ml.c5.large",
            "instance_count": 3,
            "spread": "instances",
            "strategy": "SingleRecord",
            "invocations_timeout_seconds": 60,
            "invocations_max_retries": 0,
            "environment": {"A": "1"},
            "accept": "text/csv",
            "tags": {"team": "ml"},
            "output_kms_key": "alias/out",
            "volume_kms_key": "alias/volume",
            "ami_version": "al2-ami-sagemaker-batch-gpu-535",
        }
    )
    assert made["ModelClientConfig"] == {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 0}
    assert made["TransformOutput"]["Accept"] == "text/csv"
    assert made["TransformOutput"]["KmsKeyId"] == "alias/out"
    assert made["TransformResources"] == {
        "InstanceType": "ml.c5.large",
        "InstanceCount": 3,
        "VolumeKmsKeyId": "alias/volume",
        "TransformAmiVersion": "al2-ami-sagemaker-batch-gpu-535",
    }
    assert (made["BatchStrategy"], made["Environment"]) == ("SingleRecord", {"A": "1"})
    assert made["Tags"] == [{"Key": "team", "Value": "ml"}]


def test_what_is_left_to_the_container_is_not_sent():
    assert not {"MaxPayloadInMB", "MaxConcurrentTransforms", "Environment", "Tags"} & set(
        request(limits=Throughput(None, None))
    )


def described(sent):
    """What DescribeTransformJob makes of a request: defaults of the service in, tags out."""
    answer = copy.deepcopy(sent)
    answer.pop("Tags", None)
    answer["TransformInput"].setdefault("CompressionType", "None")
    answer["TransformOutput"].setdefault("KmsKeyId", "")
    answer["TransformJobArn"] = "arn"
    answer["TransformJobStatus"] = "InProgress"
    return answer


@given(TRANSFORMS, LIMITS)
def test_a_job_asked_for_in_the_same_way_has_no_differences(transform, limits):
    sent = request(transform, limits)
    assert differences(sent, described(sent)) == []


def leaves_of(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves_of(value, (*path, key))
        else:
            yield (*path, key)


FULL = {"environment": {"A": "1"}, "output_kms_key": "k", "volume_kms_key": "k", "accept": "a/b", "tags": {"t": "v"}}
FIELDS = [path for path in leaves_of(request(FULL)) if path != ("Tags",)]


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
@pytest.mark.parametrize("change", ["other", "missing"])
def test_each_field_that_differs_is_named(path, change):
    sent = request(FULL)
    found = described(sent)
    *above, last = path
    place = found
    for key in above:
        place = place[key]
    if change == "missing":
        del place[last]
    else:
        place[last] = "something else"
    assert differences(sent, found) == [".".join(path)]


def test_a_missing_branch_names_each_of_its_fields():
    sent = request()
    found = {key: value for key, value in described(sent).items() if key != "TransformResources"}
    assert differences(sent, found) == ["TransformResources.InstanceType", "TransformResources.InstanceCount"]


def test_tags_are_not_compared():
    sent = request({"tags": {"a": "b"}})
    assert differences(sent, {**described(sent), "Tags": [{"Key": "x", "Value": "y"}]}) == []
