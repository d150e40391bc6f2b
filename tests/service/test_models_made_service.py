"""Models that a run makes, over HTTP: a client against the emulator's SageMaker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from batch_transform.aws.access import AwsAccess
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.sending.model_parts import ContainerParts, ModelParts, VpcParts, model_name
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


def test_what_containers_run_in_and_a_package_are_kept_and_adopted():
    chain = (ContainerParts("features:1", None, "s3://models/f.tar.gz"), ContainerParts(package="churn-package"))
    parts = ModelParts(None, None, PARTS.role_arn, {}, None, chain, VpcParts(("sg-1",), ("subnet-1", "subnet-2")), True)
    models = dict.fromkeys(("features:1", "churn-package"), "http://127.0.0.1:9")
    with Emulator(Settings(models)) as emulator:
        client = AwsAccess(endpoint_url=emulator.endpoint_url, emulated=True).client("sagemaker")
        for _ in range(2):
            ensure_model(client, model_name(parts), parts)
        found = client.describe_model(ModelName=model_name(parts))
        with pytest.raises(ConfigurationError, match=r"model\.vpc_config, model\.network_isolation differ"):
            ensure_model(client, model_name(parts), replace(parts, vpc_config=None, network_isolation=False))
        other = replace(parts, containers=(chain[0], ContainerParts("churn:8")))
        with pytest.raises(
            ConfigurationError, match=r"model\.containers\.1\.image, model\.containers\.1\.package differ"
        ):
            ensure_model(client, model_name(parts), other)
    assert found["Containers"] == [
        {"Image": "features:1", "ModelDataUrl": "s3://models/f.tar.gz"},
        {"ModelPackageName": "churn-package"},
    ]
    assert found["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}
    assert found["EnableNetworkIsolation"] is True
