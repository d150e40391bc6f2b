"""What a model is: what makes it another one under its name, what does not, and what must never be written down."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest

from batch_transform.core.model_identity import (
    DataPlace,
    ModelData,
    ModelIdentity,
    data_places,
    identity_of,
    model_changes,
)
from support.memory_models import DATA, IMAGE, described_model

OTHER = "s3://models/other/"


def identity(described=None, etag="a", digest="sha256:1", nonce="nonce", size=10, version=None):
    digests = {IMAGE: digest} if digest else {}
    return identity_of(described or described_model(), {DATA: ModelData(DATA, etag, size, version)}, digests, nonce)


def with_container(**keys):
    described = described_model()
    described["PrimaryContainer"] |= keys
    return described


def test_a_model_is_what_it_is():
    assert model_changes(identity(), identity()) == []


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (identity(etag="b"), f"the data at {DATA} was ETag a, 10 bytes, now ETag b, 10 bytes"),
        (identity(size=11), "was ETag a, 10 bytes, now ETag a, 11 bytes"),
        (identity(etag=""), "now not there"),
        (identity(digest="sha256:2"), f'the image "{IMAGE}" was sha256:1, now sha256:2'),
        (identity(with_container(Image="churn:8")), f'Image was "{IMAGE}", now "churn:8"'),
        (identity(with_container(ModelDataUrl=OTHER)), f'ModelDataUrl was "{DATA}", now "{OTHER}"'),
        (identity(with_container(Mode="MultiModel")), 'Mode was not given, now "MultiModel"'),
        (identity(with_container(InferenceSpecificationName="x")), 'InferenceSpecificationName was not given, now "x"'),
        (identity(with_container(ModelPackageName="p/2")), 'ModelPackageName was not given, now "p/2"'),
        (identity(with_container(Environment={"TOKEN": "hidden"})), "Environment differs in THRESHOLD"),
        (identity(with_container(Environment={"TOKEN": "o", "THRESHOLD": "0.5"})), "Environment differs in TOKEN"),
        (identity({**described_model(), "InferenceExecutionConfig": {"Mode": "Direct"}}), "InferenceExecutionConfig"),
        (identity({"ModelName": "m", "Containers": [{}, {}]}), "it had 1 container, now 2"),
    ],
)
def test_what_makes_it_another_one_is_told(now, told):
    (line,) = model_changes(identity(), now)
    assert told in line


@pytest.mark.parametrize(
    "now",
    [
        identity(digest=None),
        identity(etag=None),
        identity(version="v2"),
        identity({**described_model(), "CreationTime": "later"}),
        identity({**described_model(), "ModelArn": "other", "ExecutionRoleArn": "other"}),
    ],
    ids=["no digest", "no ETag", "the same bytes again", "made anew as it was", "another role"],
)
def test_what_does_not_make_it_another_one(now):
    assert model_changes(identity(), now) == model_changes(now, identity()) == []


def test_only_where_its_data_cannot_be_compared_the_creation_time_tells():
    later = {**described_model(), "CreationTime": "later"}
    (line,) = model_changes(identity(etag=None), identity(later, etag=None))
    assert "it was made at 2024-05-01T00:00:00+00:00, now at later" in line
    assert model_changes(identity(), identity(later, etag=None)) != []
    image = {"ModelName": "m", "PrimaryContainer": {"Image": "churn:7"}, "CreationTime": "a"}
    assert model_changes(identity(image), identity({**image, "CreationTime": "b"})) == []


def test_of_several_containers_the_one_that_changed_is_named():
    chain = {"ModelName": "m", "Containers": [{"Image": "a"}, {"Image": "b"}]}
    other = copy.deepcopy(chain)
    other["Containers"][1]["Image"] = "c"
    assert model_changes(identity(chain), identity(other)) == ['container 2: Image was "b", now "c"']


def test_a_value_of_its_environment_is_nowhere_and_is_salted():
    text = json.dumps(identity().to_document())
    assert "hidden" not in text
    assert "THRESHOLD" in text
    one, other = identity(nonce="a").containers[0].environment, identity(nonce="b").containers[0].environment
    assert {name for name, _ in one} == {name for name, _ in other}
    assert not {value for _, value in one} & {value for _, value in other}


def test_what_signs_an_address_is_not_written_down():
    url = "https://bucket.s3.amazonaws.com/model.tar.gz"
    signed = [identity(with_container(ModelDataUrl=f"{url}?X-Amz-Signature={secret}")) for secret in ("one", "two")]
    assert "X-Amz" not in json.dumps(signed[0].to_document())
    assert url in json.dumps(signed[0].to_document())
    assert len(model_changes(*signed)) == 1


def test_it_comes_back_from_its_document():
    made = identity()
    assert ModelIdentity.from_document(json.loads(json.dumps(made.to_document()))) == made
    assert made.label == identity().label != identity(etag="b").label
    assert len(made.label) == 12


def test_where_its_data_lies():
    source = {"S3DataSource": {"S3Uri": "s3://b/llm/", "S3DataType": "S3Prefix", "CompressionType": "None"}}
    more = {"S3DataSource": {"S3Uri": "s3://b/adapter.tar.gz", "S3DataType": "S3Object"}}
    assert data_places({"ModelDataUrl": DATA}) == [DataPlace(DATA)]
    assert data_places({"ModelDataUrl": OTHER, "Mode": "MultiModel"}) == [DataPlace(OTHER, is_prefix=True)]
    container = {"ModelDataSource": source, "AdditionalModelDataSources": [more]}
    assert data_places(container) == [DataPlace("s3://b/llm/", is_prefix=True), DataPlace("s3://b/adapter.tar.gz")]
    both = {"ModelDataUrl": DATA, "ModelDataSource": {"S3DataSource": {"S3Uri": DATA, "S3DataType": "S3Object"}}}
    assert data_places(both) == [DataPlace(DATA)]
    assert data_places({"Image": "x", "ModelDataUrl": "https://b/model.tar.gz"}) == []


def test_the_size_is_told_of_what_is_there_alone():
    assert replace(ModelData(DATA), etag=None).told == "not to be looked at"
    assert ModelData(DATA, "a", 1000, "v1").told == "ETag a, 1,000 bytes, version v1"
