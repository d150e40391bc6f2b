"""The wheel and the archive: relocatable, equal for equal packages, and clear where a machine lacks its Python."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.pipeline.commands.command_line import parse
from batch_transform.pipeline.commands.package import ENTRY_TEXT, package
from batch_transform.pipeline.world import environment_archive, wheel

ROOT = Path(__file__).parents[4]
VERSION = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture
def packages(monkeypatch):
    """In pip's place: one module, a script with this machine's path, and a file that says where the wheel was."""

    def pip(arguments, what):
        if "--target" not in arguments:
            return
        site = Path(arguments[arguments.index("--target") + 1])
        for name, text in {
            "mine/__init__.py": "WHERE = __file__\n",
            "bin/tool": f"#!{sys.executable}\n",
            "mine/bin/__init__.py": "",
            "mine-1.dist-info/direct_url.json": "{}",
        }.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_text(text)

    monkeypatch.setattr(environment_archive, "pip", pip)


def unpacked(archive: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    subprocess.run(["tar", "xzf", str(archive), "-C", str(folder)], check=True)
    return folder


def call(folder: Path, code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": "/usr/bin:/bin", **environ}
    return subprocess.run([str(folder / "bin" / "python"), "-c", code], env=clean, capture_output=True, text=True)


def test_what_is_unpacked_anywhere_runs_by_the_machines_own_python(packages, tmp_path):
    archive = environment_archive.make_archive(Path("w.whl"), VERSION, tmp_path / "a.tar.gz")
    for place in ("one/of them", "another"):
        folder = unpacked(archive, tmp_path / place)
        tell = "import mine, sys; print(mine.WHERE); print(sys.prefix); print(sys.executable)"
        for _ in range(2):  # the second time by what the first has found
            done = call(folder, tell, BATCH_TRANSFORM_BASE_PYTHON=sys.executable)
            where, prefix, executable = done.stdout.split("\n")[:3]
            assert where == f"{folder}/lib/python{VERSION}/site-packages/mine/__init__.py", done.stderr
            assert (prefix, executable) == (str(folder), f"{folder}/bin/python{VERSION}")


def test_where_nothing_can_be_written_it_runs_all_the_same(packages, tmp_path):
    folder = unpacked(environment_archive.make_archive(Path("w.whl"), VERSION, tmp_path / "a.tar.gz"), tmp_path / "a")
    script(tmp_path / "tools" / "ln", "exit 1")
    path = f"{tmp_path / 'tools'}:/usr/bin:/bin"
    done = call(folder, "import mine; print(mine.WHERE)", PATH=path, BATCH_TRANSFORM_BASE_PYTHON=sys.executable)
    assert done.stdout == f"{folder}/lib/python{VERSION}/site-packages/mine/__init__.py\n", done.stderr
    assert not list((folder / "bin").glob("python3.*"))


def test_a_machine_without_that_python_is_told_what_to_do(packages, tmp_path):
    archive = environment_archive.make_archive(Path("w.whl"), "3.99", tmp_path / "a.tar.gz")
    done = call(unpacked(archive, tmp_path / "a"), "print(1)")
    assert done.returncode == 127
    assert "this machine has no Python 3.99, for which the packages here are: install it, name it in" in done.stderr
    assert "batch-transform package --python X.Y" in done.stderr


def test_equal_packages_make_equal_archives_without_a_trace_of_where_they_were_made(packages, tmp_path):
    first, second = (
        environment_archive.make_archive(Path("w.whl"), VERSION, tmp_path / name).read_bytes() for name in ("a", "b")
    )
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    with tarfile.open(fileobj=io.BytesIO(first)) as found:
        names = found.getnames()
    site = f"lib/python{VERSION}/site-packages"
    assert set(names) == {
        "pyvenv.cfg",
        "bin/python",
        "bin/python3",
        f"{site}/mine/__init__.py",
        f"{site}/mine/bin/__init__.py",
    }


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("3.9", "--python: is 3.9; 3.10 or newer is needed"),
        ("2.7", "--python: is neither a version, such as 3.11, nor an interpreter that runs here: 2.7"),
        ("/none/python", "--python: is neither a version, such as 3.11, nor an interpreter"),
    ],
)
def test_a_python_that_cannot_be_is_refused(given, fault):
    with pytest.raises(ConfigurationError) as raised:
        environment_archive.version_of(given)
    assert str(raised.value).startswith(fault)


def test_a_version_an_interpreter_or_none_says_which_python_the_workers_have():
    asked = (None, "3.13", sys.executable)
    assert [environment_archive.version_of(python) for python in asked] == [VERSION, "3.13", VERSION]


def test_a_wheel_that_is_installed_is_packed_again_as_it_was(tmp_path, monkeypatch):
    """Of the two that a source tree and an installation give, files and what they are must be equal."""
    site = tmp_path / "site"
    info = site / "spark_batch_transform-0.1.0.dist-info"
    files = {"batch_transform/__init__.py": "X = 1\n", "batch_transform/__pycache__/a.pyc": "no"}
    files |= {f"{info.name}/{name}": name for name in ("METADATA", "WHEEL", "entry_points.txt", "INSTALLER")}
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spark-batch-transform\nVersion: 0.1.0\n")
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in [*files, "../bin/batch-transform"]))
    (found,) = importlib.metadata.distributions(name="spark-batch-transform", path=[str(site)])
    monkeypatch.setattr(wheel, "distribution", lambda name: found)
    monkeypatch.setattr(wheel, "__file__", str(site / "batch_transform" / "pipeline" / "world" / "wheel.py"))
    made = wheel.make_wheel(tmp_path)
    assert made.name == "spark_batch_transform-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
        record = archive.read(f"{info.name}/RECORD").decode()
    kept = {"METADATA", "WHEEL", "entry_points.txt", "RECORD"}
    assert set(names) == {"batch_transform/__init__.py", *(f"{info.name}/{name}" for name in kept)}
    assert record.count("sha256=") == len(names) - 1


def test_what_pip_cannot_do_is_told_with_its_remedy(tmp_path, monkeypatch, capfd):
    with pytest.raises(ServiceFailure, match="pip could not get what workers need, and said why above"):
        wheel.pip(["install", "--no-index", "--quiet", "a-package-of-nobody"], "get what workers need")
    script(tmp_path / "python", "exit 1")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ConfigurationError, match=r"has no pip; .* -m ensurepip makes one"):
        wheel.pip(["install"], "")


@pytest.mark.parametrize(("target", "is_made"), [("databricks", False), ("local", False), ("emr", True), (None, True)])
def test_an_archive_is_made_for_those_whose_workers_need_one(tmp_path, monkeypatch, target, is_made):
    def written(*given):
        path = given[-1] / "w.whl" if given[-1].is_dir() else given[-1]
        path.write_bytes(b"12")
        return path

    monkeypatch.setattr("batch_transform.pipeline.commands.package.make_wheel", written)
    monkeypatch.setattr("batch_transform.pipeline.commands.package.make_archive", written)
    words = ["package", "--dist", str(tmp_path / "d"), *(["--target", target] if target else [])]
    report = package(parse(words), lambda text: None)
    assert (report["archive"] is not None, report["archive_bytes"]) == (is_made, 2 if is_made else None)
    assert (tmp_path / "d" / "score.py").read_text() == ENTRY_TEXT
    assert report["python"] == VERSION
    assert report["seconds"] >= 0


def test_a_folder_that_takes_nothing_is_told_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr("batch_transform.pipeline.commands.package.make_wheel", lambda folder: pytest.fail("built"))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"--dist: .*file cannot be written: File exists; name another folder"):
        package(parse(["package", "--dist", str(tmp_path / "file")]), lambda text: None)


def test_the_entry_point_of_a_package_is_that_of_the_tree():
    assert (ROOT / "jobs" / "score.py").read_text() == ENTRY_TEXT


def script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    os.chmod(path, 0o755)
    assert shutil.which(str(path))
