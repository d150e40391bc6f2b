"""The workspaces of an earlier version are read by the commands that need no Spark."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing

import boto3
import pytest

from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.dispatch import execute
from support import answers, recorded
from support.scripted_model import ScriptedModel
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings


@pytest.fixture(scope="module", autouse=True)
def _there():
    """Both workspaces, and an endpoint that answers as their model did."""
    with ExitStack() as resources:
        model = resources.enter_context(closing(ScriptedModel()))
        model.script.answer = answers.shaped
        emulator = resources.enter_context(Emulator(Settings({"shaped": model.url}, buckets=[recorded.BUCKET])))
        patch = resources.enter_context(pytest.MonkeyPatch.context())
        given = {"AWS_ENDPOINT_URL": emulator.endpoint_url, "AWS_REGION": "us-east-1"}
        for name, value in {**given, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
            patch.setenv(name, value)
        for name in ("unfinished", "published"):
            recorded.put(boto3.client("s3", "us-east-1"), name)
        sagemaker = boto3.client("sagemaker", "us-east-1")
        variant = {
            "VariantName": "all",
            "ModelName": "shaped",
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large",
        }
        sagemaker.create_endpoint_config(EndpointConfigName="shaped", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName="shaped", EndpointConfigName="shaped")
        yield


def done(*words):
    here = ["--set", f"aws.endpoint_url={os.environ['AWS_ENDPOINT_URL']}"]
    return execute(parse([*words, *here]), os.environ, lambda text: None)


def test_their_status_is_told():
    unfinished = done("status", "s3://tests/recorded/unfinished")
    assert (unfinished["rows_in"], unfinished["rounds"]) == (64, 1)
    published = done("status", "s3://tests/recorded/published")
    assert (published["status"], published["rows_scored"], published["rows_dead_letter"]) == ("published", 63, 1)


def keys(prefix=""):
    found = boto3.client("s3", "us-east-1").list_objects_v2(Bucket="tests", Prefix=f"recorded/published/{prefix}")
    return {info["Key"] for info in found.get("Contents", ())}


def test_their_rows_lie_beside_their_ledgers_and_no_rule_is_said_to_reach_them():
    told = []
    here = ["--set", f"aws.endpoint_url={os.environ['AWS_ENDPOINT_URL']}"]
    execute(parse(["clean", "s3://tests/recorded", "--lifecycle", "30", *here]), os.environ, told.append)
    assert told[0].startswith("s3://tests/recorded/rows: 0 objects")
    assert "of 2 runs of earlier versions the rows lie beside the ledger" in told[1]


def test_the_predictions_of_the_published_one_are_read_and_compared():
    report = done("compare", "s3://tests/recorded/published", "--endpoint", "shaped", "--rows", "60")
    assert (report["rows_compared"], report["rows_different"]) == (60, 0)


def test_the_published_one_is_cleaned_and_its_ledger_stays():
    """Its parts go with the rows: they have the model's words in them."""
    before, ledger = keys(), keys("ledger/")
    planned = done("clean", "--rows", "s3://tests/recorded/published", "--dry-run")
    assert keys() == before
    report = done("clean", "--rows", "s3://tests/recorded/published")
    assert (report["objects"], report["bytes"]) == (planned["objects"], planned["bytes"])
    assert report["kept"][-1] == "the list of what was published"
    folders = {key.split("/")[2] for key in keys()}
    assert folders == {"ledger", "lease.json", "manifests", "parts", "report.html", "status.json"}
    assert ledger < keys("ledger/")
    assert done("status", "s3://tests/recorded/published")["rows_forgotten"]
    assert done("clean", "s3://tests/recorded/published")["status"] == "cleaned"
    assert "manifests" not in {key.split("/")[2] for key in keys()}
