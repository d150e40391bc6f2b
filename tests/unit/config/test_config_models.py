"""The section `model`: a name, or the parts of which a model is made under a name of its own."""

from __future__ import annotations

import pytest

from batch_transform.config import RunConfig, from_arguments
from batch_transform.config.changes import differences
from batch_transform.config.checking import check
from batch_transform.config.layers import Layer
from batch_transform.core.errors import ConfigurationError

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
    assert document["model"] == {**PARTS, "name": config.model.name}
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
    assert config.model.served_as == image
    [fault] = faults(PARTS, emulator={"models": {"churn": "x"}})
    assert fault == "model: names churn:7, which is not among emulator.models: churn"
