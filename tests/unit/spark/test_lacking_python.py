"""Workers that have no Python, another one, or none of the packages are not told of as if S3 were out of reach."""

from __future__ import annotations

import sys

import pytest
from pyspark.errors import PySparkException

from batch_transform.core.errors import BatchTransformError, ConfigurationError, ServiceFailure
from batch_transform.core.uris import S3Uri
from batch_transform.spark import s3_probe
from batch_transform.spark.s3_probe import WorkersReach

LACKING = [
    'Job aborted due to stage failure: IOException: Cannot run program "/nowhere/python": error=2',
    "ModuleNotFoundError: No module named 'pyarrow'",
    "[PACKAGE_NOT_INSTALLED] PyArrow >= 18.0.0 must be installed; however, it was not found.",
]
MISMATCH = "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.9 than that in driver: 3.11"
OF_A_MOMENT = [
    f"in a Python worker: batch_transform.core.object_store.StoreFailure: PutObject s3://bucket/probe: {code}"
    for code in ("InternalError: We encountered an internal error (tried 5 times)", "SlowDown: Reduce your rate", "503")
]
OF_S3 = ["EndpointConnectionError: Could not connect to the endpoint URL", "AccessDenied: s3:PutObject"]


def raised_of(monkeypatch, words):
    monkeypatch.setattr(s3_probe, "said", lambda err: words)
    reach = WorkersReach(None, None)
    reach._uri = S3Uri.parse("s3://bucket/probe")
    reach._answer.set_exception(PySparkException(words))
    with pytest.raises(BatchTransformError) as raised:
        reach.check()
    return raised.value


def answer(monkeypatch, words):
    raised = raised_of(monkeypatch, words)
    assert isinstance(raised, ConfigurationError)
    return str(raised)


@pytest.mark.parametrize("words", LACKING)
def test_workers_without_python_or_packages_are_told_how_to_get_them(monkeypatch, words):
    told = answer(monkeypatch, words)
    assert told.startswith("spark.pyspark.python: Python workers cannot do what is asked of them: ")
    assert words in told
    assert "`batch-transform package`" in told
    assert "network access to S3" not in told


def test_workers_with_another_python_are_told_so_and_what_a_notebook_sets(monkeypatch):
    told = answer(monkeypatch, MISMATCH)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert told.startswith(f"spark.pyspark.python: Python workers run another Python than this one, {version}: ")
    assert "os.environ['PYSPARK_PYTHON'] = sys.executable before its Spark session begins" in told
    assert "network access to S3" not in told


@pytest.mark.parametrize("words", OF_S3)
def test_workers_that_do_not_reach_s3_are_told_so(monkeypatch, words):
    told = answer(monkeypatch, words)
    assert told.startswith("workspace: Python workers cannot put and get s3://bucket/probe")
    assert "package" not in told


@pytest.mark.parametrize("words", OF_A_MOMENT)
def test_what_s3_cannot_do_just_then_is_no_fault_of_the_run_file(monkeypatch, words):
    raised = raised_of(monkeypatch, words)
    assert isinstance(raised, ServiceFailure)
    assert words in str(raised)
    assert "start the run again" in str(raised)
