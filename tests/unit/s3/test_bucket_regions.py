"""The region of a bucket, as HeadBucket tells it, and what a run is told of one that its jobs cannot read."""

from __future__ import annotations

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.collected_faults import check_bucket
from batch_transform.s3.store import S3Store
from support.memory_store import MemoryStore, World
from support.stubbed_clients import answering, unreached

THERE = {"x-amz-bucket-region": "eu-central-1"}
WORKSPACE = S3Uri("b", "ws")


def region_of(endpoint_url, status=200, headers=THERE):
    """The region of a bucket by one answer to HeadBucket, which may be a refusal."""
    client = unreached("s3", region="eu-west-1", endpoint_url=endpoint_url)
    with answering(client) as stub:
        said = {"HTTPStatusCode": status, "HTTPHeaders": headers}
        if status == 200:
            stub.add_response("head_bucket", {"ResponseMetadata": said})
        else:
            stub.add_client_error("head_bucket", str(status), http_status_code=status, response_meta=said)
            stub.add_response("list_objects_v2", {})
        return S3Store(client).bucket(WORKSPACE).region


@pytest.mark.parametrize("status", [200, 301, 400, 403])
def test_the_answer_that_tells_that_a_bucket_is_there_tells_its_region(status):
    assert region_of(None, status) == "eu-central-1"
    assert region_of("https://vpce-1.s3.eu-west-1.vpce.amazonaws.com", status) == "eu-central-1"


def test_a_store_that_is_not_awss_or_says_nothing_tells_none():
    assert region_of("http://127.0.0.1:9") is None
    assert region_of("https://minio.example.com") is None
    assert region_of(None, 200, {}) is None


def test_a_workspace_in_another_region_than_the_jobs_is_refused_with_both():
    store = MemoryStore(World(buckets={"b"}, regions={"b": "eu-central-1"}))
    with pytest.raises(ConfigurationError) as told:
        check_bucket(store, WORKSPACE, "eu-west-1")
    (fault,) = told.value.faults
    assert fault.startswith("workspace: the bucket b lies in eu-central-1, and the jobs run in eu-west-1")
    assert "have the jobs run in eu-central-1 (aws.region)" in fault


@pytest.mark.parametrize(("lies_in", "region"), [("eu-west-1", "eu-west-1"), (None, "eu-west-1"), ("eu-west-1", None)])
def test_a_workspace_is_taken_where_nothing_tells_that_jobs_cannot_read_it(lies_in, region):
    regions = {} if lies_in is None else {"b": lies_in}
    check_bucket(MemoryStore(World(buckets={"b"}, regions=regions)), WORKSPACE, region)
