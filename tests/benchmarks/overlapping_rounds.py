"""Prints what a run with poison rows in two of six jobs takes by an emulator's clock: rounds overlap, or come in turn.

    python tests/benchmarks/overlapping_rounds.py [--status 400]

The driver's real loop, without Spark, and real requests to a real server that answers at once, with emulated time: what
a job takes is what DescribeTransformJob tells, and the driver's own work takes nothing. The six jobs have as many bytes
each, but two of them few and large records, so that they end early; in both a row is refused. *longest chain* is
the longest job of the first round, or the longest of each round of what failed in it, one after the other. *in turn*
is the same loop told to begin nothing before all jobs of the round before have ended.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import boto3

sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from batch_transform.cloudwatch.data_logs import DataLogs
from batch_transform.core.publishing.report import run_report
from batch_transform.core.report_keys import JobReport
from batch_transform.core.run_state import RunState
from batch_transform.core.state import next_action
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.lifecycle.acquiring_run import begin
from batch_transform.pipeline.loop.driver import Driver
from batch_transform.pipeline.tables.threaded_work import ThreadedObjectWork
from batch_transform.s3.lease import RunLease
from batch_transform.s3.ledger import Ledger
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker.jobs import TransformJobs
from support.emulator_aws import Aws
from support.memory_run import READER, MemoryRun, MemoryTables, all_rows, echoing
from support.model_server import lines_of, server_of
from transform_emulator.emulator import Emulator
from transform_emulator.service.switches import Switches
from transform_emulator.settings import Settings

START_SECONDS = 180
# Objects of the jobs in turn, there and back again; those of the first two jobs have a tenth of the records.
ROWS_OF_JOB = [20, 20, 200, 200, 200, 200]
SIZES = [*ROWS_OF_JOB, *reversed(ROWS_OF_JOB)]
OBJECT_BYTES = 100_000


@dataclass(frozen=True)
class Taken:
    """What a run took.

    Attributes:
        seconds: from the first job's creation to the last one's end.
        chain_seconds: of the longest chain.
        paid_seconds: of instances.
        rounds: the deepest.
        jobs: how many.
    """

    seconds: float
    chain_seconds: float
    paid_seconds: float
    rounds: int
    jobs: int


@contextmanager
def emulated(model: Any) -> Iterator[Aws]:
    """An emulator in whose time a request takes a second, with the model behind it."""

    def answer(seen: Any) -> tuple[int, bytes]:
        said = model(lines_of(seen.body))
        return (said, b"no") if isinstance(said, int) else (200, b"\n".join(said))

    server = server_of(answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    switches = Switches(instance_start_seconds=START_SECONDS, milliseconds_per_request=1_000)
    models = {"m": f"http://127.0.0.1:{server.server_port}"}
    with Emulator(Settings(models, buckets=["bucket"], switches=switches, emulated_time=True)) as emulator:
        yield Aws.of(emulator.endpoint_url)
    server.shutdown()
    server.server_close()


def context(run: MemoryRun, aws: Aws) -> RunContext:
    """Returns the context of a run whose service, store and logs are the emulator's."""
    store = S3Store(aws.s3)
    ledger = Ledger(store, run.layout, "writer", 0, run.sleep)
    keys = {"aws_access_key_id": aws.access_key, "aws_secret_access_key": aws.secret_key}
    session = boto3.Session(region_name=aws.region, **keys)
    here = run.driver().ctx
    return replace(
        here,
        store=store,
        ledger=ledger,
        lease=RunLease(store, run.layout, ledger.writer, 60, here.clock.boot, here.clock.sleep),
        jobs=TransformJobs(session, aws.sagemaker),
        logs=DataLogs(aws.logs, run.sleep),
        tables=MemoryTables(run, store, ledger, ledger.writer),  # type: ignore[arg-type]
        objects=ThreadedObjectWork(store, here.places.layout.input, READER),
    )


def taken(status: int, *, in_turn: bool) -> Taken:
    """Returns what a run takes whose model answers some rows with a status."""
    rows = all_rows(SIZES)
    bad = {rows[3], rows[ROWS_OF_JOB[0] + 3]}
    padding = {row: OBJECT_BYTES // size for row, size in zip(rows, (s for s in SIZES for _ in range(s)), strict=True)}
    transform = {"instance_count": 6, "strategy": "SingleRecord", "max_concurrent_transforms": 1}
    model = echoing(lambda row: status if row in bad else None)
    run = MemoryRun(SIZES, model, padding, transform={**transform, "instance_start_seconds": 0}, exported=False)
    waits = mock.patch.object(next_action, "_isolating", return_value=None) if in_turn else mock.MagicMock()
    with emulated(model) as aws, waits:
        ctx = context(run, aws)
        driver = Driver(ctx, begin(ctx))
        while driver.state.gate is None:
            assert driver.step()
        assert sum(record.dead_rows for record in driver.state.round_records) == len(bad)
        return told(driver.state)


def told(state: RunState) -> Taken:
    """Returns what a run took, as its jobs were described."""
    report = run_report(state, RunStatus.SETTLED, "")
    jobs = report["jobs"]
    begun, ended = min(map(created, jobs)), max(map(end, jobs))
    first = [(end(job) - created(job)).total_seconds() for job in jobs if job["round"] == 1]
    failed = [(end(job) - created(job)).total_seconds() for job in jobs if job["round"] == 1 and job["failure_reason"]]
    later = [
        max((end(job) - created(job)).total_seconds() for job in jobs if job["round"] == number)
        for number in range(2, report["rounds"] + 1)
    ]
    chain = max(*first, max(failed) + sum(later))
    paid = report["instance_seconds"]["paid"]
    return Taken((ended - begun).total_seconds(), chain, paid, report["rounds"], len(jobs))


def created(job: JobReport) -> datetime:
    return datetime.fromisoformat(str(job["created_at"]))


def end(job: JobReport) -> datetime:
    return datetime.fromisoformat(str(job["ended_at"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--status", type=int, nargs="+", default=[400, 500])
    print("| refused with | rounds | elapsed s | longest chain s | instance-seconds | rounds deep | jobs |")
    print("|---" * 7 + "|")
    for status in parser.parse_args().status:
        for way, in_turn in (("overlap", False), ("in turn", True)):
            it = taken(status, in_turn=in_turn)
            seconds = f"{it.seconds:,.0f} | {it.chain_seconds:,.0f} | {it.paid_seconds:,.0f}"
            print(f"| {status} | {way} | {seconds} | {it.rounds} | {it.jobs} |", flush=True)


if __name__ == "__main__":
    main()
