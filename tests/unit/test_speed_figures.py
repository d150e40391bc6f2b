"""What the benchmark (`tests/benchmarks/speed.py`) tells is so: wrong predictions are seen, trees measured whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.peers.input_tables import NUMBER, PREDICTION, check_predictions, input_table
from benchmarks.peers.measuring import measured
from benchmarks.peers.model_server import answer_to

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


@pytest.mark.parametrize("layout", ["8-files", "200-files", "1-row-group"])
def test_a_table_has_its_rows_once_in_its_files(tmp_path, layout):
    table = input_table(f"330b-{layout}", 1_000)
    files = sorted(Path(table.write(tmp_path)).glob("*.parquet"))
    assert len(files) == table.files
    assert {pq.read_metadata(file).num_row_groups for file in files} == {1}
    numbers = [number for file in files for number in pq.read_table(file)[NUMBER].to_pylist()]
    assert numbers == list(range(1_000))


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
print("other words")
print("the last words")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are adopted on Linux only")
def test_a_process_that_outlives_its_parent_is_measured_as_well(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    cost = measured([sys.executable, "-c", COMMAND], environment, str(tmp_path / "log"), "[mark]")
    assert (cost.code, cost.said) == (0, "the last words")
    assert cost.cpu_seconds >= 1.0
    assert cost.peak_mb >= 60
    assert cost.marked_seconds is not None
    assert cost.marked_seconds + 1.5 <= cost.wall_seconds + 0.1
    assert "[mark] it has begun" in (tmp_path / "log").read_text()
