"""What the benchmark (`tests/benchmarks/speed.py`) tells is so: wrong predictions are seen, trees measured whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.peers import input_tables, telling
from benchmarks.peers.input_tables import NUMBER, PREDICTION, check_predictions, growing_table, input_table
from benchmarks.peers.measuring import DRIVER, JVM, OTHER, WORKER, Measured, cpu_seconds, kind_of, measured
from benchmarks.peers.model_server import answer_to
from benchmarks.peers.whole_runs import WholeRun

TESTS = Path(__file__).parents[1]
ROWS = 100


def scored(folder, numbers, predictions):
    pq.write_table(pa.table({NUMBER: numbers, PREDICTION: predictions}), folder / "part.parquet")
    return str(folder)


def test_right_predictions_are_right_in_any_order(tmp_path):
    numbers = np.random.default_rng(1).permutation(ROWS)
    check_predictions(scored(tmp_path, numbers, numbers), ROWS)


@pytest.mark.parametrize(
    ("numbers", "predictions"),
    [
        (range(ROWS), [1, 0, *range(2, ROWS)]),
        (range(ROWS - 1), range(ROWS - 1)),
        ([0, 0, *range(2, ROWS)], [0, 0, *range(2, ROWS)]),
    ],
    ids=["two are exchanged", "one is missing", "one is there twice"],
)
def test_a_wrong_prediction_is_seen(tmp_path, numbers, predictions):
    with pytest.raises(AssertionError):
        check_predictions(scored(tmp_path, list(numbers), list(predictions)), ROWS)


@pytest.mark.parametrize(("layout", "groups"), [("8-files", 1), ("200-files", 1), ("1-row-group", 1), ("1-file", 3)])
def test_a_table_has_its_rows_once_in_its_files(tmp_path, layout, groups, monkeypatch):
    monkeypatch.setattr(input_tables, "_GROUP_JSON_BYTES", 400 * 330)
    table = input_table(f"330b-{layout}", 1_000)
    files = sorted(Path(table.write(tmp_path)).glob("*.parquet"))
    assert len(files) == table.files
    assert {pq.read_metadata(file).num_row_groups for file in files} == {groups}
    numbers = [number for file in files for number in pq.read_table(file)[NUMBER].to_pylist()]
    assert numbers == list(range(1_000))


def test_more_rows_are_more_files_of_as_many_rows(tmp_path):
    assert [growing_table(rows).files for rows in (1_000, 1_000_000, 16_000_000)] == [1, 4, 64]


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (["/usr/lib/jvm/bin/java", "-cp", "x", "org.apache.spark.deploy.SparkSubmit", "jobs/score.py"], JVM),
        (["python", "-m", "pyspark.daemon", "pyspark.worker"], WORKER),
        (["python", "-m", "batch_transform.pipeline.submit.worker_daemon", "pyspark.worker"], WORKER),
        (["/venv/bin/python", "/repo/jobs/score.py", "command.json"], DRIVER),
        (["python", "-m", "transform_emulator", "--port", "0"], OTHER),
        ([], OTHER),
    ],
)
def test_a_process_is_told_by_its_command(command, kind):
    assert kind_of(command) == kind


def run_of(seconds, work, driver_mb):
    cost = Measured(0, seconds, 2 * seconds, 100.0, "", None, {DRIVER: driver_mb, WORKER: 300.0})
    return WholeRun("ours", cost, work, 0.1, "", {}, 0.0)


def test_growth_is_told_for_a_row_and_beside_the_fewest_rows():
    runs = {"ours": {1_000_000: [run_of(20, 10, 200)], 4_000_000: [run_of(50, 42, 210)]}}
    lines = "\n".join(telling.growth(runs))
    assert "| ours | 4,000,000 | 50.0 (50.0 to 50.0) | 12.5 | 10.5 | 25.0 | 210.0 | 300.0 | 0.0 | 0.0 |" in lines
    assert "| ours | 4,000,000 | 0.62 | 1.05 | 0.62 | 1.05 | 1.00 | 0.00 | 0.00 |" in lines


def test_processors_are_counted_of_children_that_ended_as_well():
    before = cpu_seconds()
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    assert cpu_seconds() - before >= 0.4  # the kernel counts in ticks


def test_the_model_answers_each_record_with_its_number():
    assert answer_to(b'{"row_number":7,"text":"a"}\n{"row_number":12}') == b'{"p":7}\n{"p":12}'


# Burns CPU in a grandchild that outlives the child, and holds 60 MB there.
GRANDCHILD = """
import subprocess, sys, time
held = bytearray(60_000_000)
end = time.process_time() + 1.0
while time.process_time() < end: pass
time.sleep(1)
"""
CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {GRANDCHILD!r}])"
COMMAND = f"""
import subprocess, sys, time
subprocess.run([sys.executable, "-c", {CHILD!r}])
print("[mark] it has begun", file=sys.stderr, flush=True)
time.sleep(1.5)
print('{{"the": "figures"}}')
print("what a library says as it ends")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are adopted on Linux only")
def test_a_process_that_outlives_its_parent_is_measured_as_well(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    cost = measured([sys.executable, "-c", COMMAND], environment, str(tmp_path / "log"), "[mark]")
    assert (cost.code, cost.said) == (0, '{"the": "figures"}')
    assert cost.cpu_seconds >= 1.0
    assert cost.peak_mb >= 60
    assert cost.marked_seconds is not None
    assert cost.marked_seconds + 1.5 <= cost.wall_seconds + 0.1
    assert "[mark] it has begun" in (tmp_path / "log").read_text()
