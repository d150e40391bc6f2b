"""What the wheel and the sdist hold, as they are built."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile

import pytest

from support.platforms import built

pytestmark = pytest.mark.slow


def test_the_sdist_has_all_that_its_sources_need(tmp_path):
    with tarfile.open(built("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2]: archive.getmember(name).mode for name in archive.getnames()}
    wanted = ["setup.py", "README.md", "conf/demo.yml", "jobs/score.py", "tests/conftest.py", "lib/README.md"]
    assert {*wanted, "lib/transform_emulator/FACTS.md", "spark-submit.sh"} <= names.keys()
    assert names["spark-submit.sh"] & 0o100  # it can be run
    assert not [name for name in names if "__pycache__" in name]


def test_make_dags_is_in_the_wheel_and_python_3_9_is_refused_by_it(tmp_path):
    with zipfile.ZipFile(built("wheel", tmp_path)) as wheel:
        names = wheel.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        said = wheel.read(metadata).decode()
        wheel.extractall(tmp_path / "there")
    assert "batch_transform_jobs/airflow_dags.py" in names
    assert "Requires-Python: >=3.10\n" in said
    code = "import importlib.util as u; print(u.find_spec('batch_transform_jobs.airflow_dags').name)"
    there = {"PYTHONPATH": str(tmp_path / "there")}
    done = subprocess.run([sys.executable, "-S", "-c", code], env=there, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "batch_transform_jobs.airflow_dags"
