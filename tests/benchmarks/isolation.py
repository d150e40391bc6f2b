"""Runs 200,000 rows in 20 objects with bad ones at random places, and checks and prints what that cost.

    python tests/benchmarks/isolation.py                        # 1, 3 and 50 bad rows, the model answers 400, then 500
    python tests/benchmarks/isolation.py --bad 2000 --status 400

Each is a real run through ./spark-submit.sh against the embedded emulator: exactly the bad rows must be dead letters,
each with its class, its message and its line of the data log, and all others must have their own prediction.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
ROWS = 200_000
PADDING = "x" * 590  # some 600 bytes a record, so that 20 objects are more than a payload each
HEADLINES = {400: "ClientError: 400", 500: "Bad HTTP status received from algorithm: 500"}


def write_table(folder: Path, bad: set[int]) -> Path:
    """Returns the input: ids, which of them are bad, and a text that makes the objects large enough."""
    ids = pa.array(range(ROWS), pa.int64())
    table = pa.table({"id": ids, "bad": pa.array([row in bad for row in range(ROWS)]), "text": [PADDING] * ROWS})
    pq.write_table(table, folder / "input.parquet", row_group_size=20_000)
    return folder / "input.parquet"


def run(folder: Path, table: Path, status: int) -> dict[str, Any]:
    """Returns the report of a run in which the model answers `status` for bad records."""
    config = {
        "workspace": "s3://isolation-benchmark/runs",
        "input": {"path": str(table)},
        "model": {"name": "picky"},
        "transform": {"instance_count": 2, "invocations_max_retries": 0},
        "prediction": {"schema": "echo long"},
        "errors": {"max_fraction": 1.0},
        "output": {"path": str(folder / "out")},
        "staging": str(folder / "staging"),
        "emulator": {"models": {"picky": f"{sys.executable} {ROOT / 'tests/support/model_server.py'} picky {status}"}},
    }
    run_file = folder / "run.yml"
    run_file.write_text(json.dumps(config), encoding="utf-8")
    done = subprocess.run([str(ROOT / "spark-submit.sh"), str(run_file)], capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return json.loads(done.stdout)


def check(folder: Path, bad: set[int], status: int) -> None:
    """Checks both published tables against what they must hold.

    Raises:
        AssertionError: they do not.
    """
    result = ds.dataset(folder / "out", exclude_invalid_files=True, format="parquet").to_table(["id", "echo"])
    assert pc.all(pc.equal(result["id"], result["echo"])).as_py()
    assert set(result["id"].to_pylist()) == set(range(ROWS)) - bad
    dead = ds.dataset(folder / "out_dead_letter", exclude_invalid_files=True, format="parquet").to_table(
        ["id", "error"]
    )
    assert sorted(dead["id"].to_pylist()) == sorted(bad)
    for error in dead["error"].to_pylist():
        assert error["class"] == ("rejected by the model" if status == 400 else "model error")
        assert error["message"]
        assert error["evidence"].startswith(HEADLINES[status])


def main() -> None:
    """Prints a Markdown table, a row for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bad", type=int, nargs="+", default=[1, 3, 50], help="how many bad rows")
    parser.add_argument("--status", type=int, nargs="+", default=[400, 500], choices=HEADLINES)
    asked = parser.parse_args()
    sys.stdout.write("| bad rows | status | rounds | objects | seconds |\n|---|---|---|---|---|\n")
    for status in asked.status:
        for count in asked.bad:
            bad = set(random.Random(count).sample(range(ROWS), count))
            with tempfile.TemporaryDirectory() as name:
                folder, began = Path(name), time.monotonic()
                report = run(folder, write_table(folder, bad), status)
                check(folder, bad, status)
            objects = sum(job["objects"] for job in report["jobs"])
            seconds = time.monotonic() - began
            sys.stdout.write(f"| {count:,} | {status} | {report['rounds']} | {objects:,} | {seconds:,.0f} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
