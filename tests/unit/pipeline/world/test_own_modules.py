"""A file in the folder of whoever calls is no module of ours, nor of what ours import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from batch_transform.config.surroundings import Emulator
from batch_transform.pipeline.submit.python_path import current_folder_last
from batch_transform.pipeline.submit.spark_arguments import WORKER_DAEMON
from batch_transform.pipeline.world.emulation import embedded_emulator
from batch_transform.pipeline.world.own_modules import BEGIN, module_command

ROOT = Path(__file__).parents[4]
MODULES = ("json", "random", "logging", "copy", "yaml", "runpy")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder in which somebody has written programs of his own."""
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not meant')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("more", [{}, {"PYTHONSAFEPATH": "1"}])
def test_a_module_is_begun_past_what_lies_in_the_current_folder(more: dict[str, str]) -> None:
    command = module_command("json.tool")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib"), **more}
    done = subprocess.run(command, input="[1]", env=environment, capture_output=True, text=True, check=False)
    assert (json.loads(done.stdout), done.stderr) == ([1], "")


@pytest.mark.usefixtures("folder")
def test_the_embedded_emulator_starts_there() -> None:
    with embedded_emulator(Emulator(models={})) as endpoint:
        assert endpoint.startswith("http://127.0.0.1:")


@pytest.mark.usefixtures("folder")
def test_the_wrapper_tells_its_help_there() -> None:
    command = [ROOT / "spark-submit.sh", "plan", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_wrapper_begins_modules_as_the_rest_does() -> None:
    script = (ROOT / "spark-submit.sh").read_text()
    shown = [line for line in script.splitlines() if line.startswith("module=")]
    told = subprocess.run(
        ["bash", "-c", "\n".join([*shown, 'printf %s "$module"'])], capture_output=True, text=True, check=True
    )
    assert told.stdout.replace('"', "'") == BEGIN
    assert " -m batch_transform" not in script


def test_a_daemon_of_workers_looks_there_last_unless_it_was_told_to(folder: Path) -> None:
    """Last and not never: a function of the user's may import a module that lies there, as in Spark's own daemon."""
    assert current_folder_last([str(folder), "/a"]) == ["/a", str(folder)]
    assert current_folder_last(["/a", str(folder)]) == ["/a", str(folder)]


def test_the_daemon_of_workers_begins_there(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("open('imported', 'w').close()\nraise SystemExit('not meant')\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    command = [sys.executable, "-m", WORKER_DAEMON, "pyspark.worker"]  # as Spark begins it
    done = subprocess.run(command, input=b"", cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (len(done.stdout), done.stderr) == (4, b"")  # the port where it listened
    assert not (tmp_path / "imported").exists()


def test_no_process_of_ours_is_begun_with_that_folder_first() -> None:
    named = [path for path in (ROOT / "lib").rglob("*.py") if '"-m"' in path.read_text(encoding="utf-8")]
    assert named == []
