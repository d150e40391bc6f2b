"""Prints what `plan` said of runs beside what then happened, for records of five sizes.

    python tests/benchmarks/plan_beside_run.py [--megabytes 40] [--sizes 300 1000 4000 20000 100000]

Of each table one part is scored by two runs with `--limit` (N rows, and 10 N), which tell the model's speed; the other
part is planned, and then scored. Instances are an emulator's with emulated time: they start in three minutes, a request
takes 50 ms and a millisecond for each byte (a hundred are sent at once), so that time and money are the service's own
and not this machine's.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from pyspark.sql import SparkSession

from batch_transform.aws.access import AwsAccess
from batch_transform.config.runfile import RunConfig
from batch_transform.core.report_keys import RunReport
from batch_transform.pipeline.commands.plan import PlanReport, plan
from batch_transform.pipeline.commands.plan_surroundings import around
from batch_transform.pipeline.lifecycle.opening_run import open_run
from support.model_server import server_of
from support.runs import silent
from transform_emulator.emulator import Emulator
from transform_emulator.service.switches import Switches
from transform_emulator.settings import Settings

BUCKET, MODEL = "data", "echo"
SWITCHES = Switches(instance_start_seconds=180, milliseconds_per_request=50, nanoseconds_per_byte=1_000_000)


@contextmanager
def emulated() -> Iterator[str]:
    """The address of an emulator whose model answers each line with a 1."""
    server = server_of(lambda seen: (200, b"1\n" * seen.body.count(b"\n")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    models = {MODEL: f"http://127.0.0.1:{server.server_port}"}
    with Emulator(Settings(models, buckets=[BUCKET], switches=SWITCHES, emulated_time=True)) as emulator:
        yield emulator.endpoint_url
    server.shutdown()
    server.server_close()


def run_file(url: str, folder: str, size: int, part: int) -> dict[str, Any]:
    """A run over one part of a table."""
    return {
        "run_id": f"of-{size}-{part}",
        "workspace": f"s3://{BUCKET}/records-of-{size}",
        "staging": f"{folder}/staging",
        "input": {"path": f"{folder}/{size}", "where": f"part = {part}"},
        "record": {"columns": ["id", "text"]},
        "model": {"name": MODEL},
        "prediction": {"schema": "p double", "format": "csv"},
        "transform": {"instance_count": 4, "poll_seconds": 0.05, "job_timeout_minutes": 10_000},
        "output": {"path": f"{folder}/out-{size}", "mode": "append"},
        "aws": {"endpoint_url": url, "region": "us-east-1"},
    }


def ran(spark: SparkSession, config: RunConfig, access: AwsAccess) -> RunReport:
    """The report of a run that went to its end."""
    driver = open_run(spark, config, access, silent)
    report = driver.run().report
    assert report is not None
    driver.close(report)
    return report


def write_table(spark: SparkSession, folder: str, size: int, rows: int) -> None:
    """A table of two parts, whose records have this size and half as much again, and are no two alike."""
    text = f"repeat(sha2(CAST(id AS STRING), 256), {size // 40 + 1})"
    text = f"substr({text}, 1, CAST({size} * (0.7 + 0.6 * rand(7)) AS INT))"
    spark.range(0, 2 * rows, numPartitions=4).selectExpr("id", "id % 2 AS part", f"{text} AS text").write.parquet(
        f"{folder}/{size}"
    )


def elapsed(report: RunReport) -> float:
    """From the first job's creation to the last one's end, by the service's clock."""
    begun = [datetime.fromisoformat(job["started_at"] or "") for job in report["jobs"]]
    ended = [datetime.fromisoformat(job["ended_at"] or "") for job in report["jobs"]]
    return (max(ended) - min(begun)).total_seconds()


def line(size: int, told: PlanReport, report: RunReport) -> str:
    """A row of the table: planned, happened."""
    outlook = told["outlook"]
    objects = sum(job["objects"] for job in told["jobs"]), sum(job["objects"] for job in report["jobs"])
    size_mb = told["bytes"] / 1e6, sum(job["bytes"] or 0 for job in report["jobs"]) / 1e6
    (low, high), cost = outlook["elapsed_seconds"], outlook["cost_usd"] or [0.0, 0.0]
    cells = [
        f"{size:,}",
        f"{told['rows_in']:,}; {report['rows_in']:,}",
        f"{size_mb[0]:,.1f}; {size_mb[1]:,.1f} ({size_mb[0] / size_mb[1] - 1:+.1%})",
        f"{objects[0]:,}; {objects[1]:,} ({objects[0] / objects[1] - 1:+.1%})",
        f"{low:,.0f} to {high:,.0f}; {elapsed(report):,.0f}",
        f"${cost[0]:.3f} to ${cost[1]:.3f}; ${report['cost_usd'] or 0:.3f}",
        outlook["speed"],
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints a row for each size of record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=40, help="of records, in each part")
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 1_000, 4_000, 20_000, 100_000], help="bytes")
    asked = parser.parse_args()
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    print("| bytes of a record | rows | MB | objects | seconds of the jobs | money | speed |")
    print("|---" * 7 + "|")
    with emulated() as url, tempfile.TemporaryDirectory() as folder:
        access = AwsAccess(region="us-east-1", endpoint_url=url, emulated=True)
        for size in asked.sizes:
            rows = asked.megabytes * 1_000_000 // size
            write_table(spark, folder, size, rows)
            known, wanted = (RunConfig.from_document(run_file(url, folder, size, part)) for part in (0, 1))
            for part in (20, 2):
                ran(spark, known.limited(max(1, rows // part)), access)
            told = plan(spark, wanted, silent, around(wanted, access))
            print(line(size, told, ran(spark, wanted, access)), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
