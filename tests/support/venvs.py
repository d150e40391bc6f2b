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

    def install(place: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        pip = [str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *requirements], check=True)

    return kept(name, [sys.version, *requirements], install) / "bin"
