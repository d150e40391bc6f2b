"""Whole runs of two accounts, with credentials that expire, and against an S3 that refuses what is not encrypted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from batch_transform import score
from batch_transform.aws.access import AwsAccess
from batch_transform.aws.identity import Identity
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from support.accounts import Accounts, Role
from support.emulated import BUCKET, REGION
from support.watching_proxy import GONE, watching

pytestmark = [pytest.mark.spark, pytest.mark.slow]
DATA, ML = "arn:aws:iam::111111111111:role/data", "arn:aws:iam::222222222222:role/ml"
ROLES = {
    DATA: Role(frozenset({"s3"}), "partner-7"),
    ML: Role(frozenset({"sagemaker", "logs", "ecr"})),
}
AWS = {"s3": {"role_arn": DATA, "external_id": "partner-7"}, "sagemaker": {"role_arn": ML}}
KEY, OWNER = "arn:aws:kms:us-east-1:123456789012:key/k", "123456789012"


@pytest.fixture(scope="module")
def rows(spark):
    return spark.range(40).selectExpr("cast(id as string) AS key").repartition(2)


@pytest.fixture
def accounts(world):
    """The emulator behind a proxy that knows who may do what."""
    with watching(world.url) as proxy:
        proxy.watch = Accounts(world.url, ROLES)
        yield proxy


def run(world, proxy, folder, rows, **aws):
    arguments = world.arguments(folder, aws={"endpoint_url": proxy.url, "region": REGION, **aws})
    result = score(rows, **arguments)
    scored = sorted(int(row["key"]) for row in result.df.collect())
    return arguments["run_id"], result, scored


def test_the_datas_account_and_the_models_are_two(world, accounts, tmp_path, rows):
    """The role of S3 may not call SageMaker, nor that of SageMaker read S3, nor whoever assumes them either."""
    _, result, scored = run(world, accounts, tmp_path, rows, **AWS)
    assert (scored, result.report["rows_dead_letter"]) == (list(range(40)), 0)
    asked = accounts.watch
    assert asked.denied == []
    assert set(asked.calls) - {("logs", ML)} == {("sts", ""), ("s3", DATA), ("sagemaker", ML)}
    assert asked.askers > {GONE}  # this process, and Python workers, which assume the role of S3 themselves


def test_each_of_the_two_could_not_do_the_others_work(world, accounts):
    def access(role, external_id=None):
        own = Identity(role_arn=role, external_id=external_id)
        return AwsAccess(REGION, accounts.url, identities=(("s3", own), ("sagemaker", own)))

    with pytest.raises(ClientError, match="AccessDenied"):
        access(ML).client("s3").list_objects_v2(Bucket=BUCKET)
    with pytest.raises(ClientError, match="AccessDenied"):
        access(DATA, "partner-7").client("sagemaker").describe_model(ModelName="echo")
    with pytest.raises(ConfigurationError, match=r"aws\.s3\.role_arn: .*AccessDenied.*aws\.s3\.external_id"):
        access(DATA).client("s3")


def test_credentials_that_expire_in_the_middle_of_the_run_are_renewed(world, accounts, tmp_path, rows):
    """Each key is good for few requests, and is told to end soon: one that is kept ends the run."""
    accounts.watch = Accounts(world.url, ROLES, lifetime=timedelta(minutes=5), uses=4)
    _, result, scored = run(world, accounts, tmp_path, rows, **AWS)
    assert (scored, result.report["rows_dead_letter"]) == (list(range(40)), 0)
    kept = accounts.watch
    assert kept.denied == []
    assert len(kept.keys) > 2 * len(kept.askers) + 20
    assert max(kept.used.values()) <= 4


def refusing(*headers):
    return [{"fault": "s3_access_denied", "bucket": BUCKET, "without": header} for header in headers]


ENCRYPTED = (
    "x-amz-server-side-encryption: aws:kms",
    f"x-amz-server-side-encryption-aws-kms-key-id: {KEY}",
    "x-amz-server-side-encryption-bucket-key-enabled: true",
    f"x-amz-expected-bucket-owner: {OWNER}",
)


def test_a_bucket_that_takes_nothing_unencrypted_and_answers_its_owners_clients_alone(world, tmp_path, rows):
    """Every put has key and bucket key, every request the owner, in the driver and in the workers; the jobs' too."""
    with world.faults(*refusing(*ENCRYPTED)):
        s3 = {"kms_key": KEY, "expected_bucket_owner": OWNER, "requester_pays": True}
        run_id, _, scored = run(world, world, tmp_path, rows, s3=s3)
    assert scored == list(range(40))
    keys = [key for key in world.objects() if f"/{run_id}/" in key]
    heads = {key: world.client("s3").head_object(Bucket=BUCKET, Key=key) for key in keys}
    assert any(key.endswith(".out") for key in keys)
    assert {(head["ServerSideEncryption"], head["SSEKMSKeyId"]) for head in heads.values()} == {("aws:kms", KEY)}


@pytest.mark.parametrize("lacking", ENCRYPTED[2:])
def test_that_bucket_ends_a_run_that_does_not_say_so_before_anything_is_paid(world, tmp_path, rows, lacking):
    before = world.jobs()
    with (
        world.faults(*refusing(lacking)),
        pytest.raises((ConfigurationError, ServiceFailure), match=r"AccessDenied|403"),
    ):
        run(world, world, tmp_path, rows)
    assert world.jobs() == before
