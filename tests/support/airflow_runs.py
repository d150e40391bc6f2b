"""A real Airflow in an environment of its own: run files, the DAG file of `jobs/README.md`, and `dag.test()`."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import textwrap
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.drivers import IDENTITY, PATIENCE_SECONDS, ROOT
from support.marked import MARK, marked_processes
from support.venvs import AIRFLOW, venv

DAY = "2024-05-01"
# `airflow dags test` runs a DAG to its end: retries, reschedules and signals are Airflow's own.
PAGE = (ROOT / "jobs/README.md").read_text(encoding="utf-8")
_SOON = """
for dag in list(globals().values()):
    for task in getattr(dag, "tasks", ()):
        task.retry_delay = datetime.timedelta(seconds=1)
"""


def dag_file(runs: Path, options: dict[str, Any]) -> str:
    """Returns the DAG file of that page with its places exchanged, and retries that do not wait."""
    (block,) = re.findall(r"^```python\n([^`]*make_dags[^`]*)^```", PAGE, re.M)
    for place, here in {
        '"/opt/spark-batch-transform/jobs"': repr(str(ROOT / "jobs")),
        '"/opt/runs"': repr(str(runs)),
        'command="/opt/spark-batch-transform/spark-submit.sh"': f"**{options!r}",
    }.items():
        assert place in block
        block = block.replace(place, here)
    return f"{block}\nimport datetime\n{_SOON}"


@dataclass
class AirflowHome:
    """An Airflow of its own, with its database.

    Attributes:
        mark: in the environment of all that it starts.
    """

    folder: Path
    mark: str
    environ: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "dags").mkdir()
        (self.folder / "runs").mkdir()
        clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        self.environ = clean | {
            **IDENTITY,
            "AIRFLOW_HOME": str(self.folder / "home"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.folder / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            MARK: self.mark,
        }
        self._bin = venv("airflow", *AIRFLOW)
        self._call("db", "migrate")

    def _call(self, *words: str) -> None:
        done = subprocess.run([self._bin / "airflow", *words], env=self.environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def write(self, name: str, text: str) -> Path:
        """Writes a file below the folder."""
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        return path

    def dags(self, **options: Any) -> None:
        """Writes the DAG file."""
        self.write("dags/runs.py", dag_file(self.folder / "runs", options))

    def test(self, dag: str) -> Running:
        """Starts a run of a DAG for the day."""
        log = (self.folder / f"{dag}.log").open("a")
        words = [str(self._bin / "airflow"), "dags", "test", dag, DAY]
        with log:
            return Running(
                self, subprocess.Popen(words, env=self.environ, stdout=log, stderr=log, cwd=self.folder), Path(log.name)
            )

    def states(self, dag: str) -> dict[str, tuple[str | None, int]]:
        """Returns the state and the number of tries of each task of a DAG."""
        with closing(sqlite3.connect(self.folder / "home" / "airflow.db", timeout=30)) as database:
            asked = database.execute("select task_id, state, try_number from task_instance where dag_id = ?", (dag,))
            return {task: (state, tries) for task, state, tries in asked}

    def processes(self) -> list[str]:
        """Returns the command lines of all that runs below it."""
        return marked_processes(self.mark)


@dataclass
class Running:
    """A DAG's run."""

    home: AirflowHome
    process: subprocess.Popen[bytes]
    log: Path

    def until(self, condition: Any, what: str) -> None:
        """Waits until something is so while it runs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self.process.poll() is None, f"ended before {what}: {self.words()}"
            assert time.monotonic() < deadline, f"never: {what}: {self.words()}"
            time.sleep(0.2)

    def wait(self) -> int:
        """Returns its exit code."""
        return self.process.wait(PATIENCE_SECONDS)

    def words(self) -> str:
        return self.log.read_text()[-6000:]


def as_yaml(document: dict[str, Any]) -> str:
    """A document as a run file; JSON is YAML."""
    return json.dumps({name: value for name, value in document.items() if value is not None})
