"""A model that a run makes: the calls, checked against botocore's own service model, and what their answers mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.sending.model_parts import ModelParts, model_differences, model_name, model_request
from batch_transform.sagemaker.models import ensure_model
from support.stubbed_clients import answering, unreached

ROLE = "arn:aws:iam::123456789012:role/model"
PARTS = ModelParts("churn:7", "s3://models/model.tar.gz", ROLE, {"A": "1"})
NAME = model_name(PARTS)
ARN = f"arn:aws:sagemaker:us-east-1:123456789012:model/{NAME}"
REQUEST = {
    "ModelName": NAME,
    "PrimaryContainer": {
        "Image": "churn:7",
        "ModelDataUrl": "s3://models/model.tar.gz",
        "Environment": {"A": "1"},
    },
    "ExecutionRoleArn": ROLE,
}
ASKED = {"ModelName": NAME}
ABSENT = ("describe_model", "ValidationException", f'Could not find model "{ARN}".')
# As the service shows a model: with what it adds.
THERE = {
    **REQUEST,
    "PrimaryContainer": {**REQUEST["PrimaryContainer"], "Mode": "SingleModel"},
    "ModelArn": ARN,
    "CreationTime": 0,
}


@pytest.fixture
def client():
    return unreached("sagemaker")


@pytest.fixture
def stub(client):
    with answering(client) as stubber:
        yield stubber


def refuse(stub, operation, code, message, status=400):
    stub.add_client_error(operation, code, message, status)


def test_a_model_that_is_not_there_is_created_with_exactly_its_parts(client, stub):
    refuse(stub, *ABSENT)
    stub.add_response("create_model", {"ModelArn": ARN}, REQUEST)
    stub.add_response("describe_model", THERE, ASKED)
    ensure_model(client, NAME, PARTS)


def test_a_model_that_is_there_is_adopted_and_nothing_is_created(client, stub):
    stub.add_response("describe_model", THERE, ASKED)
    ensure_model(client, NAME, PARTS)


@pytest.mark.parametrize(
    ("code", "message"),
    [("ValidationException", f'Cannot create already existing model "{ARN}".'), ("ResourceInUse", "taken")],
)
def test_a_driver_that_was_overtaken_or_not_answered_adopts_what_it_finds(client, stub, code, message):
    refuse(stub, *ABSENT)
    refuse(stub, "create_model", code, message)
    stub.add_response("describe_model", THERE, ASKED)
    ensure_model(client, NAME, PARTS)


def test_a_model_that_the_service_does_not_show_yet_is_no_other_model(client, stub):
    refuse(stub, *ABSENT)
    stub.add_response("create_model", {"ModelArn": ARN}, REQUEST)
    refuse(stub, *ABSENT)
    with pytest.raises(ServiceFailure, match="does not show it yet"):
        ensure_model(client, NAME, PARTS)


def test_a_model_of_that_name_made_of_something_else_is_refused(client, stub):
    other = {**THERE, "PrimaryContainer": {"Image": "other", "Environment": {"A": "1"}}}
    stub.add_response("describe_model", other, ASKED)
    with pytest.raises(ConfigurationError, match=rf"of the name {NAME}; model.image, model.data_url differ"):
        ensure_model(client, NAME, PARTS)


def test_what_the_service_adds_is_no_difference_and_what_a_model_has_besides_is():
    bare = ModelParts("churn:7", None, ROLE, {})
    assert model_request(model_name(bare), bare) == {**ASKED, **REQUEST, "ModelName": model_name(bare)} | {
        "PrimaryContainer": {"Image": "churn:7"}
    }
    assert model_differences(PARTS, THERE) == []
    assert model_differences(bare, {**model_request(model_name(bare), bare), "ModelArn": ARN}) == []
    assert model_differences(bare, THERE) == ["model.data_url", "model.environment"]
    assert len(model_differences(PARTS, {"Containers": [{"Image": "churn:7"}]})) == 4


@pytest.mark.parametrize("operation", ["describe_model", "create_model"])
def test_what_the_caller_may_not_is_his_to_put_right_and_a_busy_service_is_tried_again(client, stub, operation):
    for code, kind in (("AccessDeniedException", ConfigurationError), ("ThrottlingException", ServiceFailure)):
        if operation == "create_model":
            refuse(stub, *ABSENT)
        refuse(stub, operation, code, "words of the service")
        with pytest.raises(kind, match="words of the service") as caught:
            ensure_model(client, NAME, PARTS)
        assert type(caught.value) is ConfigurationError or kind is ServiceFailure


def test_no_answer_at_all_is_a_failure_of_the_service(client, monkeypatch):
    def unanswered(**request):
        raise ReadTimeoutError(endpoint_url="http://sagemaker")

    monkeypatch.setattr(client, "describe_model", unanswered)
    with pytest.raises(ServiceFailure, match=f"DescribeModel {NAME}: Read timeout"):
        ensure_model(client, NAME, PARTS)


def test_the_policy_to_copy_allows_the_calls_on_models_that_are_made():
    policy = json.loads((Path(__file__).parents[3] / "conf" / "iam-policy.json").read_text())
    allowed = {
        action
        for statement in policy["caller"]["Statement"]
        for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
    }
    assert {"sagemaker:CreateModel", "sagemaker:DescribeModel", "iam:PassRole"} <= allowed
