"""A standard output that is closed, full, left or of another locale is no crash, and changes no exit code but one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.pipeline.standard_output import lost_of

MAIN = "from batch_transform.pipeline.submit.console_script import main; main()"
JOB = "import sys; from batch_transform.pipeline.submit.job import main; sys.exit(main())"
INIT = ("init", "--input", "t.parquet", "--model", "m")
WRONG = ("no.yml",)


@pytest.fixture
def folder(tmp_path):
    """Has a table whose run file is larger than a pipe holds, with names that few encodings have."""
    names = ["\N{GRINNING FACE}", *(f"{index}{'x' * 300}" for index in range(300))]
    pq.write_table(pa.table({name: [1] for name in names}), tmp_path / "t.parquet")
    return tmp_path


def run(folder, redirected, *arguments, main=MAIN, **environment):
    """What bash starts, with its redirections."""
    command = ["bash", "-c", f'exec "$@" {redirected}', "bash", sys.executable, "-c", main, *arguments]
    env = {**os.environ, **environment}
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=60)
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr
    return ran


@pytest.mark.parametrize(("arguments", "code"), [(("--help",), 0), (INIT, 0), (WRONG, 2)])
def test_a_closed_output_is_nobodys_to_read(folder, arguments, code):
    assert run(folder, ">&-", *arguments).returncode == code


def test_without_standard_error_the_report_is_there(folder):
    ran = run(folder, "2>&-", *WRONG)
    assert (ran.returncode, json.loads(ran.stdout)["status"]) == (2, "refused")


@pytest.mark.parametrize(("arguments", "code"), [(("--help",), 4), (INIT, 4), (WRONG, 2)])
def test_a_full_disk_is_told_and_is_not_taken_for_done(folder, arguments, code):
    ran = run(folder, ">/dev/full", *arguments)
    assert ran.returncode == code
    assert "standard output: cannot be written (No space left on device)" in ran.stderr


@pytest.mark.parametrize(("arguments", "code"), [(("--help",), 0), (INIT, 0), (WRONG, 2)])
def test_who_has_read_enough_ends_nothing(folder, arguments, code):
    ran = run(folder, "> >(exec true)", *arguments)
    assert ran.returncode == code
    assert "standard output" not in ran.stderr


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}], ids=str)
def test_every_locale_has_the_same_text(folder, locale):
    ran = run(folder, "", *INIT, PYTHONCOERCECLOCALE="0", **locale)
    assert ran.returncode == 0
    assert "\N{GRINNING FACE}" in ran.stdout


def test_the_entry_point_of_a_job_has_the_same_streams(folder):
    assert run(folder, ">&-", *INIT, main=JOB).returncode == 0
    assert json.loads(run(folder, "2>&-", *WRONG, main=JOB).stdout)["status"] == "refused"
    ran = run(folder, "", *INIT, main=JOB, PYTHONIOENCODING="ascii")
    assert (ran.returncode, "\N{GRINNING FACE}" in ran.stdout) == (0, True)


def test_a_notebooks_output_that_takes_nothing_is_left_as_it_is(monkeypatch):
    class Cell:
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Cell())
    assert "No space left on device" in lost_of("a report")
