"""A run over a real session and an emulator, whose secrets and row values are in nothing that is stored or told."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from batch_transform.config.loading import load
from batch_transform.core.errors import ErrorBudgetExceeded
from batch_transform.core.publishing.report import run_report
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.ending.exits import exit_of
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.telling import tell_terminal
from batch_transform.spark.arrow_types import fetched
from batch_transform.spark.spark_errors import SPARK_ERRORS
from support.runs import run_file

pytestmark = pytest.mark.spark

SECRET, ROW = "marked-secret-4711", "markedrow0815"


def test_a_refused_run_of_a_csv_file_tells_and_stores_neither(spark, world, tmp_path, capsys):
    (tmp_path / "in.csv").write_text("key\n" + "".join(f"{ROW}-{place}\n" for place in range(5)) + f"refused!{ROW}\n")
    sections = {
        "input": {"path": f"{tmp_path}/in.csv", "format": "csv", "options": {"header": True, "password": SECRET}},
        "model": {"name": "shaped"},
        "transform": {"environment": {"API_TOKEN": SECRET}, "poll_seconds": 0.1, "invocations_max_retries": 0},
        "staging": f"{tmp_path}/staging",
        "output": {"path": f"{tmp_path}/out"},
    }
    (tmp_path / "run.yml").write_text(json.dumps(run_file(world, "leaks", **sections)))
    events = []

    def listener(event):
        events.append(event)
        tell_terminal(event)

    driver = open_run(spark, load(tmp_path / "run.yml"), world.access, listener)
    with pytest.raises(ErrorBudgetExceeded) as caught:
        driver.run()
    found = exit_of(caught.value)
    found.tell()
    report = {**run_report(driver.state, RunStatus.OVER_BUDGET, str(driver.ctx.places.run)), **found.report("leaks")}
    driver.close(report)
    sent = world.client("sagemaker").describe_transform_job(TransformJobName=world.jobs("leaks")[0])
    assert sent["Environment"] == {"API_TOKEN": SECRET}
    stored = world.objects(f"{driver.ctx.places.layout.kept.key}/")
    assert any("ledger/" in key for key in stored)
    printed = capsys.readouterr()
    told = [printed.out, printed.err, str(events), json.dumps(report), *(str(world.body(key)) for key in stored)]
    assert not [text for text in told if SECRET in text or ROW in text]
    assert "<secret hmac-sha256:" in "".join(told)


@pytest.mark.parametrize("way", ["toArrow", "toPandas"])  # of Spark 4.0 and later, and of 3.5
def test_of_a_job_that_fails_no_warning_tells_what_spark_says(spark, monkeypatch, recwarn, way):
    """A step tells it once, and without a row."""
    schema = pa.schema([("number", pa.int64()), ("name", pa.string())])
    rows = spark.createDataFrame([(1, ROW), (None, None)], "number long, name string")
    if way == "toPandas":
        for kind in type(rows).__mro__:
            if "toArrow" in vars(kind):
                monkeypatch.delattr(kind, "toArrow")
    assert fetched(rows, schema).to_pylist() == [{"number": 1, "name": ROW}, {"number": None, "name": None}]
    broken = (
        rows.where("number = 1")
        .selectExpr("number", "raise_error(name) AS name")
        .selectExpr("number", "string(name) AS name")
    )
    with pytest.raises(SPARK_ERRORS, match=ROW):
        fetched(broken, schema)
    assert not [each for each in recwarn if ROW in str(each.message)]
