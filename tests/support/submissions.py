"""`spark-submit.sh` as a process that can be killed in parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from support.drivers import IDENTITY, ROOT

PATIENCE_SECONDS = 300


class Submission:
    """`spark-submit.sh` over a run file in a folder; `words` stand for what is asked for instead of a run.

    Attributes:
        place: the folder, and the working directory.
    """

    def __init__(self, place: Path, document: dict[str, Any], *words: str) -> None:
        self.place = place
        (place / "run.yml").write_text(json.dumps(document))
        command = [str(ROOT / "spark-submit.sh"), *(words or ["run.yml"])]
        environment = {**os.environ, **IDENTITY, "VIRTUAL_ENV": str(Path(sys.executable).parents[1])}
        with (self.place / "log").open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=self.place, start_new_session=True
            )

    def kill(self, victim: str) -> None:
        """Kills a part of it, and waits until that is dead."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        named = {process: _command(process) for process in below}
        python = [process for process, words in named.items() if "score.py" in words and "java" not in words[:60]]
        jvm = [process for process, words in named.items() if "java" in words.partition(" ")[0]]
        chosen = {"python": python, "jvm": jvm, "group": below}[victim]
        assert chosen, named
        for process in chosen:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(chosen, timeout=30)

    def wait(self) -> tuple[int, dict[str, Any]]:
        """Returns its exit code and its report."""
        output, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        lines = output.decode().strip().split("\n")
        assert len(lines) == 1, lines
        return self.process.returncode, json.loads(lines[0])

    def log(self) -> str:
        return (self.place / "log").read_text()[-4000:]


def _command(process: psutil.Process) -> str:
    """Its command line; '' for one that has ended meanwhile."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
