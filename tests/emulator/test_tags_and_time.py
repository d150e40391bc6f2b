"""Tags of jobs, and time that moves on with describes."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from support.emulator_aws import Aws, request
from support.scripted_model import ScriptedModel
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings


@pytest.fixture
def stepping(model: ScriptedModel) -> Iterator[Aws]:
    """An emulator on which two describes show a job InProgress, with an input object in `data`."""
    with Emulator(Settings({"scripted": model.url}, buckets=["data"], describes_in_progress=2)) as emulator:
        aws = Aws.of(emulator.endpoint_url)
        aws.s3.put_object(Bucket="data", Key="in/a", Body=b"1\n")
        yield aws


def status(aws: Aws) -> str:
    return aws.sagemaker.describe_transform_job(TransformJobName="job")["TransformJobStatus"]


def test_describes_move_a_job_on(stepping: Aws, model: ScriptedModel) -> None:
    """So that a test of a poller needs no sleep: two InProgress, then the end, with the outputs there."""
    stepping.sagemaker.create_transform_job(**request("job", "data"))
    assert [status(stepping) for _ in range(2)] == ["InProgress"] * 2
    assert model.seen == []
    assert status(stepping) == "Completed"
    assert stepping.outputs("data") == {"a.out": b"1\n"}


def test_a_job_is_stopped_between_two_describes(stepping: Aws, model: ScriptedModel) -> None:
    """Stopping before it ran: nothing was sent, and the end is Stopped."""
    stepping.sagemaker.create_transform_job(**request("job", "data"))
    status(stepping)
    stepping.sagemaker.stop_transform_job(TransformJobName="job")
    assert [status(stepping) for _ in range(3)][-1] == "Stopped"
    assert model.seen == []


def test_tags(aws: Aws, name: str, model: ScriptedModel) -> None:
    """AddTags, ListTags and DeleteTags on a transform job; a key has one value."""
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    body = request(name, name, Tags=[{"Key": "team", "Value": "a"}])
    arn = aws.sagemaker.create_transform_job(**body)["TransformJobArn"]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}, {"Key": "cost", "Value": "1"}])
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [
        {"Key": "team", "Value": "b"},
        {"Key": "cost", "Value": "1"},
    ]
    aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert [tag["Key"] for tag in aws.sagemaker.list_tags(ResourceArn=arn)["Tags"]] == ["cost"]
    aws.wait_until(name)


def test_a_job_has_at_most_fifty_tags(aws: Aws, name: str, model: ScriptedModel) -> None:
    """botocore, TagList: at most 50; the sum counts, not the call."""
    aws.s3.put_object(Bucket=name, Key="in/a", Body=b"1\n")
    arn = aws.sagemaker.create_transform_job(**request(name, name))["TransformJobArn"]
    tags = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=tags[:50])
    with pytest.raises(ClientError, match="must not be greater than 50"):
        aws.sagemaker.add_tags(ResourceArn=arn, Tags=tags[50:])
    aws.wait_until(name)


def test_tags_of_other_things_are_still_there(aws: Aws, name: str) -> None:
    """Models' tags are moto's."""
    role = "arn:aws:iam::123456789012:role/r"
    tags = [{"Key": "team", "Value": "a"}]
    model = {"ModelName": name, "PrimaryContainer": {"Image": "i"}, "ExecutionRoleArn": role, "Tags": tags}
    arn = aws.sagemaker.create_model(**model)["ModelArn"]
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}, {"Key": "cost", "Value": "1"}])
    after = [{"Key": "team", "Value": "b"}, {"Key": "cost", "Value": "1"}]
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == after  # moto kept the key twice
    with pytest.raises(ClientError, match="must not be greater than 50"):
        aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": f"k{number}", "Value": ""} for number in range(50)])
    aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == after[1:]


@pytest.mark.parametrize("resource", ["transform-job/nobody", "model/nobody", "endpoint/nobody", "kind/nobody", "word"])
def test_tags_of_what_is_not_there(aws: Aws, resource: str) -> None:
    """A job, or anything else, that is not there has no tags: of all but jobs it was a 500, and was retried."""
    arn = f"arn:aws:sagemaker:us-west-2:123456789012:{resource}"
    calls = {"list_tags": {}, "add_tags": {"Tags": [{"Key": "a", "Value": "b"}]}, "delete_tags": {"TagKeys": ["a"]}}
    for operation, more in calls.items():
        with pytest.raises(ClientError, match="Could not find resource") as refused:
            getattr(aws.sagemaker, operation)(ResourceArn=arn, **more)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
