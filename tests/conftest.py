"""What tests with Spark share: one session, and one emulator with the models of `support.answers`."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from support import jvm
from support.emulated import emulated
from support.kept import PYTEST_CACHE, alone
from support.second_s3 import second_s3_server

TESTS = Path(__file__).parent
LIB = TESTS.parent / "lib"

# A time limit for each example measures the machine's other work; pytest-timeout bounds the test.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")


def pytest_configure():
    """What tests start can be interrupted, though they themselves were begun in the background, which cannot be."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# Where a file's tests take minutes; with several processes the little ones of the others fill the end.
LONGEST = ("end_to_end", "platforms", "spark", "workloads", "emulator")


def pytest_collection_modifyitems(items):
    """Files that take long come first, in the order of the folders here."""
    place = {folder: place for place, folder in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.relative_to(TESTS).parts[0], len(place)))


def pytest_collection_finish():
    """Thousands of tests and what they import stay to the end: garbage is looked for among what comes after them."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _environment(request):
    """What processes that tests start inherit, the workers of the JVM among them: the sources, and an identity."""
    paths = [str(LIB), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    if any(test.get_closest_marker("spark") for test in request.session.items):
        os.environ.setdefault("JAVA_TOOL_OPTIONS", jvm.switches(os.environ))


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """A local session with Delta and few partitions, in a time zone that is not UTC so that nothing relies on it.

    A JVM takes its jars at its start, so Delta's are in it from the beginning.
    """
    from delta import configure_spark_with_delta_pip
    from pyspark.sql import SparkSession

    from batch_transform.pipeline.submit.spark_arguments import WORKER_DAEMON

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # Python workers inherit the JVM's environment: it is their default credential chain.
    os.environ.update(AWS_ACCESS_KEY_ID="tests", AWS_SECRET_ACCESS_KEY="tests")
    home = tmp_path_factory.mktemp("spark")
    builder = (
        SparkSession.builder.master("local[2]")
        .appName("tests")
        .config("spark.ui.enabled", "false")
        .config("spark.python.daemon.module", WORKER_DAEMON)
        .config("spark.driver.memory", "2g")
        .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={home}")
        .config("spark.sql.warehouse.dir", str(home / "warehouse"))
        .config("spark.sql.session.timeZone", "America/St_Johns")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.databricks.delta.snapshotPartitions", "2")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    )
    with alone(PYTEST_CACHE / "jars"):  # of two processes that fetch the same jars one finds some of them missing
        session = configure_spark_with_delta_pip(builder).getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def world():
    """An emulator in a process of its own, and the model servers that it calls."""
    with emulated() as running:
        yield running


@pytest.fixture(scope="session")
def second_s3():
    """An S3 server that is not moto, in a process of its own; the environment variable SECOND_S3 says which."""
    if not shutil.which("go"):
        pytest.skip("the second S3 server is compiled by Go, which is not here")
    with second_s3_server() as server:
        yield server
