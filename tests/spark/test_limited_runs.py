"""A run over some rows of an input goes the whole way, and leaves the output of the run file alone."""

from __future__ import annotations

import pytest

from batch_transform.config.runfile import RunConfig
from batch_transform.pipeline.lifecycle.opening_run import open_run
from support.runs import run_file, silent

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def test_some_rows_are_scored_into_the_runs_own_folder_and_once(spark, world, tmp_path):
    keys = spark.range(0, 90, numPartitions=3).selectExpr("CAST(id AS STRING) AS key")
    keys.write.parquet(f"{tmp_path}/in")
    document = run_file(world, "limited", input={"path": f"{tmp_path}/in"}, output={"path": f"{tmp_path}/out"})
    document["staging"] = f"{tmp_path}/staging"
    config = RunConfig.from_document(document).limited(40)
    reports = []
    for _ in range(2):
        driver = open_run(spark, config, world.access, silent)
        reports.append(driver.run().report)
        driver.close(reports[-1])
    assert reports[0] == reports[1]
    assert (reports[0]["run_id"], reports[0]["rows_in"], reports[0]["rows_scored"]) == ("limited-limit-40", 40, 40)
    scored = spark.read.parquet(reports[0]["output"])
    assert scored.where("key = echo").join(keys, "key", "left_semi").count() == 40
    assert not (tmp_path / "out").exists()
