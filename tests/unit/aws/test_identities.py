"""Each service is called by the identity that its section names, and each identity renews itself."""

from __future__ import annotations

import pickle
import sys
from datetime import datetime, timedelta, timezone
from types import ModuleType, SimpleNamespace

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from batch_transform.aws.access import AwsAccess
from batch_transform.aws.identity import SESSION_NAME, Identity, assumed
from batch_transform.aws.sessions import chain_session
from batch_transform.core.errors import ConfigurationError, ServiceFailure

FAR = "http://127.0.0.1:1"
DATA, ML = (f"arn:aws:iam::{account}:role/{name}" for account, name in (("1" * 12, "data"), ("2" * 12, "ml")))
NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-chain")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-chain")
    (tmp_path / "credentials").write_text("[ml]\naws_access_key_id = of-ml\naws_secret_access_key = secret-of-ml\n")


class Sts:
    """Hands out a new key at each call, for an hour from when its clock says."""

    def __init__(self, error=None):
        self.now, self.asked, self.error = NOON, [], error

    def assume_role(self, **asked):
        self.asked.append(asked)
        if self.error:
            raise self.error
        number = len(self.asked)
        return {
            "Credentials": {
                "AccessKeyId": f"{asked['RoleArn'].rpartition('/')[2]}-{number}",
                "SecretAccessKey": "hidden",
                "SessionToken": f"token-{number}",
                "Expiration": self.now + timedelta(hours=1),
            }
        }


@pytest.fixture
def sts(monkeypatch):
    """STS, whoever calls it; and who called it."""
    service = Sts()
    made = AwsAccess._made

    def make(self, session, name, config):
        if name != "sts":
            return made(self, session, name, config)
        service.caller = session.get_credentials().access_key
        service.endpoint = self.endpoint("sts")
        return service

    monkeypatch.setattr(AwsAccess, "_made", make)
    return service


def key_of(access, service):
    return access.client(service)._request_signer._credentials.get_frozen_credentials().access_key


def test_two_accounts_are_two_identities(sts):
    access = AwsAccess(
        "eu-west-1", FAR, identities=(("s3", Identity(role_arn=DATA)), ("sagemaker", Identity(profile="ml")))
    )
    sts.now = datetime.now(timezone.utc)
    assert key_of(access, "s3") == "data-1"
    assert {key_of(access, name) for name in ("sagemaker", "sagemaker-runtime", "ecr")} == {"of-ml"}
    assert key_of(access, "logs") == "of-ml"  # the logs are in the account in which the jobs run
    assert (sts.caller, access.session().get_credentials().access_key) == ("of-the-chain", "of-the-chain")


def test_logs_may_have_an_identity_of_their_own_and_the_others_have_the_chains():
    access = AwsAccess("eu-west-1", FAR, identities=(("logs", Identity(profile="ml")),))
    assert [key_of(access, name) for name in ("s3", "sagemaker", "logs")] == ["of-the-chain", "of-the-chain", "of-ml"]


def test_a_role_is_assumed_by_the_general_profile_with_its_external_id(sts):
    sts.now = datetime.now(timezone.utc)
    own = Identity(role_arn=DATA, external_id="partner-7")
    access = AwsAccess("eu-west-1", None, (("sts", FAR),), "ml", identities=(("s3", own),))
    access.client("s3")
    assert (sts.caller, sts.endpoint) == ("of-ml", FAR)
    assert sts.asked == [{"RoleArn": DATA, "RoleSessionName": SESSION_NAME, "ExternalId": "partner-7"}]


def test_what_travels_names_whom_to_be_and_holds_no_key_and_nobody_is_shown_an_external_id(sts):
    sts.now = datetime.now(timezone.utc)
    own = Identity(role_arn=DATA, external_id="partner-7")
    access = AwsAccess("eu-west-1", FAR, identities=(("s3", own),))
    access.client("s3")
    body = pickle.dumps(access)
    assert pickle.loads(body) == access
    assert b"hidden" not in body
    assert "partner-7" not in repr(access)


def test_credentials_that_expire_in_the_middle_of_a_run_are_renewed_before_they_do():
    """The clock is ours: an hour passes, and whoever signs next has another key."""
    service = Sts()
    clock = SimpleNamespace(now=NOON)
    credentials = assumed(Identity(role_arn=DATA), service, "aws.s3.role_arn", lambda: clock.now)
    seen = []
    for minutes in (0, 30, 44, 51, 100, 112):
        clock.now = service.now = NOON + timedelta(minutes=minutes)
        seen.append(credentials.get_frozen_credentials().access_key)
    # botocore asks again a quarter of an hour before the end.
    assert seen == ["data-1", "data-1", "data-1", "data-2", "data-3", "data-3"]


def test_a_renewal_that_fails_while_the_key_still_holds_is_tried_again():
    service = Sts()
    clock = SimpleNamespace(now=NOON)
    credentials = assumed(Identity(role_arn=DATA), service, "aws.s3.role_arn", lambda: clock.now)
    clock.now, service.error = NOON + timedelta(minutes=46), refused("Throttling", 400)
    assert credentials.get_frozen_credentials().access_key == "data-1"
    service.error, service.now = None, clock.now
    assert credentials.get_frozen_credentials().access_key == "data-3"


def refused(code, status):
    said = {"Error": {"Code": code, "Message": "told"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "AssumeRole")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (refused("AccessDenied", 403), ConfigurationError, "aws.s3.role_arn: AssumeRole of .*role/data.*AccessDenied"),
        (refused("AccessDenied", 403), ConfigurationError, "sts:AssumeRole.*trust policy.*aws.s3.external_id"),
        (NoCredentialsError(), ConfigurationError, "aws.s3.role_arn: .*Unable to locate credentials"),
        (refused("Throttling", 400), ServiceFailure, "aws.s3.role_arn: .*Throttling"),
        (refused("InternalFailure", 500), ServiceFailure, "aws.s3.role_arn: .*InternalFailure"),
        (EndpointConnectionError(endpoint_url=FAR), ServiceFailure, "aws.s3.role_arn: .*127.0.0.1:1"),
    ],
)
def test_a_role_that_cannot_be_assumed_is_told_with_its_key(sts, error, kind, words):
    sts.error = error
    with pytest.raises(kind, match=words):
        AwsAccess("eu-west-1", FAR, identities=(("s3", Identity(role_arn=DATA)),)).client("s3")


def test_who_has_given_an_external_id_is_not_told_to_give_one(sts):
    sts.error = refused("AccessDenied", 403)
    own = Identity(role_arn=DATA, external_id="partner-7")
    with pytest.raises(ConfigurationError) as told:
        AwsAccess("eu-west-1", FAR, identities=(("s3", own),)).client("s3")
    assert "external" not in str(told.value)
    assert "partner-7" not in str(told.value)


def test_a_profile_that_is_not_there_is_told_with_its_key():
    with pytest.raises(
        ConfigurationError, match=r"aws\.sagemaker\.profile: .*\(nobody\).*set aws\.sagemaker\.profile to"
    ):
        AwsAccess("eu-west-1", FAR, identities=(("sagemaker", Identity(profile="nobody")),)).client("sagemaker")


def test_against_the_embedded_emulator_nobody_else_is_anybody(sts):
    access = AwsAccess(None, FAR, emulated=True, identities=(("s3", Identity(role_arn=DATA)),))
    assert (key_of(access, "s3"), sts.asked) == ("emulator", [])


# --- Databricks


class Provider:
    """A stand-in for what Databricks hands out: a session of botocore with credentials of its own."""

    def __init__(self, place):
        self.place = place

    def __call__(self, name):
        if name != "lake":
            raise RuntimeError("PERMISSION_DENIED: User does not have ACCESS on Service Credential")
        session = botocore.session.Session()
        session.set_credentials(f"{name}-of-the-{self.place}", "hidden", "token")
        return session


@pytest.fixture
def databricks(monkeypatch):
    """The two modules by which Databricks hands out service credentials, in a driver and in a Python worker."""
    names = ("databricks", "databricks.sdk", "databricks.sdk.runtime", "databricks.service_credentials")
    modules = {name: ModuleType(name) for name in names}
    credentials = SimpleNamespace(getServiceCredentialsProvider=Provider("driver"))
    modules["databricks.sdk.runtime"].dbutils = SimpleNamespace(credentials=credentials)
    modules["databricks.service_credentials"].getServiceCredentialsProvider = Provider("worker")
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize("is_worker", [False, True])
def test_a_service_credential_is_databricks_own_in_the_driver_and_in_a_worker(databricks, monkeypatch, is_worker):
    monkeypatch.setattr("pyspark.TaskContext.get", lambda: object() if is_worker else None)
    access = AwsAccess("eu-west-1", FAR, identities=(("s3", Identity(service_credential="lake")),))
    assert key_of(access, "s3") == f"lake-of-the-{'worker' if is_worker else 'driver'}"
    assert access.client("s3").meta.region_name == "eu-west-1"
    assert key_of(access, "sagemaker") == "of-the-chain"


def test_a_service_credential_that_may_not_be_had_is_told(databricks):
    access = AwsAccess("eu-west-1", FAR, identities=(("sagemaker", Identity(service_credential="other")),))
    with pytest.raises(ConfigurationError, match=r"aws\.sagemaker\.service_credential: .*PERMISSION_DENIED.*ACCESS"):
        access.client("sagemaker")


def test_outside_databricks_there_are_no_service_credentials():
    access = AwsAccess("eu-west-1", FAR, identities=(("s3", Identity(service_credential="lake")),))
    with pytest.raises(ConfigurationError, match=r"aws\.s3\.service_credential: lake can be had in Databricks only"):
        access.client("s3")


def test_a_session_of_a_profile_reads_none_of_the_environments_keys():
    assert isinstance(chain_session(None, profile=None), boto3.Session)
    access = AwsAccess("eu-west-1", FAR, identities=(("s3", Identity(profile="ml")),))
    assert key_of(access, "s3") == "of-ml"
