"""The console script in processes of its own, which say what they imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.drivers import IDENTITY, PATIENCE_SECONDS, ROOT

# What it says last is whether Spark came into the process.
SCRIPT = """
import sys
from batch_transform.pipeline.submit.console_script import main
code = 0
try:
    main()
except SystemExit as err:
    code = err.code
sys.stderr.write("\\n" + str(any(name.partition(".")[0] in ("pyspark", "delta", "py4j") for name in sys.modules)))
sys.exit(code)
"""


@dataclass(frozen=True)
class Called:
    """What came of a command: its exit code, its one line, and whether it imported Spark."""

    code: int
    report: dict[str, Any]
    imported_spark: bool
    log: str


@dataclass(frozen=True)
class Console:
    """`batch-transform` over a run file in a folder.

    Attributes:
        remote: a Spark Connect server; '' leaves Spark to be started.
    """

    folder: Path
    remote: str = ""

    def call(self, *words: str, **environ: str) -> Called:
        """Returns what came of a command."""
        more = {"SPARK_REMOTE": self.remote} if self.remote else {}
        env = {**os.environ, **IDENTITY, "PYTHONPATH": str(ROOT / "lib"), **more, **environ}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *words],
            env=env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        assert done.stdout.count("\n") == 1, done.stdout + done.stderr[-3000:]
        return Called(done.returncode, json.loads(done.stdout), done.stderr.endswith("True"), done.stderr[-3000:])
