"""A run file is read several times, so what can be read only once is refused before anything reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
TEXT = "run_id: r\nworkspace: s3://bucket/w\n"
FAULT = "cannot be read: it is no regular file, and a run file is read more than once; save it as a file first"


def told(way, *words, **more):
    """The exit code and the words of a command that is given here, or to the wrapper."""
    function, before = {
        "here": ("console_script import exit_code as main", []),
        "wrapper": ("submission import main", ["BATCH", "ENTRY"]),
    }[way]
    code = f"import sys; from batch_transform.pipeline.submit.{function}; sys.exit(main(sys.argv[1:]))"
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    done = subprocess.run(
        [sys.executable, "-c", code, *before, *words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["run", "plan", "iam", "status", "list", "prepare", "resume"])
def test_what_is_piped_in_is_refused(command):
    code, said = told("here", command, "/dev/stdin", input=TEXT)
    assert (code, f"/dev/stdin: {FAULT}" in said, "is required" in said) == (2, True, False)


@pytest.mark.parametrize("way", ["here", "wrapper"])
def test_a_named_pipe_is_refused_and_waits_for_nobody(tmp_path, way):
    (tmp_path / "BATCH").mkdir()
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "over.yml").write_text(f"extends: pipe.yml\n{TEXT}")
    for name in ("pipe.yml", "over.yml"):
        code, said = told(way, "run", name, cwd=tmp_path)
        assert (code, f"pipe.yml: {FAULT}" in said) == (2, True)


def test_a_folder_is_no_run_file_either(tmp_path):
    code, said = told("here", "run", str(tmp_path))
    assert (code, "Errno" in said, "is a folder; name a run file in it" in said) == (2, False, True)


def test_a_link_to_a_run_file_is_one(tmp_path):
    (tmp_path / "real.yml").write_text(TEXT)
    (tmp_path / "link.yml").symlink_to("real.yml")
    code, said = told("here", "run", "link.yml", cwd=tmp_path)
    assert (code, "cannot be read" in said, "link.yml: " in said) == (2, False, True)
