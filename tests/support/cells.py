"""The cells of the matrix: a Spark, a Java, a Python; each has an environment of its own that has the wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from support import venvs
from support.drivers import IDENTITY
from support.kept import kept
from support.platforms import built, normalized

JAVA_FOLDERS = (Path("/usr/lib/jvm"), Path("/Library/Java/JavaVirtualMachines"))
_DELTA = "4.4.0"  # asks for 4.0.1 to 4.2.0, and its jar has one artifact for each line
# What lives for seconds is not worth compiling well.
_QUICK = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
_INHERITED = ("PYTHONPATH", "SPARK_HOME", "VIRTUAL_ENV", "SPARK_REMOTE", "JAVA_TOOL_OPTIONS", "PYSPARK_PYTHON")


class NotHere(Exception):
    """This machine has not what a cell is made of; says what."""


@dataclass(frozen=True)
class Cell:
    """What a run is tried on.

    Attributes:
        delta: the version of delta-spark; '' where none fits this Spark.
        connect: whether Spark is a server in another process, of the environment that the tests run in.
    """

    spark: str
    java: str
    python: str
    delta: str = _DELTA
    connect: bool = False

    @property
    def name(self) -> str:
        """The words by which it is chosen, as one."""
        line = self.spark.rpartition(".")[0]
        return f"spark-{line}-java-{self.java}-python-{self.python}{'-connect' * self.connect}"

    @property
    def requirements(self) -> list[str]:
        """What is installed beside the wheel."""
        delta = [f"delta-spark=={self.delta}"] if self.delta else []
        return [f"pyspark{'[connect]' * self.connect}=={self.spark}", *delta]

    @cached_property
    def environment(self) -> Path:
        """The environment's folder, made now or in an earlier run; the wheel in it is this tree's.

        Raises:
            NotHere: there is no such Python.
        """
        python = python_of(self.python)

        def install(place: Path) -> None:
            venvs.made(python, place)
            venvs.install(place, f"{wheel}[workers]", *self.requirements)

        with tempfile.TemporaryDirectory() as folder:
            wheel = built("wheel", Path(folder))
            place = kept(self.name, [self.python, *self.requirements, *_asked()], install)
            venvs.install(place, "--reinstall", "--no-deps", str(wheel))
        return place

    @cached_property
    def variables(self) -> dict[str, str]:
        """The variables of its processes.

        Raises:
            NotHere: there is no such Java.
        """
        kept_ones = {key: value for key, value in os.environ.items() if key not in _INHERITED}
        path = f"{self.environment / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return kept_ones | IDENTITY | _QUICK | {"PATH": path, "JAVA_HOME": str(_java(self.java))}

    def hadoop(self) -> str:
        """Returns the version of Hadoop that its Spark has."""
        jars = self.environment.glob("lib/python3.*/site-packages/pyspark/jars/hadoop-client-api-*.jar")
        return next((path.stem.rpartition("-")[2] for path in jars), "")

    def versions(self) -> dict[str, str]:
        """Returns what is installed, by its normalized name."""
        said = (line.partition("==") for line in venvs.versions(self.environment))
        return {normalized(name): version for name, _, version in said}


CELLS = (
    Cell("3.5.9", "17", "3.10", "3.3.2"),
    Cell("3.5.9", "17", "3.11", "3.3.2"),
    Cell("4.0.5", "17", "3.11"),
    Cell("4.1.4", "17", "3.12"),
    Cell("4.2.0", "17", "3.11"),
    Cell("4.2.0", "25", "3.13"),
    Cell("4.3.0", "17", "3.13", delta=""),
    Cell("4.2.0", "17", "3.11", connect=True),
)


def chosen(words: list[str]) -> list[Cell]:
    """Returns the cells of whose names each word is a part; all of them without a word."""
    return [cell for cell in CELLS if all(_is_part(word, cell.name) for word in words)]


def _is_part(word: str, name: str) -> bool:
    return re.search(rf"(?:^|-){re.escape(word)}(?:-|$)", name) is not None


def python_of(version: str) -> str:
    """Returns an interpreter of a minor version, pyenv's or the one on the PATH; raises NotHere."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for found in (*pyenv.glob(f"{version}.*/bin/python"), shutil.which(f"python{version}")):
        shown = [str(found), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if found and subprocess.run(shown, capture_output=True, text=True).stdout.strip() == version:
            return str(found)
    raise NotHere(f"no Python {version} (pyenv install {version})")


def _java(version: str) -> Path:
    named = os.environ.get(f"JAVA_HOME_{version}")
    homes = [Path(named)] if named else [path for folder in JAVA_FOLDERS for path in sorted(folder.glob("*"))]
    for home in homes:
        release = home / "release"
        if release.is_file() and f'JAVA_VERSION="{version}.' in release.read_text(errors="replace"):
            return home
    raise NotHere(f"no Java {version} below {JAVA_FOLDERS[0]} (set JAVA_HOME_{version})")


def _asked() -> list[str]:
    """What the wheel asks for: another list makes another environment."""
    return [(Path(__file__).parents[2] / "setup.py").read_text(encoding="utf-8")]
