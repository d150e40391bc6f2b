"""The sources that a run takes with it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from batch_transform.pipeline.submit.archive import PACKAGES, copy_compiled, write_archive

ROOT = Path(__file__).parents[4]
SHOW = "import batch_transform.mine as mine; print(mine.VALUE, mine.__cached__)"


@pytest.fixture
def lib(tmp_path, monkeypatch):
    """Two packages of a module each, on a machine where Python keeps what it compiles."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    for name in PACKAGES:
        (tmp_path / "from" / name).mkdir(parents=True)
        (tmp_path / "from" / name / "__init__.py").touch()
        (tmp_path / "from" / name / "mine.py").write_text("VALUE = 1\n")
        (tmp_path / "from" / name / "facts.tsv").write_text("a\tb\n")
    return tmp_path / "from"


def compiled(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.pyc")}


def imported(folder: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-v", "-c", SHOW], env=environment, capture_output=True, text=True, check=True
    ).stderr.splitlines()


def test_the_archive_holds_the_sources_and_is_equal_for_equal_sources(tmp_path):
    first = write_archive(ROOT / "lib", tmp_path / "a.zip")
    second = write_archive(ROOT / "lib", tmp_path / "b.zip")
    names = zipfile.ZipFile(first).namelist()
    assert "batch_transform/pipeline/submit/submission.py" in names
    assert "transform_emulator/__init__.py" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("spark_batch_transform")]
    assert first.read_bytes() == second.read_bytes()


def test_a_copy_has_what_is_compiled_which_python_takes_and_its_next_one_as_well(lib, tmp_path):
    copied = copy_compiled(lib, tmp_path / "to")
    assert (copied / "batch_transform" / "facts.tsv").read_text() == "a\tb\n"
    assert compiled(copied) == compiled(lib)
    assert compiled(lib) == {f"{name}.{sys.implementation.cache_tag}.pyc" for name in ("__init__", "mine")}
    said = imported(copied)
    module = copied / "batch_transform" / "mine.py"
    assert [line for line in said if line.endswith(f"matches {module}")]
    assert not [line for line in said if line.startswith("# wrote") and str(copied) in line]


def test_what_has_changed_is_compiled_anew_and_a_copy_stays_as_it_was(lib, tmp_path):
    first = copy_compiled(lib, tmp_path / "first")
    module = lib / "batch_transform" / "mine.py"
    module.write_text("VALUE = 23\n")
    second = copy_compiled(lib, tmp_path / "second")
    values = [
        subprocess.run(
            [sys.executable, "-c", SHOW], env={**os.environ, "PYTHONPATH": str(each)}, capture_output=True, text=True
        ).stdout.split()[0]
        for each in (first, second)
    ]
    assert values == ["1", "23"]


def test_what_another_python_has_compiled_is_left(lib, tmp_path):
    cache = lib / "batch_transform" / "__pycache__"
    cache.mkdir()
    (cache / "mine.cpython-39.pyc").write_bytes(b"theirs")
    (cache / "mine.cpython-39.pyc.140").write_bytes(b"half written")
    assert not [name for name in compiled(copy_compiled(lib, tmp_path / "to")) if "cpython-39" in name]
    assert not list((tmp_path / "to").rglob("*.140"))


def test_nothing_is_written_beside_sources_where_python_was_told_so(lib, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    copied = copy_compiled(lib, tmp_path / "to")
    assert compiled(lib) == compiled(copied) == set()
    assert (copied / "batch_transform" / "mine.py").is_file()


def test_a_module_that_is_no_python_is_left_to_whoever_imports_it(lib, tmp_path, capfd):
    (lib / "batch_transform" / "broken.py").write_text("def\n")
    copied = copy_compiled(lib, tmp_path / "to")
    assert (copied / "batch_transform" / "broken.py").read_text() == "def\n"
    assert capfd.readouterr() == ("", "")


def test_what_is_no_file_and_what_may_not_be_read_is_left(lib, tmp_path):
    package = lib / "batch_transform"
    (package / ".#mine.py").symlink_to("person@host.1:2")  # an editor's lock
    os.mkfifo(package / "pipe")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / f"mine.{sys.implementation.cache_tag}.pyc").mkdir()  # root may read all that is a file
    copied = copy_compiled(lib, tmp_path / "to")
    assert sorted(path.name for path in (copied / "batch_transform").iterdir()) == [
        "__init__.py",
        "__pycache__",
        "facts.tsv",
        "mine.py",
    ]
    assert imported(copied)


def test_a_copy_can_be_deleted_whatever_the_modes_of_the_sources_are(lib, tmp_path):
    for path in [*lib.rglob("*"), lib]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    copied = copy_compiled(lib, tmp_path / "to")
    assert all(path.stat().st_mode & 0o200 for path in copied.rglob("*"))
