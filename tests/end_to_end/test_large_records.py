"""Records of very different sizes in one table, through `spark-submit.sh`: the large ones cost the others nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from support.model_server import model_command

ROOT = Path(__file__).parents[2]
MODEL = model_command("lengths")
MB = 1_000_000
SMALL = 5_000
LARGE_MB = (30, 45, 60, 75, 90)
TOO_LARGE_MB = 120


@pytest.mark.long
@pytest.mark.spark
def test_large_records_are_scored_in_a_lane_of_their_own_and_one_beyond_the_limit_is_never_sent(tmp_path):
    """99.9 % of 1 kB, some of 30 to 90 MB, one of 120 MB."""
    sizes = [1_000] * SMALL + [size * MB for size in (*LARGE_MB, TOO_LARGE_MB)]
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    with pq.ParquetWriter(tmp_path / "in.parquet", schema, write_batch_size=1) as writer:
        writer.write_table(pa.table({"id": range(SMALL), "text": ["x" * 1_000] * SMALL}))
        for number, size in enumerate(sizes[SMALL:], SMALL):
            writer.write_table(pa.table({"id": [number], "text": ["y" * size]}))
    config = {
        "workspace": "s3://large-records/runs",
        "input": {"path": str(tmp_path / "in.parquet")},
        "model": {"name": "lines"},
        "prediction": {"schema": "bytes long"},
        "errors": {"max_rows": 1},
        "staging": str(tmp_path / "staging"),
        "output": {"path": str(tmp_path / "out")},
        "emulator": {"models": {"lines": MODEL}},
    }
    (tmp_path / "run.yml").write_text(json.dumps(config))
    command = [str(ROOT / "spark-submit.sh"), str(tmp_path / "run.yml"), "--driver-memory", "5g"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)
    lanes = {job["lane"]: (job["max_payload_mb"], job["max_concurrent_transforms"]) for job in report["jobs"]}
    assert lanes == {"standard": (1, 100), "oversize": (91, 1)}
    assert (report["rows_scored"], report["rows_dead_letter"], report["rounds"]) == (SMALL + len(LARGE_MB), 1, 1)
    answers = ds.dataset(tmp_path / "out", exclude_invalid_files=True, format="parquet").to_table(["id", "bytes"])
    framing = len('{"id":0,"text":""}')
    assert dict(zip(*(answers[name].to_pylist() for name in ("id", "bytes")), strict=True)) == {
        number: size + framing + len(str(number)) - 1 for number, size in enumerate(sizes[:-1])
    }
    dead = ds.dataset(tmp_path / "out_dead_letter", exclude_invalid_files=True, format="parquet").to_table(
        ["id", "error"]
    )
    (error,) = dead["error"].to_pylist()
    assert dead["id"].to_pylist() == [len(sizes) - 1]
    assert (error["class"], error["job"], error["rounds"]) == ("payload too large", None, 0)
