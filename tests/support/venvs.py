"""Virtual environments for what must not share one with the rest.

Each is made by the first test that needs it and kept (`support.kept`); another version makes another environment.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.kept import kept

Venv = Callable[..., Path]
# It resolves and unpacks in a tenth of pip's time, which CI would pay for each of them.
_UV = [sys.executable, "-m", "uv", "--system-certs"]
AIRFLOW = ("apache-airflow==3.3.2", "apache-airflow-providers-amazon==9.39.0")

# The toolkit imports pkg_resources, which setuptools dropped in version 82.
TOOLKIT = (
    "sagemaker-inference==1.10.1",
    "multi-model-server==1.1.11",
    "setuptools<81",
    "numpy<3",
    "retrying",
    "future",
)


def venv(name: str, *requirements: str) -> Path:
    """Returns the bin folder of an environment with some requirements."""

    def make(place: Path) -> None:
        made(sys.executable, place)
        install(place, *requirements)

    return kept(name, [sys.version, *requirements], make) / "bin"


def made(python: str, place: Path) -> None:
    """Makes an environment of a Python, with nothing in it."""
    subprocess.run([*_UV, "venv", "--quiet", "--python", python, str(place)], check=True)


def install(place: Path, *what: str) -> None:
    """Installs into an environment, by what its own Python and platform need."""
    subprocess.run([*_UV, "pip", "install", "--quiet", "--python", str(place / "bin" / "python"), *what], check=True)


def versions(place: Path) -> list[str]:
    """Returns what is installed in an environment, as NAME==VERSION each."""
    listed = [*_UV, "pip", "list", "--quiet", "--python", str(place / "bin" / "python"), "--format", "freeze"]
    return subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()
