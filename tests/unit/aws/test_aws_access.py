"""Access to AWS is a value that travels: settings, never secrets."""

from __future__ import annotations

import pickle

import pytest

from batch_transform.aws.access import EMULATOR_REGION, AwsAccess
from batch_transform.core.errors import ConfigurationError

FAR = "http://127.0.0.1:1"
NEAR = "http://127.0.0.1:2"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-chain")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-chain")


def test_what_travels_holds_no_credentials():
    access = AwsAccess(region="eu-west-1", endpoint_url=FAR)
    access.client("s3")
    body = pickle.dumps(access)
    assert pickle.loads(body) == access
    assert b"chain" not in body


def test_credentials_come_from_the_default_chain_where_the_client_is_made():
    assert AwsAccess(region="eu-west-1").session().get_credentials().access_key == "of-the-chain"


def test_the_emulator_needs_neither_profile_nor_region():
    session = AwsAccess(emulated=True).session()
    assert (session.region_name, session.get_credentials().access_key) == (EMULATOR_REGION, "emulator")


@pytest.mark.parametrize("emulated", [False, True])
def test_a_region_that_is_given_is_used(emulated):
    access = AwsAccess(region="eu-west-1", endpoint_url=FAR, emulated=emulated)
    assert access.client("sagemaker").meta.region_name == "eu-west-1"


def test_a_profile_that_is_given_is_used(tmp_path):
    (tmp_path / "config").write_text("[profile team]\nregion = eu-west-3\n")
    assert AwsAccess(profile="team").session().region_name == "eu-west-3"


def test_an_endpoint_of_a_service_wins_over_the_one_for_all():
    access = AwsAccess("eu-west-1", FAR, (("s3", NEAR),))
    assert (access.endpoint("s3"), access.endpoint("sagemaker")) == (NEAR, FAR)
    assert access.client("s3").meta.endpoint_url == NEAR
    assert access.client("sagemaker").meta.endpoint_url == FAR


def test_without_an_endpoint_it_is_aws():
    assert AwsAccess("eu-west-1").endpoint("s3") is None
    assert AwsAccess("eu-west-1").client("s3").meta.endpoint_url.endswith("amazonaws.com")


@pytest.mark.parametrize(
    ("access", "style"),
    [
        (AwsAccess("eu-west-1", FAR), {"addressing_style": "path"}),
        (AwsAccess("eu-west-1", service_endpoints=(("s3", FAR),)), {"addressing_style": "path"}),
        (AwsAccess("eu-west-1", service_endpoints=(("sagemaker", FAR),)), None),
        (AwsAccess("eu-west-1"), None),
    ],
)
def test_buckets_stand_in_the_path_only_where_s3_has_an_endpoint_of_its_own(access, style):
    assert access.client("s3").meta.config.s3 == style


@pytest.mark.parametrize("name", ["us-gov-west-1", "fips-us-gov-west-1", "us-gov-west-1-fips"])
def test_the_region_of_jobs_is_one_though_it_is_named_by_its_endpoint_of_fips(name):
    """A bucket's region is held against it."""
    access = AwsAccess(name)
    assert access.console_region == access.client("sagemaker").meta.region_name == "us-gov-west-1"


def test_the_retries_of_calls_are_botocores_and_bounded():
    config = AwsAccess("eu-west-1").client("s3").meta.config
    assert (config.retries["mode"], config.retries["total_max_attempts"]) == ("standard", 9)
    assert config.user_agent_extra == "spark-batch-transform"


def test_options_of_the_caller_win():
    assert AwsAccess("eu-west-1").client("s3", max_pool_connections=50).meta.config.max_pool_connections == 50
    assert AwsAccess("eu-west-1").client("s3", user_agent_extra="x").meta.config.user_agent_extra == "x"


@pytest.mark.parametrize(
    ("access", "fault"),
    [
        (AwsAccess(profile="nobody"), r"aws\.profile: .*\(nobody\).*AWS_PROFILE"),
        (AwsAccess(endpoint_url=FAR), r"aws\.region: .*AWS_REGION"),
    ],
)
def test_a_way_to_aws_that_cannot_be_is_refused_with_its_setting(access, fault):
    with pytest.raises(ConfigurationError, match=fault):
        access.client("sagemaker")


def test_what_botocore_knows_of_the_services_is_read_once_and_no_session_leaves_anything_in_it(monkeypatch):
    """Reading it takes longer than all else that a client needs; a run makes half a dozen of them."""
    access = AwsAccess("eu-west-1", FAR)
    access.client("sagemaker")
    paths = list(access.session()._loader.search_paths)
    monkeypatch.setattr("botocore.loaders.JSONFileLoader.load_file", lambda *_: pytest.fail("it was read again"))
    assert AwsAccess("eu-west-3").client("sagemaker").meta.region_name == "eu-west-3"
    assert access.session()._loader.search_paths == paths
    assert len(set(paths)) == len(paths)


def test_identities_are_not_shared(monkeypatch):
    """Who changes the environment between two runs of a notebook is somebody else."""
    AwsAccess("eu-west-1").client("s3")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    assert AwsAccess("eu-west-1").session().get_credentials().access_key == "another"


@pytest.mark.parametrize(
    ("access", "is_emulator"),
    [
        (AwsAccess(), False),
        (AwsAccess(endpoint_url="http://127.0.0.1:5000", emulated=True), True),
        (AwsAccess(endpoint_url="http://emulator.internal:5000"), True),
        (AwsAccess(service_endpoints=(("sagemaker", "http://127.0.0.1:5000"),)), True),
        (AwsAccess(service_endpoints=(("s3", "http://127.0.0.1:9000"),)), False),
        (AwsAccess(endpoint_url="https://sagemaker.corp.example"), False),
    ],
)
def test_what_is_asked_by_http_is_an_emulator(access, is_emulator):
    assert (access.is_emulator, access.keeps_jobs) == (is_emulator, not is_emulator)
