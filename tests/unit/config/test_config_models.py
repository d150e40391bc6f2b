"""The section `model`: a name, or the parts of which a model is made under a name of its own."""

from __future__ import annotations

import pytest

from batch_transform.config import RunConfig, from_arguments
from batch_transform.config.changes import differences
from batch_transform.config.checking import check
from batch_transform.config.layers import Layer
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.sending.model_parts import model_request

ROLE = "arn:aws:iam::123456789012:role/service-role/model"
PARTS = {"image": "churn:7", "data_url": "s3://models/churn/model.tar.gz", "role_arn": ROLE, "environment": {"A": "1"}}
REST = {"run_id": "r1", "workspace": "s3://bucket/prefix", "input": {"path": "in"}, "output": {"path": "out"}}


def build(model, **sections):
    return check(RunConfig, [Layer("run.yml", {**REST, "model": model, **sections})], {})


def faults(model, **sections):
    with pytest.raises(ConfigurationError) as caught:
        build(model, **sections)
    return [fault.removeprefix("run.yml: ") for fault in caught.value.faults]


def test_the_name_follows_from_the_four_parts_and_from_nothing_else():
    name = build(PARTS).model.name
    assert name == build(dict(reversed(PARTS.items())), transform={"environment": {"A": "2"}}).model.name
    assert name == "batch-transform-" + name[-20:]
    assert set(name[-20:]) <= set("0123456789abcdef")
    changed = [
        build({**PARTS, "image": "churn:8"}),
        build({**PARTS, "data_url": "s3://models/churn/other.tar.gz"}),
        build({key: value for key, value in PARTS.items() if key != "data_url"}),
        build({**PARTS, "role_arn": ROLE + "2"}),
        build({**PARTS, "environment": {"A": "2"}}),
    ]
    assert len({name, *(config.model.name for config in changed)}) == 6


def test_the_name_of_a_made_model_is_the_same_in_every_version():
    """A later version adopts it too; the hash is that of the four as JSON, keys sorted, without spaces."""
    assert build({"image": "churn:7", "role_arn": ROLE}).model.name == "batch-transform-9f14dbbeee8bfafb708b"


def test_the_document_holds_the_name_and_gives_the_same_configuration_back():
    config = build(PARTS)
    document = config.to_document()
    later = dict.fromkeys(("package", "containers", "vpc_config", "network_isolation"))
    assert document["model"] == {**PARTS, **later, "name": config.model.name}
    assert RunConfig.from_document(document) == config
    other = build({**PARTS, "image": "churn:8"}).to_document()
    assert [line.partition(":")[0] for line in differences(document, other, publishing=False)] == [
        "model.image",
        "model.name",
    ]


def test_a_notebook_gives_the_section_as_a_map():
    assert from_arguments(run_id="r", workspace="s3://bucket/x", model=PARTS).model == build(PARTS).model
    assert from_arguments(run_id="r", workspace="s3://bucket/x", model="churn").model.parts is None


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({}, "model.name: is required; or image, with role_arn, from which a model is made"),
        ({**PARTS, "name": "churn"}, "model: has a name beside an image, from which a model is made under a name of"),
        ({"image": "churn"}, "model.role_arn: is required beside model.image"),
        ({"name": "m", "data_url": "s3://b/k"}, "model.data_url: is given, but there is no model.image"),
        ({"name": "m", "role_arn": ROLE}, "model.role_arn: is given, but there is no model.image"),
        ({"name": "m", "environment": {"A": "b"}}, "model.environment: is given, but there is no model.image"),
        ({**PARTS, "image": "a b"}, "model.image: is 'a b'; valid: an image without spaces"),
        ({**PARTS, "image": "a" * 256}, "model.image: has 256 characters; the limit is 255"),
        ({**PARTS, "data_url": "models/x.tar.gz"}, "model.data_url: is 'models/x.tar.gz'; valid: s3://bucket/key"),
        ({**PARTS, "role_arn": "model-role"}, "model.role_arn: is 'model-role'; valid: an IAM role's ARN"),
        ({**PARTS, "environment": {"1": "b"}}, "model.environment: has the name '1'; valid: letters, digits and _"),
        ({**PARTS, "environment": {"A": "x" * 1025}}, "model.environment: has a value of 1025 characters under A; the"),
    ],
)
def test_what_is_refused_is_refused_once_and_with_the_remedy(model, expected):
    [fault] = faults(model)
    assert fault.startswith(expected)


def test_a_secret_of_the_environment_is_not_repeated():
    [fault] = faults({**PARTS, "environment": {"TOKEN": 7391}})
    assert "7391" not in fault


def test_the_emulator_knows_a_made_model_by_its_image():
    image = "123456789012.dkr.ecr.us-west-2.amazonaws.com/churn:7"
    config = build({**PARTS, "image": image}, emulator={"models": {image: "python serve.py"}})
    assert config.model.served_as == (image,)
    [fault] = faults(PARTS, emulator={"models": {"churn": "x"}})
    assert fault == "model: no model churn:7 (did you mean churn?) in emulator.models; it has churn"


PACKAGE = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/7"
VPC = {"security_group_ids": ["sg-0a1b2c3d"], "subnets": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]}
CHAIN = [{"image": "features:1", "data_url": "s3://models/f.tar.gz"}, {"package": PACKAGE, "environment": {"A": "1"}}]


def test_a_model_of_several_containers_has_them_in_order_and_a_name_of_its_own():
    config = build({"containers": CHAIN, "role_arn": ROLE})
    assert model_request("n", config.model.parts) == {
        "ModelName": "n",
        "ExecutionRoleArn": ROLE,
        "Containers": [
            {"Image": "features:1", "ModelDataUrl": "s3://models/f.tar.gz"},
            {"ModelPackageName": PACKAGE, "Environment": {"A": "1"}},
        ],
    }
    assert config.model.served_as == ("features:1", PACKAGE)
    assert RunConfig.from_document(config.to_document()) == config


def test_a_package_and_where_containers_run_reach_the_request():
    given = {"package": PACKAGE, "role_arn": ROLE, "vpc_config": VPC, "network_isolation": True}
    assert model_request("n", build(given).model.parts) == {
        "ModelName": "n",
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"ModelPackageName": PACKAGE},
        "VpcConfig": {"SecurityGroupIds": VPC["security_group_ids"], "Subnets": VPC["subnets"]},
        "EnableNetworkIsolation": True,
    }


def test_each_part_has_a_part_in_the_name_and_one_that_says_nothing_has_none():
    names = [
        build({**PARTS, **more}).model.name
        for more in (
            {},
            {"vpc_config": VPC},
            {"vpc_config": {**VPC, "subnets": ["subnet-2"]}},
            {"network_isolation": True},
        )
    ]
    names += [
        build({"role_arn": ROLE, **parts}).model.name
        for parts in (
            {"package": PACKAGE},
            {"containers": CHAIN},
            {"containers": CHAIN[::-1]},
            {"containers": CHAIN[:1]},
        )
    ]
    assert len(set(names)) == len(names)
    assert build({**PARTS, "network_isolation": False}).model.name == names[0]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"containers": CHAIN}, "model.role_arn: is required beside model.containers"),
        ({"package": PACKAGE}, "model.role_arn: is required beside model.package"),
        ({**PARTS, "containers": CHAIN}, "model.containers: is given beside image; a container of several has its own"),
        ({**PARTS, "package": PACKAGE}, "model.package: is given beside image; give one of the two"),
        ({"role_arn": ROLE, "containers": []}, "model.containers: has 0 entries; valid: 1 to 15"),
        ({"role_arn": ROLE, "containers": CHAIN * 8}, "model.containers: has 16 entries; valid: 1 to 15"),
        ({"role_arn": ROLE, "containers": [{}]}, "model.containers.0: needs image or package"),
        (
            {"role_arn": ROLE, "containers": [{"image": "a", "package": "b"}]},
            "model.containers.0.package: is given",
        ),
        (
            {"role_arn": ROLE, "containers": [{"imag": "a", "package": "b"}]},
            "model.containers.0.imag: is no key; did you mean",
        ),
        (
            {"role_arn": ROLE, "containers": CHAIN, "data_url": "s3://b/k"},
            "model.data_url: is given beside containers",
        ),
        (
            {"role_arn": ROLE, "package": PACKAGE, "data_url": "s3://b/k"},
            "model.data_url: is given beside package",
        ),
        (
            {"role_arn": ROLE, "package": "a b"},
            "model.package: is 'a b'; valid: the name or the ARN",
        ),
        ({"name": "m", "vpc_config": VPC}, "model.vpc_config: is given, but there is no model.image"),
        ({"name": "m", "network_isolation": True}, "model.network_isolation: is given, but there is no model.image"),
        ({**PARTS, "vpc_config": {"subnets": ["s"]}}, "model.vpc_config.security_group_ids: is required"),
        (
            {**PARTS, "vpc_config": {**VPC, "subnets": ["a b"]}},
            "model.vpc_config.subnets.0: is 'a b'; valid: an id",
        ),
        ({**PARTS, "network_isolation": "yes"}, "model.network_isolation: must be true or false, not the text 'yes'"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(model, expected):
    [fault] = faults(model)
    assert fault.startswith(expected)


def test_the_emulator_must_know_each_container():
    [fault] = faults({"containers": CHAIN, "role_arn": ROLE}, emulator={"models": {"features:1": "x"}})
    assert fault == f"model: no model {PACKAGE} in emulator.models; it has features:1"


def test_of_two_lists_of_containers_no_variable_is_told():
    before, after = (
        build({"containers": [{"image": "a", "environment": {"A": value}}], "role_arn": ROLE}).to_document()
        for value in ("before", "after")
    )
    told = differences(before, after, publishing=False)
    assert told[0].startswith("model.containers: differs (its values may be secret)")
