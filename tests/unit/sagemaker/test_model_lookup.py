"""What is asked of SageMaker, S3 and ECR about a model, and what a refusal means."""

from __future__ import annotations

from datetime import datetime, timezone

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.model_identity import model_changes
from batch_transform.sagemaker.model_lookup import ModelGone, ModelLookup
from batch_transform.sagemaker.service_errors import NotNow
from support.memory_models import DATA, IMAGE

DIGEST = f"sha256:{'a' * 64}"
ASKED = {"ModelName": "m"}
OBJECT = {"Bucket": "models", "Key": "churn/model.tar.gz"}
IN_ECR = {"registryId": "123456789012", "repositoryName": "churn", "imageIds": [{"imageTag": "7"}]}


def described(**container):
    return {
        "ModelName": "m",
        "ModelArn": "arn:aws:sagemaker:eu-west-1:123456789012:model/m",
        "CreationTime": datetime(2024, 5, 1, tzinfo=timezone.utc),
        "PrimaryContainer": {"Image": "churn:7", **container},
    }


class Services:
    """Stubs of the three, and a lookup over them."""

    def __init__(self):
        session = boto3.Session("id", "secret", region_name="eu-west-1")
        self.clients = {name: session.client(name) for name in ("sagemaker", "s3", "ecr")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        self.regions = []
        self.lookup = ModelLookup(self.clients["sagemaker"], self.clients["s3"], self._registry)

    def _registry(self, region):
        self.regions.append(region)
        return self.clients["ecr"]

    def look(self):
        return self.lookup.look("m", "nonce").identity


@pytest.fixture
def services():
    made = Services()
    for stub in made.stubs.values():
        stub.activate()
    yield made
    for stub in made.stubs.values():
        stub.assert_no_pending_responses()


def test_the_containers_are_what_describe_model_says(services):
    services.stubs["sagemaker"].add_response("describe_model", described(Mode="SingleModel"), ASKED)
    found = services.look()
    assert dict(found.containers[0].keys) == {"Image": '"churn:7"', "Mode": '"SingleModel"'}
    assert (found.created_at, services.regions) == ("2024-05-01 00:00:00+00:00", [])


def test_its_artifact_is_told_by_etag_size_and_version(services):
    services.stubs["sagemaker"].add_response("describe_model", described(ModelDataUrl=DATA), ASKED)
    head = {"ETag": '"abc"', "ContentLength": 12, "VersionId": "v1"}
    services.stubs["s3"].add_response("head_object", head, OBJECT)
    (data,) = services.look().containers[0].data
    assert (data.etag, data.size_bytes, data.version) == ("abc", 12, "v1")


def test_an_overwritten_object_below_a_prefix_is_another_model(services):
    source = {"S3DataSource": {"S3Uri": "s3://models/llm/", "S3DataType": "S3Prefix", "CompressionType": "None"}}
    found = []
    for etag in ('"a"', '"a"', '"b"'):
        services.stubs["sagemaker"].add_response("describe_model", described(ModelDataSource=source), ASKED)
        listed = {"Contents": [{"Key": f"llm/{n}", "ETag": etag, "Size": 5} for n in range(3)], "IsTruncated": False}
        services.stubs["s3"].add_response("list_objects_v2", listed, {"Bucket": "models", "Prefix": "llm/"})
        found.append(services.look())
    assert model_changes(found[0], found[1]) == []
    assert "the data at s3://models/llm/ was ETag" in model_changes(found[0], found[2])[0]
    assert found[0].containers[0].data[0].size_bytes == 15


@pytest.mark.parametrize(("code", "etag"), [("403", None), ("AccessDenied", None), ("404", ""), ("NoSuchBucket", "")])
def test_an_artifact_that_may_not_be_looked_at_is_not_one_that_is_gone(services, code, etag):
    services.stubs["sagemaker"].add_response("describe_model", described(ModelDataUrl=DATA), ASKED)
    services.stubs["s3"].add_client_error("head_object", code)
    assert services.look().containers[0].data[0].etag == etag


def test_the_digest_of_its_image_is_asked_in_the_images_own_region(services):
    services.stubs["sagemaker"].add_response("describe_model", described(Image=IMAGE), ASKED)
    services.stubs["ecr"].add_response("describe_images", {"imageDetails": [{"imageDigest": DIGEST}]}, IN_ECR)
    assert services.look().containers[0].image_digest == DIGEST
    assert services.regions == ["eu-west-1"]


def test_who_may_only_pull_asks_by_the_call_that_pulls(services):
    services.stubs["sagemaker"].add_response("describe_model", described(Image=IMAGE), ASKED)
    services.stubs["ecr"].add_client_error("describe_images", "AccessDeniedException")
    answer = {"images": [{"imageId": {"imageDigest": DIGEST}}]}
    services.stubs["ecr"].add_response("batch_get_image", answer, IN_ECR)
    assert services.look().containers[0].image_digest == DIGEST


def test_a_registry_that_refuses_or_knows_no_such_image_tells_no_digest(services):
    services.stubs["sagemaker"].add_response("describe_model", described(Image=IMAGE), ASKED)
    for operation in ("describe_images", "batch_get_image"):
        services.stubs["ecr"].add_client_error(operation, "RepositoryNotFoundException")
    assert services.look().containers[0].image_digest is None


def test_a_registry_that_is_not_reached_is_waited_for_once(services, monkeypatch):
    tries = []

    def unreached(**asked):
        tries.append(asked)
        raise ConnectTimeoutError(endpoint_url="https://api.ecr.eu-west-1.amazonaws.com")

    monkeypatch.setattr(services.clients["ecr"], "describe_images", unreached)
    for _ in range(2):
        services.stubs["sagemaker"].add_response("describe_model", described(Image=IMAGE), ASKED)
        assert services.look().containers[0].image_digest is None
    assert len(tries) == 1


def test_an_image_that_is_named_by_its_digest_is_asked_of_nobody(services):
    services.stubs["sagemaker"].add_response("describe_model", described(Image=f"{IMAGE[:-2]}@{DIGEST}"), ASKED)
    assert services.look().containers[0].image_digest == DIGEST


@pytest.mark.parametrize("status", [400, 403])
def test_who_may_not_describe_models_is_told_so_and_no_more(services, status):
    services.stubs["sagemaker"].add_client_error("describe_model", "AccessDeniedException", "no", status)
    found = services.lookup.look("m", "nonce")
    assert (found.identity, found.trouble) == (None, "AccessDeniedException: no")


def test_a_model_that_is_gone_a_call_that_may_be_made_again_and_any_other_failure_are_told_apart(services):
    stub = services.stubs["sagemaker"]
    stub.add_client_error("describe_model", "ValidationException", 'Could not find model "arn".')
    with pytest.raises(ModelGone, match="DescribeModel m: ValidationException: Could not find model"):
        services.look()
    stub.add_client_error("describe_model", "ThrottlingException", "Rate exceeded")
    with pytest.raises(NotNow):
        services.look()
    for status in (400, 403):
        stub.add_client_error("describe_model", "ExpiredTokenException", "expired", status)
        with pytest.raises(ServiceFailure, match="ExpiredTokenException") as failure:
            services.look()
        assert not isinstance(failure.value, (NotNow, ModelGone))
