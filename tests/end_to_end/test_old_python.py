"""A driver whose Python is 3.9, as EMR 7.0's: one clear refusal, whichever way in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from batch_transform.core.publishing.last_words import last_lines

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def python39():
    """A real one of pyenv's, else this one that says that it is 3.9."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    real = next(iter(sorted(pyenv.glob("3.9.*/bin/python"))), None)
    if real is not None:
        return [str(real)]
    posing = (
        "import runpy, sys; sys.version_info, sys.version = (3, 9, 18, 'final', 0), '3.9.18 (posing)'; del sys.argv[0]"
    )
    return [sys.executable, "-c", f"{posing}; runpy.run_path(sys.argv[0], run_name='__main__')"]


def test_the_entry_point_ends_with_exit_2_and_a_line_that_says_what_to_take(python39):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    done = subprocess.run(
        [*python39, str(ROOT / "jobs" / "score.py"), "run.yml"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    told = "Python 3.10 or newer is needed, and this is 3.9 (EMR has python3.11 from release 7.1 on)"
    report = {"run_id": None, "status": "refused", "error": [told], "report": None}
    assert done.stderr.splitlines() == [f"error: {told}", *last_lines(report)]
    assert json.loads(done.stdout) == report


def test_so_does_what_imports_the_package(python39, tmp_path):
    (tmp_path / "notebook.py").write_text("from batch_transform import score\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    done = subprocess.run([*python39, str(tmp_path / "notebook.py")], env=environment, capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: batch_transform needs Python 3.10 or newer, and this is 3.9.")
