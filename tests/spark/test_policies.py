"""Runs under the very policies that `iam` prints: they are enough, nothing in them is idle, and what lacks is told."""

from __future__ import annotations

import pytest

from batch_transform import score
from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import BatchTransformError
from batch_transform.core.policies import driver_policy, executors_policy
from batch_transform.pipeline.commands.iam import needed_of
from support.emulated import BUCKET, REGION
from support.policies import Policies, without
from support.sampling import one_in
from support.watching_proxy import watching

pytestmark = pytest.mark.spark
BAD = "7"
# What a run needs only where it is stopped, or a copy of more than 5 GB fails.
NOT_IN_A_RUN = {"sagemaker:StopTransformJob", "s3:AbortMultipartUpload"}


@pytest.fixture(scope="module")
def rows(spark):
    return spark.range(40).selectExpr("cast(id as string) AS key").repartition(2)


@pytest.fixture
def under(world):
    """The emulator behind a proxy that knows policies."""
    with watching(world.url) as proxy:
        yield proxy


def run(world, proxy, folder, rows, whom="", *lacking):
    """A run of which one row fails, by the documents of its own configuration, less some actions of somebody's."""
    arguments = world.arguments(
        folder,
        workspace=f"s3://{BUCKET}/policies",
        aws={"endpoint_url": proxy.url, "region": REGION},
        errors={"max_rows": 1},
    )
    arguments["transform"] |= {"tags": {"team": "growth"}}
    needed = needed_of(from_arguments(**arguments))
    driver, executors = driver_policy(needed), executors_policy(needed)
    for action in lacking:
        driver = without(driver, action) if whom == "driver" else driver
        executors = without(executors, action) if whom == "executors" else executors
    proxy.watch = Policies(world.url, driver, executors)
    with world.faults({"fault": "status", "status": 400, "record": f'"key":"{BAD}"'}):
        return score(rows, listener=lambda event: proxy.told.append(str(event.text)), **arguments), driver, executors


def actions(document):
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_the_policies_are_enough_and_nothing_in_them_is_idle(world, under, tmp_path, rows):
    under.told = []
    result, driver, executors = run(world, under, tmp_path, rows)
    assert (result.report["rows_scored"], result.report["rows_dead_letter"]) == (39, 1)
    # HeadBucket has no prefix: it is refused, and the workspace listed instead.
    assert {(asked.action, bool(asked.keys)) for asked in under.watch.denied} == {("s3:ListBucket", False)}
    used = {whom: {action for who, action in under.watch.used if who == whom} for whom in ("driver", "executors")}
    assert used["driver"] == actions(driver) - NOT_IN_A_RUN
    # Which object is not there is asked for where no log was read.
    assert used["executors"] == actions(executors) - {"s3:ListBucket"}


ENDS = [
    ("driver", "s3:GetObject", "GetObject", "/policies/"),
    ("driver", "s3:PutObject", "PutObject", "/policies/"),
    ("driver", "s3:DeleteObject", "DeleteObject", "/policies/"),
    ("driver", "s3:ListBucket", "ListObjectsV2", f"s3://{BUCKET}/policies"),
    ("driver", "sagemaker:CreateTransformJob", "CreateTransformJob", "transform-job/"),
    ("driver", "sagemaker:AddTags", "sagemaker:AddTags", "transform-job/"),
    ("driver", "sagemaker:DescribeTransformJob", "DescribeTransformJob", "transform-job/"),
    ("executors", "s3:GetObject", "GetObject", "/policies/rows/"),
    ("executors", "s3:PutObject", "PutObject", "/policies/rows/"),
    ("executors", "s3:DeleteObject", "DeleteObject", "/policies/rows/"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("whom", "action", "operation", "resource"), one_in(3, ENDS))
def test_without_an_action_the_run_ends_and_names_it_and_its_resource(
    world, under, tmp_path, rows, whom, action, operation, resource
):
    under.told = []
    with pytest.raises(BatchTransformError) as told:
        run(world, under, tmp_path, rows, whom, action)
    assert operation in str(told.value)
    assert resource in str(told.value)
    assert "AccessDenied" in str(told.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    one_in(
        2,
        [
            {
                "sagemaker:DescribeModel": ("DescribeModel echo is refused", "AccessDenied"),
                "logs:DescribeLogStreams": ("/aws/sagemaker/TransformJobs", "DescribeLogStreams", "AccessDenied"),
            },
            {"logs:GetLogEvents": ("/aws/sagemaker/TransformJobs", "GetLogEvents", "AccessDenied")},
        ],
    ),
)
def test_without_what_only_tells_more_the_run_says_so_and_goes_on(world, under, tmp_path, rows, said):
    under.told = []
    result, _, _ = run(world, under, tmp_path, rows, "driver", *said)
    assert result.report["rows_scored"] == 39
    for words in said.values():
        assert any(all(word in line for word in words) for line in under.told)
