"""Models that a run makes, over HTTP: a client against the emulator's SageMaker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from batch_transform.aws.access import AwsAccess
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.sending.model_parts import ModelParts, model_name
from batch_transform.sagemaker.models import ensure_model
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

PARTS = ModelParts("churn:7", "s3://models/model.tar.gz", "arn:aws:iam::123456789012:role/model", {"A": "1"})


@pytest.fixture
def access():
    """Of an emulator whose one model is known by its image."""
    with Emulator(Settings({"churn:7": "http://127.0.0.1:9"})) as emulator:
        yield AwsAccess(endpoint_url=emulator.endpoint_url, emulated=True)


def test_two_drivers_at_once_make_one_model_and_a_third_adopts_it(access):
    clients = [access.client("sagemaker") for _ in range(4)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda client: ensure_model(client, model_name(PARTS), PARTS), clients[:3]))
    ensure_model(clients[3], model_name(PARTS), PARTS)
    found = [model["ModelName"] for model in clients[0].list_models()["Models"]]
    assert [name for name in found if name == model_name(PARTS)] == [model_name(PARTS)]
    described = clients[0].describe_model(ModelName=model_name(PARTS))
    assert described["PrimaryContainer"] == {
        "Image": "churn:7",
        "ModelDataUrl": "s3://models/model.tar.gz",
        "Environment": {"A": "1"},
    }
    assert described["ExecutionRoleArn"] == PARTS.role_arn


def test_a_model_that_somebody_else_put_under_the_name_is_refused_and_left_as_it_is(access):
    parts = replace(PARTS, image="churn:8")  # moto's memory is the process's
    client, name = access.client("sagemaker"), model_name(parts)
    client.create_model(ModelName=name, PrimaryContainer={"Image": "other"}, ExecutionRoleArn=PARTS.role_arn)
    with pytest.raises(ConfigurationError, match=r"model\.image, model\.data_url, model\.environment differ"):
        ensure_model(client, name, parts)
    assert client.describe_model(ModelName=name)["PrimaryContainer"]["Image"] == "other"
