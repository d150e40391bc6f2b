"""The entry point of the wheel as a launcher calls it where Spark is there: off the main thread, in its session."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from batch_transform.pipeline.submit import console_script
from support.emulated import BUCKET

pytestmark = pytest.mark.spark


def launched(monkeypatch, *words):
    """What the entry point raised, or returned, in a thread of its own."""
    monkeypatch.setattr(sys, "argv", ["batch-transform", *words])
    with ThreadPoolExecutor(1) as other:
        done = other.submit(console_script.main)
        return done.exception(timeout=500) or done.result()


def settings(spark):
    return {row["key"]: row["value"] for row in spark.sql("SET").collect()}


def test_it_uses_the_session_that_is_there_and_leaves_it_as_it_was(spark, world, tmp_path, monkeypatch, capsys):
    spark.range(20).selectExpr("cast(id as string) AS key").write.parquet(str(tmp_path / "in"))
    document = world.arguments(tmp_path, input={"path": str(tmp_path / "in")}, model={"name": "echo"})
    document["prediction"] = {"schema": document["prediction"]}
    (tmp_path / "run.yml").write_text(yaml.safe_dump(document))
    before = settings(spark)
    assert launched(monkeypatch, "run", str(tmp_path / "run.yml")) is None
    first = capsys.readouterr()
    report = json.loads(first.out)
    assert (report["status"], report["rows_scored"]) == ("published", 20)
    assert "nothing done" not in first.err
    # It lives, and says what it said.
    assert spark.read.parquet(str(tmp_path / "out")).count() == 20
    assert settings(spark) == before

    assert launched(monkeypatch, "run", str(tmp_path / "run.yml")) is None
    again = capsys.readouterr()
    assert json.loads(again.out) == report
    assert f"already published at {report['output']}, nothing done" in again.err

    folder = f"s3://{BUCKET}/runs/{document['run_id']}"
    near = [word for key in ("endpoint_url", "region") for word in ("--set", f"aws.{key}={document['aws'][key]}")]
    refused = launched(monkeypatch, "resume", folder, *near, "--set", "record.columns=[nobody]")
    assert (type(refused), refused.code) == (SystemExit, 2)
    assert spark.range(3).count() == 3
