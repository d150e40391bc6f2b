"""Credentials that are not to be had when a request is signed are told as that, and never by a stack of botocore's."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import SSOTokenLoadError

from batch_transform.aws.access import AwsAccess
from batch_transform.aws.renewed_credentials import tell_what_fails
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.uris import S3Uri
from batch_transform.s3.store import S3Store
from support.stubbed_clients import unreached

PROFILE = "[profile team]\nregion = eu-west-1\n"
KEYS = '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", "Expiration": "%s"}'
SSO = "sso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = R\n"


@pytest.fixture
def team(monkeypatch, tmp_path):
    """Sets the profile `team`; gives the store of whoever has it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))

    def written(settings):
        (tmp_path / "config").write_text(PROFILE + settings)
        return S3Store(AwsAccess(endpoint_url="http://127.0.0.1:9", profile="team").client("s3"))

    return written


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (f"credential_process = /bin/echo '{KEYS % '2020-01-01T00:00:00Z'}'\n", "custom-process: .* are still expired"),
        (SSO, "from sso: .* does not exist; sign in with `aws sso login`"),
    ],
)
def test_what_a_profile_does_not_give_is_a_failure_of_the_store_that_says_why(team, settings, told):
    with pytest.raises(StoreFailure, match=f"HeadBucket s3://b: CredentialRetrievalError: .*{told}"):
        team(settings).bucket(S3Uri("b", ""))


class Session:
    """One whose credentials have ended, and are not to be had again."""

    def __init__(self, error):
        self.error = error

    def get_credentials(self):
        ended = datetime.now(timezone.utc) - timedelta(hours=1)
        return RefreshableCredentials("a", "b", "c", ended, self._again, "custom-process")

    def _again(self):
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError(2, "No such file or directory", "/opt/keys"), "No such file or directory: '/opt/keys'"),
        (ValueError("Expecting value: line 1 column 1 (char 0)"), "Expecting value"),
        (EOFError(), "a code of MFA is asked for, which nobody types here"),
        (SSOTokenLoadError(error_msg="Token for s does not exist"), "sign in with `aws sso login`"),
    ],
)
def test_credentials_that_are_not_to_be_had_again_in_mid_run_are_told_as_that(error, told):
    client = unreached("s3")
    tell_what_fails(client, Session(error))
    with pytest.raises(StoreFailure, match=f"CredentialRetrievalError: .*from custom-process: .*{told}"):
        S3Store(client).put(S3Uri("b", "k"), b"x")


@pytest.mark.parametrize(("place", "name"), list(enumerate(["access key", "secret key", "session token"])))
@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\nx"])
def test_a_key_with_a_line_break_is_told_by_its_name_and_never_by_its_value(monkeypatch, place, name, end):
    """What is read from a file has one at its end; Python told the whole header."""
    for variable in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    for number, variable in enumerate(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]):
        monkeypatch.setenv(variable, "QUOTED" + (end if number == place else ""))
    store = S3Store(AwsAccess("eu-west-1", "http://127.0.0.1:9").client("s3"))
    with pytest.raises(StoreFailure, match=f"the {name} had a blank or a line break too many") as told:
        store.bucket(S3Uri("b", ""))
    assert "QUOTED" not in str(told.value)
