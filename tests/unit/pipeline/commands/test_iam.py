"""The policies that a run file needs: known to IAM word by word, and no wider than the run file."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path
from string import Template

import boto3
import pytest
from moto import mock_aws

from batch_transform.config import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.service_authorization import ACTIONS, ARNS
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.dispatch import execute
from batch_transform.pipeline.commands.iam import DOCUMENTS, needed_of

PLAIN = {
    "run_id": "r",
    "workspace": "s3://lake/ml/scoring",
    "input": {"path": "in"},
    "model": {"name": "churn-v7"},
    "output": {"path": "out"},
}
ROLE = "arn:aws:iam::222222222222:role/path/model"
DATA = "arn:aws:iam::111111111111:role/data"
MADE = {
    "image": "222222222222.dkr.ecr.eu-west-1.amazonaws.com/team/churn:7",
    "data_url": "s3://models/churn/model.tar.gz",
    "role_arn": ROLE,
    "vpc_config": {"security_group_ids": ["sg-1"], "subnets": ["subnet-1"]},
}
WHOLE = {
    **PLAIN,
    "input": {"path": "s3://raw/customers/ds=2024-*/part", "format": "parquet"},
    "output": {"path": "s3://lake/scores/churn", "format": "delta"},
    "staging": "s3://scratch/tmp",
    "model": MADE,
    "transform": {"tags": {"team": "growth"}, "volume_kms_key": "1234abcd-12ab-34cd-56ef-1234567890ab"},
    "aws": {
        "region": "eu-west-1",
        "s3": {"role_arn": DATA, "external_id": "partner-7", "kms_key": "alias/data"},
        "sagemaker": {"role_arn": "arn:aws:iam::222222222222:role/ml"},
    },
}
ALIAS = "of-data-team-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias"
FILES = {
    "plain": PLAIN,
    "whole": WHOLE,
    "a whole bucket": {**PLAIN, "workspace": "s3://lake"},
    "China": {**WHOLE, "aws": {**WHOLE["aws"], "region": "cn-north-1"}},
    "the European Sovereign Cloud": {**WHOLE, "aws": {**WHOLE["aws"], "region": "eusc-de-east-1"}},
    "keys as ARNs": {
        **PLAIN,
        "aws": {"s3": {"kms_key": "arn:aws:kms:eu-west-1:111111111111:key/k"}},
        "transform": {"output_kms_key": "arn:aws:kms:eu-west-1:111111111111:alias/out"},
    },
    "an access point": {**WHOLE, "input": {"path": f"s3://{ALIAS}/in"}, "output": {"path": f"s3://{ALIAS}/out"}},
    "directory buckets": {
        **WHOLE,
        "input": {"path": "s3://raw--euw1-az1--x-s3/in"},
        "output": {"path": "s3://out--euw1-az1--x-s3/out"},
        "dead_letter": {"path": "s3://point--euw1-az1--xa-s3/dead"},
    },
    "dead letters": {**PLAIN, "input": {"dead_letters": "s3://lake/other/r1"}},
    "tables": {**PLAIN, "input": {"table": "a.b"}, "output": {"table": "a.c", "format": "delta"}},
}


def documents(name):
    needed = needed_of(RunConfig.from_document(FILES[name]))
    return {whom: document(needed) for whom, document in DOCUMENTS.items()}


def statements(document):
    return {statement["Sid"]: statement for statement in document["Statement"]}


EACH = [(name, whom) for name in FILES for whom in DOCUMENTS]


@pytest.mark.parametrize(("name", "whom"), EACH)
def test_iam_knows_every_action_resource_and_condition_key_of_it(name, whom):
    """As the service authorization reference has them (core.service_authorization)."""
    for statement in documents(name)[whom]["Statement"]:
        keys = {key for condition in statement.get("Condition", {}).values() for key in condition}
        for action in statement["Action"]:
            known, service = ACTIONS[action], action.partition(":")[0]
            assert keys <= set(known.conditions)
            kinds = [ARNS[f"{service}:{kind}"] for kind in known.resources if f"{service}:{kind}" in ARNS]
            shapes = [re.sub(r"\$\{\w+\}", "*", kind) for kind in kinds] or ["*"]
            for resource in statement["Resource"]:
                assert any(fnmatchcase(resource, shape) for shape in shapes), (action, resource)


@pytest.mark.parametrize(("name", "whom"), EACH)
def test_create_policy_takes_it(name, whom, monkeypatch):
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "t")
    document = json.dumps(documents(name)[whom])
    assert len(re.sub(r"\s", "", document)) <= 6144  # IAM's quota for a managed policy
    with mock_aws():
        client = boto3.client("iam", "us-east-1")
        made = client.create_policy(PolicyName="p", PolicyDocument=document)
        version = client.get_policy_version(PolicyArn=made["Policy"]["Arn"], VersionId="v1")
    assert version["PolicyVersion"]["Document"] == documents(name)[whom]


def test_no_statement_has_a_star_where_a_resource_can_be_named():
    for whom, document in documents("whole").items():
        wide = {sid for sid, statement in statements(document).items() if "*" in statement["Resource"]}
        assert wide <= {"ImageLogin", "Network"}, whom


def may(document, action, uri):
    arn = f"arn:aws:s3:::{uri.bucket}/{uri.key}"
    return any(
        action in statement["Action"] and any(fnmatchcase(arn, each) for each in statement["Resource"])
        for statement in document["Statement"]
    )


def test_each_may_write_where_it_writes_and_nowhere_else():
    ledger, rows, output = (
        S3Uri("lake", key)
        for key in ("ml/scoring/runs/r/ledger/0.json", "ml/scoring/rows/r/input/a", "scores/churn/part-0.parquet")
    )
    outs, staged = S3Uri("lake", "ml/scoring/rows/r/output/j/a.out"), S3Uri("scratch", "tmp/rows/r/staging/a.parquet")
    given = documents("whole")
    writers = {
        uri: {whom for whom, document in given.items() if may(document, "s3:PutObject", uri)}
        for uri in (ledger, rows, output, outs, staged, S3Uri("raw", "customers/x"), S3Uri("lake", "other"))
    }
    assert list(writers.values()) == [
        {"driver"},
        {"driver", "executors"},
        {"driver", "executors"},  # Delta is written by Spark
        {"driver", "executors", "model"},
        {"driver", "executors"},
        set(),
        set(),
    ]
    copied = {**WHOLE, "output": {"path": "s3://lake/scores/churn"}}
    executors = DOCUMENTS["executors"](needed_of(RunConfig.from_document(copied)))
    assert not may(executors, "s3:PutObject", output)
    assert may(given["model"], "s3:GetObject", S3Uri("models", "churn/model.tar.gz"))
    assert not may(given["driver"], "s3:GetObject", S3Uri("models", "churn/model.tar.gz"))


@pytest.mark.parametrize("name", FILES)
def test_listing_has_a_prefix(name):
    for document in documents(name).values():
        for statement in document["Statement"]:
            if "s3:ListBucket" in statement["Action"]:
                prefixes = statement["Condition"]["StringLike"]["s3:prefix"]
                assert prefixes
                assert name == "a whole bucket" or "*" not in prefixes


def test_keys_are_named_as_iam_can_have_them():
    given = statements(documents("whole")["driver"])["S3Key"]
    assert given["Resource"] == ["arn:aws:kms:eu-west-1:111111111111:key/*"]
    assert given["Condition"]["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": "alias/data"}
    model = statements(documents("whole")["model"])
    assert model["VolumeKey"]["Resource"] == [
        "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    ]
    arns = statements(documents("keys as ARNs")["model"])
    assert arns["InputKey"]["Resource"] == ["arn:aws:kms:eu-west-1:111111111111:key/k"]
    assert arns["OutputKey"]["Resource"] == ["arn:aws:kms:eu-west-1:111111111111:key/*"]


def test_an_access_point_is_named_as_iam_can_have_it():
    given = documents("an access point")["driver"]
    assert ALIAS not in json.dumps(given)
    point = "arn:aws:s3:eu-west-1:111111111111:accesspoint/of-data-team*"
    assert f"{point}/object/in/*" in statements(given)["S3Read"]["Resource"]
    assert f"{point}/object/out/*" in statements(given)["S3Write"]["Resource"]
    assert [point] in [each["Resource"] for each in given["Statement"] if "s3:ListBucket" in each["Action"]]


def test_a_directory_bucket_is_read_and_written_by_sessions():
    """There `s3:GetObject` and the like allow nothing, and nothing is allowed below a prefix (S3 user guide)."""
    given = documents("directory buckets")
    for document in given.values():
        others = [each for each in document["Statement"] if "S3Express" not in each["Sid"]]
        assert "--x" not in json.dumps(others)
    arn, read = "arn:aws:s3express:eu-west-1:111111111111:", statements(given["driver"])["S3ExpressRead"]
    assert (read["Action"], read["Resource"]) == (["s3express:CreateSession"], [f"{arn}bucket/raw--euw1-az1--x-s3"])
    assert read["Condition"] == {"StringEquals": {"s3express:SessionMode": "ReadOnly"}}
    written = statements(given["driver"])["S3Express"]
    point, bucket = f"{arn}accesspoint/point--euw1-az1--xa-s3", f"{arn}bucket/out--euw1-az1--x-s3"
    assert (written["Resource"], "Condition" in written) == ([point, bucket], False)
    assert statements(given["executors"])["S3ExpressRead"] == read
    assert "S3Express" not in statements(given["executors"])


def test_roles_are_assumed_by_whoever_needs_them():
    given = documents("whole")
    assert statements(given["driver"])["Roles"]["Resource"] == [DATA, "arn:aws:iam::222222222222:role/ml"]
    assert statements(given["executors"])["Roles"]["Resource"] == [DATA]
    assert "Roles" not in statements(documents("plain")["driver"])
    assert "partner-7" not in json.dumps(given)


@pytest.fixture
def run_file(tmp_path):
    (tmp_path / "run.yml").write_text(json.dumps(WHOLE))
    return str(tmp_path / "run.yml")


def test_the_command_prints_one_document_or_all_three(run_file):
    config = RunConfig.from_document(WHOLE)
    every = execute(parse(["iam", run_file]), {}, print)
    assert set(every) == {"driver", "executors", "model"}
    for whom in DOCUMENTS:
        assert execute(parse(["iam", run_file, "--for", whom]), {}, print) == DOCUMENTS[whom](needed_of(config))


def test_who_is_nobody_is_refused_before_the_run_file_is_read(tmp_path):
    lacking = tmp_path / "run.yml"
    lacking.write_text("run_id: ${nowhere}\n")
    with pytest.raises(ConfigurationError, match=r"--for: is nobody .*; valid: driver, executors, model") as err:
        parse(["iam", str(lacking), "--for", "drivers"])
    assert "nowhere" not in str(err.value)


def test_each_partition_has_arns_and_hosts_of_its_own():
    given = documents("the European Sovereign Cloud")["driver"]
    arns = [arn for statement in given["Statement"] for arn in statement["Resource"] if ":role/" not in arn]
    assert {arn.split(":")[1] for arn in arns} == {"aws-eusc"}
    condition = statements(given)["S3Key"]["Condition"]
    assert condition["StringEquals"] == {"kms:ViaService": "s3.eusc-de-east-1.amazonaws.eu"}


COPIED = defaultdict(lambda: "*", Partition="aws", Region="REGION", Account="ACCOUNT")


def test_the_policies_to_copy_name_actions_on_resources_on_which_they_can_be_allowed():
    """On another an action is allowed nothing: CreateTransformJob has the resource type `transform-job` alone.

    Those of logs are left out: a log group is named in two forms.
    """
    given = json.loads((Path(__file__).parents[4] / "conf" / "iam-policy.json").read_text())
    for statement in (each for document in given.values() for each in document["Statement"]):
        actions, resources = (
            [each] if isinstance(each, str) else each for each in (statement["Action"], statement["Resource"])
        )
        for action in (each for each in actions if each in ACTIONS and not each.startswith("logs:")):
            kinds = [f"{action.partition(':')[0]}:{kind}" for kind in ACTIONS[action].resources]
            shapes = [Template(ARNS[kind]).substitute(COPIED) for kind in kinds if kind in ARNS] or ["*"]
            for resource in resources:
                is_one = (fnmatchcase(resource, shape) or fnmatchcase(shape, resource) for shape in shapes)
                assert any(is_one), (action, resource)
