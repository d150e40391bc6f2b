"""`aws.s3` for Spark's own `s3a://`, as far as each Hadoop has settings for it."""

from __future__ import annotations

import pytest

from batch_transform.config import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.world.s3a_access import check_s3a, s3a_settings

ROLE = "arn:aws:iam::111122223333:role/data"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/k"
AUTH = "org.apache.hadoop.fs.s3a.auth"


def config(aws=None, **s3):
    return RunConfig.from_document(
        {
            "run_id": "a",
            "workspace": "s3://bucket/runs",
            "input": {"path": "in"},
            "model": {"name": "m"},
            "output": {"path": "out"},
            "aws": {**(aws or {}), "s3": s3},
        }
    )


@pytest.mark.parametrize("hadoop", ["3.3.4", "3.4.1", "3.5.0", ""])
def test_a_role_is_assumed_by_hadoops_own_provider(hadoop):
    found = s3a_settings(config({"region": "eu-west-1"}, role_arn=ROLE), hadoop)
    assert found.pop("fs.s3a.assumed.role.credentials.provider") == (
        "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
        if hadoop.startswith(("3.4", "3.5"))
        # Each of these is in 3.3 (SDK v1) and, by the same or by another name that it takes for it, in 3.4 (v2).
        else "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider,"
        f"com.amazonaws.auth.EnvironmentVariableCredentialsProvider,{AUTH}.IAMInstanceCredentialsProvider"
    )
    assert found == {
        "fs.s3a.aws.credentials.provider": f"{AUTH}.AssumedRoleCredentialProvider",
        "fs.s3a.assumed.role.arn": ROLE,
        "fs.s3a.assumed.role.sts.endpoint": "sts.eu-west-1.amazonaws.com",
        "fs.s3a.assumed.role.sts.endpoint.region": "eu-west-1",
    }


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
        ("eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_sts_has_its_regions_own_host(region, host):
    assert s3a_settings(config({"region": region}, role_arn=ROLE), "3.5.0")["fs.s3a.assumed.role.sts.endpoint"] == host


def test_an_endpoint_of_sts_is_that_of_s3a_too():
    aws = {"region": "eu-west-1", "service_endpoints": {"sts": "https://vpce-1.sts.eu-west-1.vpce.amazonaws.com"}}
    found = s3a_settings(config(aws, role_arn=ROLE), "3.5.0")
    assert found["fs.s3a.assumed.role.sts.endpoint"] == "vpce-1.sts.eu-west-1.vpce.amazonaws.com"


def test_a_profile_and_an_external_id_are_said_where_hadoop_knows_them():
    found = s3a_settings(config(profile="p"), "3.4.2")
    assert found == {
        "fs.s3a.aws.credentials.provider": f"{AUTH}.ProfileAWSCredentialsProvider",
        "fs.s3a.auth.profile.name": "p",
    }
    given = config(role_arn=ROLE, external_id="partner")
    assert s3a_settings(given, "3.4.1")["fs.s3a.assumed.role.external.id"] == "partner"
    for hadoop in ("3.4.2", "3.5.0", ""):
        check_s3a(given, hadoop)
        check_s3a(config(profile="p"), hadoop)


@pytest.mark.parametrize(
    ("s3", "hadoop", "fault"),
    [
        ({"role_arn": ROLE, "external_id": "partner"}, "3.3.4", r"aws\.s3\.external_id: .*3\.3\.4.*aws\.profile"),
        ({"role_arn": ROLE, "external_id": "partner"}, "3.4.0", r"aws\.s3\.external_id: .*3\.4\.0"),
        ({"profile": "p"}, "3.4.1", r"aws\.s3\.profile: .*3\.4\.1.*aws\.sagemaker\.profile"),
        ({"service_credential": "c"}, "3.5.0", r"aws\.s3\.service_credential: is Databricks'"),
    ],
)
def test_what_a_hadoop_cannot_do_is_told_before_spark_starts(s3, hadoop, fault):
    with pytest.raises(ConfigurationError, match=fault) as told:
        check_s3a(config(**s3), hadoop)
    assert "partner" not in str(told.value)


@pytest.mark.parametrize(
    ("s3", "settings"),
    [
        ({"sse": "AES256"}, {"algorithm": "AES256"}),
        ({"sse": "aws:kms"}, {"algorithm": "SSE-KMS"}),
        ({"kms_key": KEY}, {"algorithm": "SSE-KMS", "key": KEY}),
        ({}, {}),
    ],
)
def test_what_spark_writes_is_encrypted_alike(s3, settings):
    expected = {f"fs.s3a.encryption.{name}": value for name, value in settings.items()}
    assert s3a_settings(config(**s3), "3.3.4") == expected


def test_the_owner_is_a_header_where_hadoop_takes_one_and_whoever_asks_pays():
    given = config(expected_bucket_owner="111122223333", requester_pays=True)
    pays = {"fs.s3a.requester.pays.enabled": "true"}
    assert s3a_settings(given, "3.4.2") == pays
    header = {"fs.s3a.client.s3.custom.headers": "x-amz-expected-bucket-owner=111122223333"}
    assert s3a_settings(given, "3.5.0") == {**pays, **header}


def test_against_the_embedded_emulator_only_the_encryption_is_left():
    given = config(role_arn=ROLE, external_id="partner", kms_key=KEY, expected_bucket_owner="111122223333")
    emulated = given.model_copy(update={"emulator": type(given).model_fields["emulator"].annotation.__args__[0]()})
    assert set(s3a_settings(emulated, "3.5.0")) == {"fs.s3a.encryption.algorithm", "fs.s3a.encryption.key"}
    check_s3a(emulated, "3.3.4")


def test_nothing_is_set_that_nobody_asks_for():
    assert s3a_settings(config(), "3.5.0") == {}
