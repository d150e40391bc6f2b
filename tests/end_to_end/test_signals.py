"""SIGTERM and Ctrl-C to `spark-submit.sh` stop the job in flight; nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.model_server import model_command
from support.sampling import one_in

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120


@pytest.fixture
def emulator(tmp_path):
    """A stand-alone emulator that outlives the run, so that the job can be looked at afterwards."""
    command = [sys.executable, "-m", "transform_emulator", "--port", "0", "--bucket", "signals", "--exit-with-stdin"]
    command += ["--model", f"slow={model_command('slow')}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        yield json.loads(process.stdout.readline())["endpoint_url"]
        process.stdin.close()


def _run_file(folder: Path, endpoint: str, **sections: Any) -> Path:
    pq.write_table(pa.table({"id": list(range(100))}), folder / "rows.parquet")
    config = {
        "run_id": "interrupted",
        "workspace": "s3://signals",
        "staging": str(folder / "staging"),
        "input": {"path": str(folder / "rows.parquet")},
        "model": {"name": "slow"},
        "transform": {"poll_seconds": 0.5},
        "output": {"path": str(folder / "out")},
        "aws": {"endpoint_url": endpoint, "region": "us-east-1"},
        **sections,
    }
    (folder / "run.yml").write_text(json.dumps(config))
    return folder / "run.yml"


def _await_lease(endpoint: str) -> None:
    """Until the driver holds the run; what it does next is done by Spark."""
    client = boto3.client("s3", "us-east-1", endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not client.list_objects_v2(Bucket="signals", Prefix="runs/interrupted/lease").get("KeyCount"):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _submitted(folder: Path, run_file: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "VIRTUAL_ENV": str(Path(sys.executable).parents[1]),
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    command = [str(ROOT / "spark-submit.sh"), str(run_file)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=folder, start_new_session=True
    )


def _await_job(endpoint: str, status: str) -> None:
    client = boto3.client(
        "sagemaker", "us-east-1", endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x"
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        jobs = client.list_transform_jobs()["TransformJobSummaries"]
        if jobs and jobs[0]["TransformJobStatus"] == status:
            return
        time.sleep(0.2)
    raise AssertionError(f"no job became {status}: {jobs}")


@pytest.mark.spark
@pytest.mark.parametrize(("number", "code"), one_in(2, [(signal.SIGTERM, 143), (signal.SIGINT, 130)]))
def test_a_signal_stops_the_job_and_leaves_no_process(tmp_path, emulator, number, code):
    """The job is stopped, the exit code says which signal, standard output has the report alone, all processes end."""
    process = _submitted(tmp_path, _run_file(tmp_path, emulator))
    _await_job(emulator, "InProgress")
    below = psutil.Process(process.pid).children(recursive=True)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: to the whole foreground group
    else:
        process.send_signal(number)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == code, errors.decode()
    lines = output.decode().split("\n")
    assert len(lines) == 2, lines
    report = json.loads(lines[0])
    assert (report["status"], report["run_id"]) == ("interrupted", "interrupted")
    _await_job(emulator, "Stopped")
    _, alive = psutil.wait_procs(below, timeout=10)
    assert [found.cmdline() for found in alive] == []


@pytest.mark.long
@pytest.mark.spark
def test_sigterm_while_spark_is_in_a_long_call_ends_the_driver_within_twenty_seconds(tmp_path, emulator):
    """The call goes on in the JVM, and a driver that asked Spark for anything more waited until it had ended."""
    asleep = {"path": str(tmp_path / "rows.parquet"), "where": "reflect('java.lang.Thread', 'sleep', 600000L) = 'null'"}
    process = _submitted(tmp_path, _run_file(tmp_path, emulator, input=asleep))
    _await_lease(emulator)
    time.sleep(5)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert time.monotonic() - began < 20
    assert process.returncode == 143, errors.decode()
    assert json.loads(output)["status"] == "interrupted"
    assert psutil.wait_procs(below, timeout=10)[1] == []


@pytest.mark.long
@pytest.mark.spark
def test_a_wrapper_that_is_killed_takes_its_driver_and_its_job_with_it(tmp_path, emulator):
    """kill -9 of `spark-submit.sh` alone left the driver at work, unattended, and a second start was refused."""
    process = _submitted(tmp_path, _run_file(tmp_path, emulator))
    _await_job(emulator, "InProgress")
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    _await_job(emulator, "Stopped")
    _, alive = psutil.wait_procs(below, timeout=20)
    assert [found.cmdline() for found in alive] == []
    process.communicate()
