"""A first run file is one that `plan` takes, and S3's files are looked at as well as a laptop's."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.config.loading import load
from batch_transform.pipeline.commands.plan import plan
from batch_transform.pipeline.commands.plan_surroundings import NOTHING_AROUND
from batch_transform.pipeline.submit.console_script import exit_code
from support.emulated import BUCKET, REGION
from support.runs import silent

pytestmark = pytest.mark.spark
TABLE = pa.table({"customer_id": [1, 2], "age": [30, 50], "plan": ["a", "b"]})


def test_a_plan_is_made_of_it_as_it_is(spark, world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pq.write_table(TABLE, "in.parquet")
    assert exit_code(["init", "run.yml", "--input", "in.parquet", "--model", "echo"]) == 0
    config = load("run.yml", variables=["ds=1"], emulator_models=[f"echo={world.models['echo'].url}"], environ={})
    report = plan(spark, config.named(), silent, NOTHING_AROUND)
    assert (report["status"], report["run_id"]) == ("planned", "echo-1")
    assert report["columns"] == ["customer_id bigint", "age bigint", "plan string", "prediction string"]


def test_a_folder_on_s3_is_looked_at_by_a_footer(world, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.url)
    monkeypatch.setenv("AWS_REGION", REGION)
    pq.write_table(TABLE, tmp_path / "part.parquet")
    world.client("s3").upload_file(str(tmp_path / "part.parquet"), BUCKET, "first/in/ds=1/part-0.parquet")
    for place in (f"s3://{BUCKET}/first/in", f"s3://{BUCKET}/first/in/ds=1/part-0.parquet"):
        run_file = tmp_path / f"{len(place)}.yml"
        assert exit_code(["init", str(run_file), "--input", place, "--model", "echo"]) == 0
        config = load(run_file, variables=["ds=1"], environ={})
        assert (config.input.path, config.record.columns) == (place, ("age", "plan"))
        assert config.workspace == f"s3://{BUCKET}/scoring"
