"""A run at a standalone cluster whose workers are bare, from what `package` makes alone."""

from __future__ import annotations

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.bare_workers import BARE, console
from support.clusters import standalone
from support.drivers import IDENTITY
from support.emulated import BUCKET, REGION, emulated

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 2000
LIMIT_MB = 125


def test_workers_with_a_bare_python_score_a_table_from_the_package_alone(tmp_path):
    packaged = json.loads(console("package", "--target", "standalone", cwd=tmp_path).stdout)
    assert packaged["archive_bytes"] <= LIMIT_MB * 1_000_000
    pq.write_table(pa.table({"id": range(ROWS), "key": [str(place) for place in range(ROWS)]}), tmp_path / "in.parquet")
    with emulated() as world, standalone(tmp_path, BARE) as master:
        document = {
            "run_id": "bare",
            "workspace": f"s3://{BUCKET}/shipped",
            "staging": str(tmp_path / "staging"),
            "input": {"path": str(tmp_path / "in.parquet")},
            "model": {"name": "shaped"},
            "prediction": {"schema": "echo string"},
            "transform": {"poll_seconds": 0.1},
            "output": {"path": str(tmp_path / "out")},
            "aws": {"endpoint_url": world.url, "region": REGION},
        }
        (tmp_path / "run.yml").write_text(json.dumps(document))
        words = ["run", "run.yml", "--target", "standalone", "--master", master]
        words += ["--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.executor.memory=700m"]
        done = console(*words, cwd=tmp_path, **IDENTITY)
        report = json.loads(done.stdout)
        assert (done.returncode, report["status"]) == (0, "published"), report
    result = pq.read_table(tmp_path / "out").to_pydict()
    assert sorted(zip(result["id"], result["echo"], strict=True)) == [(place, str(place)) for place in range(ROWS)]
    # Each worker has found the Python of its machine, and it is none of this environment's.
    links = list(tmp_path.glob("127.0.0.*/app-*/*/environment/bin/python3.*"))
    assert links
    assert not any(str(link.resolve()).startswith(sys.prefix) for link in links)
