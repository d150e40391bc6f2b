"""Submitted runs: Spark's own S3 encrypts as the rest does, and Databricks' service credentials, by a stand-in."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.accounts import Accounts, Role
from support.emulated import BUCKET, REGION
from support.memory_run import rows_of_file
from support.submissions import Submission
from support.watching_proxy import watching

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]
KEY, OWNER = "arn:aws:kms:us-east-1:123456789012:key/k", "123456789012"
ENCRYPTED = ("x-amz-server-side-encryption: aws:kms", f"x-amz-server-side-encryption-aws-kms-key-id: {KEY}")
DATA, ML = "arn:aws:iam::111111111111:role/data", "arn:aws:iam::222222222222:role/ml"
ROLES = {DATA: Role(frozenset({"s3"})), ML: Role(frozenset({"sagemaker", "logs", "ecr"}))}
# What Databricks has in place of these: the first in the driver, the second in its Python workers.
STAND_IN = """\
from botocore.session import Session
from types import SimpleNamespace

def getServiceCredentialsProvider(name):
    session = Session()
    session.set_credentials("{place}-" + name, "hidden", "token")
    return session

dbutils = SimpleNamespace(credentials=SimpleNamespace(getServiceCredentialsProvider=getServiceCredentialsProvider))
"""


def document(world, folder, **sections):
    return {
        **world.arguments(folder),
        "model": {"name": "echo"},
        "prediction": {"schema": "echo string"},
        "input": {"path": str(folder / "in")},
        **sections,
    }


@pytest.mark.long
def test_a_bucket_that_takes_nothing_unencrypted_has_everything_of_a_run_on_it(world, tmp_path):
    """Input, staging and output are on S3: by s3a, and copied into place by boto3."""
    pq.write_table(pa.table({"key": [str(n) for n in range(40)]}), tmp_path / "in.parquet")
    world.client("s3").upload_file(str(tmp_path / "in.parquet"), BUCKET, "all-on-s3/in/part.parquet")
    run = document(
        world,
        tmp_path,
        input={"path": f"s3://{BUCKET}/all-on-s3/in"},
        output={"path": f"s3://{BUCKET}/all-on-s3/out"},
        aws={"endpoint_url": world.url, "region": REGION, "s3": {"kms_key": KEY, "expected_bucket_owner": OWNER}},
    )
    del run["staging"]
    policy = (*ENCRYPTED, f"x-amz-expected-bucket-owner: {OWNER}")
    with world.faults(*({"fault": "s3_access_denied", "bucket": BUCKET, "without": header} for header in policy)):
        submission = Submission(tmp_path, run)
        code, report = submission.wait()
    assert (code, report["rows_scored"]) == (0, 40), submission.log()
    keys = [key for key in world.objects() if key.startswith("all-on-s3/out") or f"/{run['run_id']}/" in key]
    heads = [world.client("s3").head_object(Bucket=BUCKET, Key=key) for key in keys]
    assert {head.get("SSEKMSKeyId") for head in heads} == {KEY}
    files = [key for key in world.objects("all-on-s3/out/") if key.endswith(".parquet")]
    rows = [row for key in files for row in rows_of_file(world.body(key), "parquet").to_pylist()]
    assert sorted(int(row["key"]) for row in rows) == list(range(40))
    assert any("/staging/" in key for key in keys)
    assert "1 staged file, copies of the input's" in submission.log()


def test_databricks_service_credentials_reach_driver_and_workers(world, tmp_path, monkeypatch):
    """The driver and its Python workers are handed them in two ways; no key is in the run file or in the ledger."""
    for name, place in (("sdk/runtime", "driver"), ("service_credentials", "worker")):
        module = tmp_path / "stand_in" / "databricks" / f"{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(STAND_IN.format(place=place))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stand_in"))
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"key": [str(n) for n in range(40)]}), tmp_path / "in/part.parquet")
    with watching(world.url, ask_who=False) as proxy:
        asked = proxy.watch = Accounts(world.url, ROLES)
        asked.keys |= {"driver-lake": DATA, "worker-lake": DATA, "driver-models": ML}
        aws = {"s3": {"service_credential": "lake"}, "sagemaker": {"service_credential": "models"}}
        run = document(world, tmp_path, aws={"endpoint_url": proxy.url, "region": REGION, **aws})
        submission = Submission(tmp_path, run)
        code, report = submission.wait()
    assert (code, report.get("rows_scored")) == (0, 40), submission.log()
    assert asked.denied == []
    assert set(asked.used) == {"driver-lake", "worker-lake", "driver-models"}
    assert "-lake" not in json.dumps(run)
    ledger = [key for key in world.objects() if f"/{run['run_id']}/ledger/" in key]
    assert ledger
    assert not any(b"-lake" in world.body(key) or b"hidden" in world.body(key) for key in ledger)
