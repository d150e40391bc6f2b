"""What is sent to Python workers is imported there, where there is pyspark, pyarrow, pandas and boto3, and no more."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from batch_transform.aws.access import AwsAccess
from batch_transform.pipeline.worker_store import WorkerStore

LIB = Path(__file__).parents[3] / "lib"
LACKING = ("pydantic", "yaml", "sagemaker", "typing_extensions", "delta", "moto")
WITHOUT = f"import sys; sys.modules.update(dict.fromkeys({LACKING!r}))\n"


def run_as_worker(code, given=b""):
    environment = {**os.environ, "PYTHONPATH": str(LIB)}
    command = [sys.executable, "-c", WITHOUT + code]
    return subprocess.run(command, input=given, env=environment, capture_output=True, check=False)


def test_a_worker_opens_the_store_without_what_executors_lack():
    sent = pickle.dumps(WorkerStore(AwsAccess(region="eu-west-1", emulated=True)))
    done = run_as_worker("import pickle; print(type(pickle.load(sys.stdin.buffer)()).__name__)", sent)
    assert (done.stdout.decode().strip(), done.returncode) == ("S3Store", 0), done.stderr.decode()


@pytest.mark.parametrize("package", ["core", "records", "exports", "s3", "aws", "spark"])
def test_a_worker_imports_each_module_without_what_executors_lack(package):
    modules = [
        ".".join(path.relative_to(LIB).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((LIB / "batch_transform" / package).rglob("*.py"))
    ]
    assert modules
    done = run_as_worker(f"import importlib\nfor name in {modules!r}: importlib.import_module(name)")
    assert done.returncode == 0, done.stderr.decode()


def test_what_executors_lack_is_seen():
    assert run_as_worker("import batch_transform.config.runfile").returncode != 0
