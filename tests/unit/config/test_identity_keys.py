"""`aws.s3`, `aws.sagemaker`, `aws.logs`: who calls a service; refused before anything begins, kept out of ledgers."""

from __future__ import annotations

import json

import pytest

from batch_transform.config import RunConfig
from batch_transform.config.changes import differences
from batch_transform.config.loading import from_arguments, load, reload, surroundings
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.secret_values import sealed, secrets_of
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.other_command import spelled
from batch_transform.pipeline.world.aws_access import access_of

ROLE = "arn:aws:iam::111122223333:role/data"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/k"
ID = "partner-7-of-them"


def build(**aws):
    return from_arguments(run_id="r", model="m", workspace="s3://bucket/w", output={"path": "out"}, aws=aws)


def document(**aws):
    whole = {"run_id": "r", "workspace": "s3://bucket/w", "input": {"path": "in"}, "model": {"name": "m"}}
    return {**whole, "output": {"path": "out"}, "aws": aws}


@pytest.mark.parametrize(
    ("aws", "fault"),
    [
        ({"s3": {"profile": "a", "role_arn": ROLE}}, "aws.s3.role_arn: is given beside profile; give one of"),
        (
            {"logs": {"role_arn": ROLE, "service_credential": "c"}},
            "aws.logs.service_credential: is given beside role_arn; give one of",
        ),
        ({"sagemaker": {"external_id": ID}}, "aws.sagemaker.external_id: is given without role_arn"),
        ({"s3": {"role_arn": "data"}}, "aws.s3.role_arn: is 'data'; valid: an IAM role's ARN"),
        ({"s3": {"role_arn": ROLE, "external_id": "a b"}}, "aws.s3.external_id: is none that STS takes"),
        ({"s3": {"role_arn": ROLE, "external_id": 1234567}}, "aws.s3.external_id: must be text, not a number"),
        ({"s3": {"expected_bucket_owner": "1234"}}, "aws.s3.expected_bucket_owner: is '1234'; valid: the 12 digits"),
        ({"s3": {"expected_bucket_owner": 111122223333}}, "must be text, not 111122223333; put it in quotes"),
        ({"s3": {"sse": "AES256", "kms_key": KEY}}, "aws.s3.sse: is AES256 beside kms_key"),
        ({"s3": {"sse": "kms"}}, "aws.s3.sse: is 'kms'"),
        ({"s3": {"kms": KEY}}, "aws.s3.kms: is no key; did you mean kms_key?"),
        ({"sagemaker": {"kms_key": KEY}}, "aws.sagemaker.kms_key: is no key"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(aws, fault):
    with pytest.raises(ConfigurationError) as told:
        build(**aws)
    assert fault in str(told.value)
    assert ID not in str(told.value)


def test_a_role_that_is_refused_says_so_once():
    with pytest.raises(ConfigurationError) as told:
        build(s3={"role_arn": "data", "external_id": ID})
    assert len(told.value.faults) == 1


def test_each_section_reaches_the_clients_of_its_service():
    config = build(
        profile="base",
        s3={"role_arn": ROLE, "external_id": ID, "kms_key": KEY, "expected_bucket_owner": "111122223333"},
        sagemaker={"profile": "ml"},
        logs={"service_credential": "lake"},
    )
    access = access_of(config, None, {})
    named = dict(access.identities)
    assert (access.profile, named["sagemaker"].profile, named["logs"].service_credential) == ("base", "ml", "lake")
    assert (named["s3"].role_arn, named["s3"].external_id) == (ROLE, ID)
    assert (access.s3.sse, access.s3.kms_key, access.s3.requester_pays) == ("aws:kms", KEY, False)
    assert access.s3.expected_bucket_owner == "111122223333"


def test_a_section_without_an_identity_changes_none():
    assert access_of(build(s3={"sse": "AES256"}), None, {}).identities == ()


def test_the_embedded_emulator_is_asked_for_the_encryption_and_for_no_owner_and_as_nobody():
    config = build(s3={"role_arn": ROLE, "kms_key": KEY, "expected_bucket_owner": "111122223333"})
    access = access_of(config, "http://127.0.0.1:5", {})
    assert (access.identities, access.s3.kms_key, access.s3.expected_bucket_owner) == ((), KEY, None)


def test_what_the_service_writes_has_the_key_as_well_unless_it_is_told_another():
    def asked(transform=None, **s3):
        given = {**document(s3=s3), **({"transform": transform} if transform else {})}
        return RunConfig.from_document(given).settings.transform.output_kms_key

    assert asked(kms_key=KEY) == KEY
    assert asked({"output_kms_key": "other"}, kms_key=KEY) == "other"
    assert (asked(sse="AES256"), asked(sse="aws:kms"), asked()) == (None, None, None)


def test_a_ledger_has_the_role_and_not_the_external_id():
    config = build(s3={"role_arn": ROLE, "external_id": ID})
    kept = json.dumps(sealed(config.to_document(), "nonce"))
    assert ROLE in kept
    assert ID not in kept
    assert list(secrets_of(config.to_document()).values()) == [ID]  # which no message and no report repeats


def test_whoever_goes_on_with_a_run_may_be_another_identity():
    before = sealed(RunConfig.from_document(document(s3={"role_arn": ROLE, "external_id": ID})).to_document(), "n")
    for now in ({}, {"s3": {"role_arn": ROLE, "external_id": "another"}}, {"s3": {"profile": "p"}}):
        after = RunConfig.from_document(document(**now)).to_document()
        assert differences(before, after, publishing=False) == []


def test_a_run_of_before_these_keys_goes_on():
    before = RunConfig.from_document(document()).to_document()
    for section in ("s3", "sagemaker", "logs"):
        del before["aws"][section]
    assert differences(before, RunConfig.from_document(document()).to_document(), publishing=True) == []


@pytest.fixture
def run_file(tmp_path):
    text = (
        "run_id: r\nworkspace: s3://bucket/w\ninput: {path: in}\nmodel: {name: m}\noutput: {path: out}\n"
        f"aws: {{s3: {{role_arn: '{ROLE}', external_id: '${{EXTERNAL}}'}}}}\n"
    )
    (tmp_path / "run.yml").write_text(text)
    return str(tmp_path / "run.yml")


def test_the_external_id_of_a_run_that_is_named_by_its_folder_comes_from_where_the_run_file_had_it(run_file):
    config = load(run_file, environ={"EXTERNAL": ID})
    recorded = sealed(config.to_document(), "nonce")
    again = reload(recorded, "the ledger", sets=(), emulator_models=(), environ={"EXTERNAL": ID})
    assert again.aws.s3.external_id == ID
    told = reload(recorded, "the ledger", sets=(f"aws.s3.external_id={ID}",), emulator_models=(), environ={})
    assert told.aws.s3.external_id == ID
    with pytest.raises(ConfigurationError, match=r"aws\.s3\.external_id: .*the ledger has a placeholder.*EXTERNAL"):
        reload(recorded, "the ledger", sets=(), emulator_models=(), environ={})


def test_a_run_is_reached_by_its_folder_as_whom_the_command_line_says():
    sets = (f"aws.s3.role_arn={ROLE}", f"aws.s3.external_id={ID}", "aws.s3.requester_pays=true")
    near = surroundings(sets, ())
    assert (near.aws.s3.role_arn, near.aws.s3.external_id, near.aws.s3.requester_pays) == (ROLE, ID, True)


def test_the_command_that_goes_on_says_whom_to_be_and_repeats_no_external_id():
    config = RunConfig.from_document(
        document(
            region="eu-west-1", s3={"role_arn": ROLE, "external_id": ID, "requester_pays": True}, logs={"profile": "p"}
        )
    )
    said = spelled("resume", CommandLine("run.yml", command="run"), config, {})
    for text in ("aws.region=eu-west-1", f"aws.s3.role_arn={ROLE}", "aws.s3.requester_pays=true", "aws.logs.profile=p"):
        assert f"--set {text}" in said
    assert ID not in said
    assert "external_id" not in said
