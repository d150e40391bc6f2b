"""How a run reaches AWS: the run file, then the environment, and the embedded emulator before both."""

from __future__ import annotations

import os
import pickle

import boto3
import pytest

from batch_transform.config import RunConfig
from batch_transform.config.surroundings import SERVICES
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.world.aws_access import access_of, endpoint_variable


def _config(**aws: object) -> RunConfig:
    return RunConfig.from_document(
        {
            "run_id": "a",
            "workspace": "s3://bucket/runs",
            "input": {"path": "in"},
            "model": {"name": "m"},
            "output": {"path": "out"},
            "aws": aws,
        }
    )


def test_the_environment_counts_where_the_run_file_is_silent():
    """AWS_REGION, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE> and AWS_PROFILE reach the executors."""
    environ = {
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2",
        "AWS_PROFILE": "team",
    }
    access = access_of(_config(), None, environ)
    assert (access.region, access.profile) == ("eu-west-1", "team")
    assert access.endpoint("s3") == "http://127.0.0.1:2"
    assert access.endpoint("sagemaker") == "http://127.0.0.1:1"


@pytest.mark.parametrize("service", SERVICES)
def test_a_variable_of_one_service_is_the_one_that_awss_sdks_read(monkeypatch, service):
    monkeypatch.setenv(endpoint_variable(service), "http://127.0.0.1:2")
    session = boto3.Session("x", "x", region_name="eu-west-1")
    assert session.client(service).meta.endpoint_url == "http://127.0.0.1:2"


def test_endpoints_of_the_environment_count_for_nothing_where_that_is_said_to_awss_sdks():
    said = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "True"}
    environ = {"AWS_ENDPOINT_URL": "nonsense", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2", **said}
    access = access_of(_config(service_endpoints={"sagemaker": "http://127.0.0.1:3"}), None, environ)
    assert (access.endpoint("s3"), access.endpoint("sagemaker")) == (None, "http://127.0.0.1:3")


@pytest.mark.parametrize(
    ("aws", "endpoint"),
    [
        ({"endpoint_url": "http://127.0.0.1:9"}, "http://127.0.0.1:9"),
        ({"service_endpoints": {"s3": "http://127.0.0.1:8"}}, "http://127.0.0.1:8"),
    ],
)
def test_the_run_file_wins(aws, endpoint):
    """An endpoint in the run file wins over both kinds in the environment."""
    environ = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2"}
    assert access_of(_config(**aws), None, environ).endpoint("s3") == endpoint


def test_the_embedded_emulator_wins_over_everything():
    """A run against the emulator must never reach a real service because of the environment."""
    environ = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2", "AWS_PROFILE": "team"}
    access = access_of(_config(endpoint_url="http://127.0.0.1:9"), "http://127.0.0.1:5", environ)
    assert (access.endpoint("s3"), access.profile, access.emulated) == ("http://127.0.0.1:5", None, True)


def test_an_endpoint_of_the_environment_is_an_address_where_it_counts():
    environ = {"AWS_ENDPOINT_URL": "nonsense", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:99999"}
    with pytest.raises(ConfigurationError) as refused:
        access_of(_config(), None, environ)
    assert [fault.partition(":")[0] for fault in refused.value.faults] == list(environ)
    assert access_of(_config(endpoint_url="http://127.0.0.1:9"), None, environ).endpoint("s3") == "http://127.0.0.1:9"


def test_an_emulator_is_in_the_region_of_the_environment_if_that_is_one():
    regions = [access_of(_config(), "http://h", {"AWS_REGION": name}).region for name in ("eu-west-1", "eu west")]
    assert regions == ["eu-west-1", None]


def test_which_variable_or_key_names_the_profile_is_known():
    environ = {"AWS_PROFILE": "team"}
    assert access_of(_config(), None, environ).profile_key == "AWS_PROFILE"
    assert access_of(_config(profile="own"), None, environ).profile_key == "aws.profile"


def test_no_secret_travels():
    """What goes to the executors names the source of the credentials, never the credentials."""
    environ = {"AWS_ACCESS_KEY_ID": "AKIASECRET", "AWS_SECRET_ACCESS_KEY": "topsecret", "AWS_SESSION_TOKEN": "token"}
    sent = pickle.dumps(access_of(_config(), None, environ))
    assert not any(secret.encode() in sent for secret in environ.values())


ROLE = "arn:aws:iam::111111111111:role/r"
AWS = "https://api.sagemaker.eu-west-1.amazonaws.com"
IN_SERVICES = "[services own]\nsagemaker =\n  endpoint_url = http://127.0.0.1:3\n"


@pytest.fixture
def profiles(monkeypatch, tmp_path):
    """Two profiles with endpoints, one of which names them by service."""
    files = tmp_path / "config"
    files.write_text(
        "[profile all]\nendpoint_url = http://127.0.0.1:1\n[profile one]\nservices = own\nregion = eu-west-1\n"
        f"[profile none]\nignore_configured_endpoint_urls = true\nendpoint_url = http://127.0.0.1:1\n{IN_SERVICES}"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(files))


def test_endpoints_of_a_profile_count_where_nothing_else_names_one(profiles):
    """It is asked whether SageMaker is AWS's own, buckets have no hosts there, and `s3a://` is to ask there as well."""
    whole = access_of(_config(profile="all"), None, {})
    assert {whole.endpoint(service) for service in SERVICES} == {"http://127.0.0.1:1"}
    assert (whole.is_of_aws, whole.is_emulator) == (False, True)
    one = access_of(_config(), None, {"AWS_PROFILE": "one"})
    assert (one.endpoint("s3"), one.endpoint("sagemaker"), one.is_of_aws) == (None, "http://127.0.0.1:3", False)
    assert access_of(_config(profile="none"), None, {}).is_of_aws
    own = access_of(_config(sagemaker={"profile": "one"}), None, {})
    assert (own.endpoint("s3"), own.endpoint("sagemaker")) == (None, "http://127.0.0.1:3")
    all_but_roles = access_of(_config(sagemaker={"profile": "all"}, s3={"role_arn": ROLE}), None, {})
    assert (all_but_roles.endpoint("sts"), all_but_roles.endpoint("logs")) == (None, "http://127.0.0.1:1")


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_profile_has_is_what_awss_sdks_read_of_it(monkeypatch, tmp_path, service):
    ids = ("cloudwatch_logs", "s3", "sagemaker", "sagemaker_runtime", "sts")
    urls = "".join(f"{name} =\n  endpoint_url = http://127.0.0.1:{port}\n" for port, name in enumerate(ids, 3))
    (tmp_path / "config").write_text(f"[profile one]\nservices = own\nregion = eu-west-1\n[services own]\n{urls}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "one")
    there = boto3.Session("x", "x").client(service).meta.endpoint_url
    assert access_of(_config(), None, {}).endpoint(service) == there


@pytest.mark.parametrize("named", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"])
def test_the_environment_and_the_run_file_win_over_a_profile(profiles, named):
    access = access_of(_config(profile="one"), None, {named: "http://127.0.0.1:2"})
    assert access.endpoint("sagemaker") == "http://127.0.0.1:2"
    given = access_of(_config(profile="all", service_endpoints={"s3": "http://127.0.0.1:8"}), None, {})
    assert (given.endpoint("s3"), given.endpoint("logs")) == ("http://127.0.0.1:8", "http://127.0.0.1:1")
    assert access_of(_config(profile="all"), None, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}).is_of_aws


@pytest.mark.parametrize(
    ("in_profile", "said", "named"),
    [
        ("true", "false", {}),
        ("true", "", {}),
        ("false", "true", {}),
        ("true", None, {"AWS_ENDPOINT_URL": "http://127.0.0.1:2"}),
        ("false", None, {"AWS_ENDPOINT_URL": "http://127.0.0.1:2"}),
    ],
)
def test_who_says_that_endpoints_count_for_nothing_is_who_says_it_to_awss_sdks(
    monkeypatch, tmp_path, in_profile, said, named
):
    """The variable wins over the profile, whichever of the two says true, and both pass over the environment's."""
    word = "" if in_profile is None else f"ignore_configured_endpoint_urls = {in_profile}\n"
    (tmp_path / "config").write_text(f"[profile one]\nregion = eu-west-1\n{word}endpoint_url = http://127.0.0.1:1\n")
    given = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_PROFILE": "one", **named}
    for name, value in (given | ({} if said is None else {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": said})).items():
        monkeypatch.setenv(name, value)
    there = boto3.Session("x", "x").client("sagemaker").meta.endpoint_url
    assert (access_of(_config(), None, os.environ).endpoint("sagemaker") or AWS) == there


def test_an_endpoint_of_a_profile_is_an_address_without_a_secret(monkeypatch, tmp_path):
    for url in ("nonsense", "http://me:hunter2@127.0.0.1"):
        (tmp_path / "config").write_text(f"[default]\nendpoint_url = {url}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        with pytest.raises(ConfigurationError, match="endpoint_url of the profile default: ") as refused:
            access_of(_config(), None, {})
        assert "hunter2" not in str(refused.value)


def test_files_that_cannot_be_read_are_told_by_who_makes_a_session(monkeypatch, tmp_path):
    (tmp_path / "config").write_text("not a file of AWS's\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    access = access_of(_config(profile="nobody"), None, {})
    with pytest.raises(ConfigurationError):
        access.session()
