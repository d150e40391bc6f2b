"""What Spark's daemon of Python workers imports before it forks them."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from batch_transform.pipeline.submit import worker_daemon

LIB = Path(worker_daemon.__file__).parents[3]


@pytest.mark.parametrize("module", worker_daemon.PRELOADED)
def test_what_is_preloaded_is_there(module):
    importlib.import_module(module)


@pytest.mark.parametrize("missing", ["pandas", "pyarrow", "boto3", "numpy"])
@pytest.mark.parametrize("ending", ["RuntimeError('of another Python')", "SystemExit(3)"])
def test_what_cannot_be_imported_is_left_to_the_worker(tmp_path, missing, ending):
    (tmp_path / f"{missing}.py").write_text(f"raise {ending}\n")
    script = "from batch_transform.pipeline.submit.worker_daemon import preload; preload(); print('goes on')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(LIB)))}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "goes on\n"


def test_a_variable_that_no_client_takes_ends_no_daemon(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "no url")
    worker_daemon.preload()


FORKS = """
import os, sys
from batch_transform.pipeline.submit.worker_daemon import preload, silenced
with silenced():
    preload()
    print("of an import")
    os.system("echo of a process")
import numpy
for _ in range(2):
    if not os.fork():
        print(numpy.random.random(), flush=True)
        os._exit(0)
    os.wait()
"""


def test_standard_output_is_sparks_and_workers_draw_numbers_of_their_own():
    environment = {**os.environ, "PYTHONPATH": str(LIB)}
    done = subprocess.run([sys.executable, "-c", FORKS], env=environment, capture_output=True, text=True, check=True)
    first, second = map(float, done.stdout.split())
    assert first != second
    assert "of an import\n" in done.stderr
    assert "of a process\n" in done.stderr
