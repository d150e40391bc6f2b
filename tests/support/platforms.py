"""The platforms whose pins lie in tests/platforms/pins, and the wheel that goes there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINS = ROOT / "tests" / "platforms" / "pins"
SHIPPED = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "spark-submit.sh", "lib", "jobs", "conf", "tests")


@dataclass(frozen=True)
class Platform:
    """What a platform has: its Python, and the packages that are installed there, by their normalized names."""

    name: str
    python: str
    pins: dict[str, str]

    @property
    def constraints(self) -> Path:
        """The pins as pip takes them."""
        return PINS / f"{self.name}.txt"


def normalized(name: str) -> str:
    """Returns a package's name as all its spellings have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def platform(name: str) -> Platform:
    """Returns what a file of pins says."""
    text = (PINS / f"{name}.txt").read_text(encoding="utf-8")
    said = re.search(r"^# python: (3\.\d+)", text, re.MULTILINE)
    assert said is not None, name
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))
    return Platform(name, said[1], {normalized(package): version for package, version in pins.items()})


def built(kind: str, folder: Path) -> Path:
    """Returns the wheel or the sdist of this tree, built of a copy: setuptools keeps what it has built before."""
    source = folder / "source"
    for name in SHIPPED:
        path, ignored = ROOT / name, shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=ignored)
        else:
            source.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, source / name)
    call = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
    subprocess.run([sys.executable, "-c", call, str(folder)], cwd=source, check=True, capture_output=True)
    shutil.rmtree(source)
    (made,) = (path for path in folder.iterdir() if path.is_file())
    return made
