"""A standalone cluster's workers that have nothing of this project: no folder of it on a path, and a bare Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONSOLE = "from batch_transform.pipeline.submit.console_script import main; main()"
# Of a machine that has Spark and Java and a Python that nobody has installed anything into.
BARE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONPATH": "", "PYSPARK_PYTHON": ""}


def console(*words: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Calls the console script as whoever has installed it, and named no interpreter."""
    named = ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "SPARK_HOME")
    clean = {name: value for name, value in os.environ.items() if name not in named}
    return subprocess.run(
        [sys.executable, "-c", CONSOLE, *words],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT / "lib"), "SPARK_LOCAL_IP": "127.0.0.1", **more},
        stdout=subprocess.PIPE,
        text=True,
        timeout=900,
        check=False,
    )
