"""Settings of AWS's SDKs that are of no use end no run that needs none, and refuse every other with their names."""

from __future__ import annotations

import os

import pytest
from botocore.exceptions import CredentialRetrievalError

from batch_transform.aws.access import AwsAccess
from batch_transform.aws.unusable_settings import check_bundle, is_region, refusal
from batch_transform.core.errors import ConfigurationError, ServiceFailure

FAR = "http://127.0.0.1:1"
NOT_A_FILE = "[default\nregion us\nx"
FAULTS = [
    ("AWS_PROFILE", "absent", r"AWS_PROFILE: .*\(absent\).*unset it"),
    ("AWS_DEFAULT_PROFILE", "absent", r"AWS_DEFAULT_PROFILE: .*\(absent\)"),
    ("AWS_CONFIG_FILE", NOT_A_FILE, r"AWS_CONFIG_FILE: Unable to parse"),
    ("AWS_SHARED_CREDENTIALS_FILE", NOT_A_FILE, r"AWS_SHARED_CREDENTIALS_FILE: Unable to parse"),
    ("AWS_CONFIG_FILE", "[default]\nsource_profile = x\nrole_arn = y\n", r"AWS's settings: .*\"x\".*AWS_CONFIG_FILE"),
    ("AWS_CONFIG_FILE", "[default]\ncredential_process = /no/such\n", r"AWS's settings: FileNotFoundError: .*/no/such"),
    ("AWS_DEFAULT_REGION", "us east 1", r"AWS_DEFAULT_REGION: .*us east 1"),
    ("AWS_DEFAULTS_MODE", "nonsense", r"AWS_DEFAULTS_MODE: .*standard"),
    ("AWS_CSM_PORT", "abc", r"AWS_CSM_PORT: ValueError: .*abc"),
    ("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "nonsense", r"AWS_S3_US_EAST_1_REGIONAL_ENDPOINT: .*regional"),
]


@pytest.fixture(params=FAULTS, ids=lambda fault: f"{fault[0]}-{fault[1][:8]}")
def fault(request, monkeypatch, tmp_path):
    """What a person is told of a setting, which is in force."""
    name, value, told = request.param
    for each in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(each)
    environ = {"AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    environ |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CSM_ENABLED": "true"}
    environ |= {} if name == "AWS_DEFAULT_REGION" else {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    if name.endswith("_FILE"):
        (tmp_path / "file").write_text(value)
        value = str(tmp_path / "file")
    for each in (environ | {name: value}).items():
        monkeypatch.setenv(*each)
    return told


def test_a_setting_of_no_use_is_refused_by_its_name(fault):
    with pytest.raises(ConfigurationError, match=fault):
        AwsAccess(endpoint_url=FAR).client("s3")


def test_an_emulated_run_needs_none_of_them(fault):
    client = AwsAccess(endpoint_url=FAR, emulated=True).client("s3")
    assert (client.meta.region_name, client.meta.endpoint_url) == ("us-east-1", FAR)
    AwsAccess(endpoint_url=FAR, emulated=True).client("sagemaker")


def test_an_emulator_is_asked_without_the_proxy_of_the_environment(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    client = AwsAccess(endpoint_url=FAR, emulated=True).client("s3")
    assert not client._endpoint.http_session._proxy_config.proxy_url_for(FAR)


def test_no_value_of_a_key_is_told_by_its_likeness_to_a_word():
    err = ValueError("what is secret")
    environ = {"AWS_SECRET_ACCESS_KEY": "secret", "AWS_RETRY_MODE": "secret"}
    assert str(refusal(err, environ, "")).startswith("AWS_RETRY_MODE: ")


def test_certificates_that_are_not_there_are_refused_where_they_count(tmp_path):
    environ = {"AWS_CA_BUNDLE": str(tmp_path / "none.pem")}
    with pytest.raises(ConfigurationError, match=r"AWS_CA_BUNDLE: there is no .*none\.pem"):
        check_bundle("https://s3.amazonaws.com", environ)
    check_bundle(FAR, environ)
    check_bundle("https://s3.amazonaws.com", {"AWS_CA_BUNDLE": str(tmp_path)})
    check_bundle("https://s3.amazonaws.com", {})


@pytest.mark.parametrize(("name", "is_one"), [("eu-west-1", True), ("us east 1", False), ("", False)])
def test_a_region_is_what_botocore_takes_for_one(name, is_one):
    assert is_region(name) is is_one


@pytest.mark.parametrize(
    ("provider", "kind"), [("container-role", ServiceFailure), ("custom-process", ConfigurationError)]
)
def test_credentials_that_a_service_does_not_give_now_may_be_had_later(provider, kind):
    assert type(refusal(CredentialRetrievalError(provider=provider, error_msg="403"), {}, "")) is kind
