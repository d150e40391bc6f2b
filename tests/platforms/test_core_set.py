"""The wheel in environments made of what platforms pin, with that Python: a pipeline from a table to a table.

Spark is the line of the platform from the index, since the platform's own is nowhere to be had.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from support.cells import NotHere, python_of
from support.kept import kept
from support.platforms import built, platform

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
PINNED = ("boto3", "numpy", "pandas", "pyarrow", "pydantic", "PyYAML")
# The Spark that runs there, and what no wheel of that Python is of: the nearest one stands in.
SPARK = {
    "databricks-15.4": ("3.5.6", {}),
    "databricks-16.4": ("3.5.6", {"pandas": "2.1.1", "tzdata": "2022.1"}),
    "databricks-17.3": ("4.0.2", {}),
    "databricks-serverless-5": ("4.1.1", {}),
}
TOO_OLD = {"databricks-serverless-1": ("3.5.9", {})}


def environment(name: str) -> Path:
    there = platform(name)
    spark, instead = {**SPARK, **TOO_OLD}[name]
    pins = {**there.pins, **instead}
    # Spark 3.5 imports distutils, which Python 3.12 has from setuptools alone. What a platform lacks the wheel brings.
    wanted = [package + (f"=={pins[package.lower()]}" if package.lower() in pins else "") for package in PINNED]
    wanted += [f"setuptools=={pins['setuptools']}"] if "setuptools" in pins else []
    constraints = [f"{package}=={version}" for package, version in sorted(pins.items())]

    try:
        python = python_of(there.python)
    except NotHere as lacking:
        pytest.skip(str(lacking))

    def install(place: Path) -> None:
        subprocess.run([python, "-m", "venv", str(place)], check=True)
        (place / "pins.txt").write_text("\n".join(constraints) + "\n")
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "-c", "pins.txt"]
        subprocess.run([*pip, "--only-binary", ":all:", *wanted], cwd=place, check=True)
        subprocess.run([*pip, f"pyspark=={spark}"], cwd=place, check=True)

    return kept(name, [there.python, spark, *wanted, *constraints], install)


@pytest.mark.parametrize("name", SPARK)
def test_a_run_passes_in_an_environment_of_the_pins(world, tmp_path, name):
    place = environment(name)
    pip = [str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "-c", "pins.txt"]
    (tmp_path / "wheel").mkdir()
    wheel = built("wheel", tmp_path / "wheel")
    before = freeze(place)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(wheel)], cwd=place, check=True)
    subprocess.run([*pip, str(wheel)], cwd=place, check=True)
    assert freeze(place) == before  # boto3 and PyYAML were there

    done = run(world, tmp_path, place)
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout)
    spark, instead = SPARK[name]
    pins = {**platform(name).pins, **instead}
    assert said.pop("versions") == {package: pins[package.lower()] for package in PINNED} | {"pyspark": spark}
    assert str(place) in said.pop("from")
    assert said == {
        "status": "published",
        "rows": [300, 297, 297],
        "types_kept": True,
        "rows_equal": True,
        "sagemaker": None,
    }


@pytest.mark.parametrize("name", TOO_OLD)
def test_a_pyarrow_that_is_too_old_is_refused_before_anything_is_done(world, tmp_path, name):
    place = environment(name)
    (tmp_path / "wheel").mkdir()
    wheel = built("wheel", tmp_path / "wheel")
    pip = [str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "-c", "pins.txt"]
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(wheel)], cwd=place, check=True)
    done = run(world, tmp_path, place)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("batch_transform.core.errors.ConfigurationError: pyarrow 8.0.0 is installed here"), (
        done.stderr
    )
    assert not (tmp_path / "staging").exists()


def run(world, tmp_path, place):
    arguments = world.arguments(tmp_path, "shaped", errors={"max_rows": 3})
    program = [str(place / "bin" / "python"), "-I", str(Path(__file__).with_name("core_program.py"))]
    environ = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SPARK_HOME")}
    environ |= {"PYSPARK_PYTHON": program[0], "AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"}
    return subprocess.run(
        [*program, str(tmp_path), json.dumps(arguments)], env=environ, capture_output=True, text=True, check=False
    )


def freeze(place: Path) -> list[str]:
    command = [str(place / "bin" / "pip"), "list", "--format", "freeze", "--disable-pip-version-check"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if not line.startswith("spark-batch-transform")]
