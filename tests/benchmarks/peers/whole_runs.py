"""Whole runs, cold, a process each, from Parquet to Parquet against one model server: ours, and the peers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from benchmarks.peers.input_tables import InputTable, check_predictions
from benchmarks.peers.measuring import Measured, measured
from benchmarks.peers.plain_session import MEMORY
from benchmarks.peers.posting import BATCH_BYTES

ROOT = Path(__file__).parents[3]
INSTANCES = 4


@dataclass(frozen=True)
class Server:
    """The model server."""

    url: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Returns the CPU seconds that it has used."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def model_server() -> Iterator[Server]:
    """Runs the model server."""
    command = [sys.executable, str(Path(__file__).with_name("model_server.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(process.stdout.readline().strip(), psutil.Process(process.pid))
        finally:
            process.terminate()


@dataclass(frozen=True)
class Asked:
    """What is scored, where to, and by whom.

    Attributes:
        source: the path of the table.
        output: where the run puts its own.
        scratch: a folder for what it needs besides.
    """

    table: InputTable
    source: str
    output: str
    scratch: Path
    url: str
    cores: int


Command = Callable[[Asked], list[str]]


def _peer(module: str, *more: str) -> Command:
    def command(asked: Asked) -> list[str]:
        rows = max(1, BATCH_BYTES // asked.table.shape.record_bytes)
        given = {"input": asked.source, "output": asked.output, "url": asked.url, "batch-rows": rows}
        given |= {"cores": asked.cores}
        words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        own = [word.format(instances=INSTANCES, bytes=asked.table.json_bytes) for word in more]
        return [sys.executable, "-m", f"benchmarks.peers.{module}", *words, *own]

    return command


def _ours(asked: Asked) -> list[str]:
    run_file = asked.scratch / "run.yml"
    document = {
        "workspace": "s3://speed/runs",
        "staging": str(asked.scratch / "staging"),
        "input": {"path": asked.source, "format": "parquet"},
        "model": {"name": "numbers"},
        "transform": {"instance_type": "ml.m5.xlarge", "instance_count": INSTANCES},
        "prediction": {"schema": "p long"},
        "output": {"path": asked.output, "format": "parquet"},
        "emulator": {"models": {"numbers": asked.url}},
    }
    run_file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return [str(ROOT / "spark-submit.sh"), str(run_file)]


def _count(asked: Asked) -> list[str]:
    script = Path(__file__).with_name("spark_count.py")
    settings = ["--master", f"local[{asked.cores}]", "--conf", "spark.ui.enabled=false", "--driver-memory", MEMORY]
    return [str(Path(sys.prefix) / "bin" / "spark-submit"), *settings, str(script), asked.source, *settings]


OURS = "ours"
# What Spark takes for itself; it scores nothing.
COUNT = "spark-count"
# What ours says once its rows are staged.
_STAGED = "[batch-transform] stage"
WHOLE_RUNS: dict[str, Command] = {
    OURS: _ours,
    "ray-orjson": _peer("ray_data", "--encoder", "orjson"),
    "ray-polars": _peer("ray_data", "--encoder", "polars"),
    "spark-arrow": _peer("spark_one_pass", "--way", "arrow"),
    "pandas": _peer("pandas_alone"),
    "spark-rdd": _peer("spark_one_pass", "--way", "rdd"),
    COUNT: _count,
    "write-up": _peer("write_up", "--instances", "{instances}", "--bytes", "{bytes}"),
}


@dataclass(frozen=True)
class WholeRun:
    """One whole run, every prediction of which is right.

    Attributes:
        work_seconds: between start and end: ours by its steps, a peer's as it says itself.
        server_seconds: CPU of the model server, which is not in `cost`.
        seconds_by_step: ours alone, as is what passes before the first of them.
    """

    name: str
    cost: Measured
    work_seconds: float
    server_seconds: float
    settings: str
    seconds_by_step: dict[str, float]
    start_seconds: float


def environment(scratch: Path) -> dict[str, str]:
    """Returns the environment of a run: this interpreter's packages, and nothing of a person's own Spark."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_", "AWS_"))}
    paths = os.pathsep.join(str(ROOT / name) for name in ("lib", "tests"))
    own = {"PYTHONPATH": paths, "VIRTUAL_ENV": sys.prefix, "RAY_USAGE_STATS_ENABLED": "0", "TMPDIR": str(scratch)}
    return kept | own | {"PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"]])}


def whole_run(name: str, table: InputTable, source: str, folder: Path, server: Server, cores: int) -> WholeRun:
    """Returns what one whole run took, in a folder that is gone afterwards.

    Raises:
        RuntimeError: it failed; with the end of what it said.
        AssertionError: a prediction is wrong.
    """
    scratch = folder / uuid.uuid4().hex[:8]
    scratch.mkdir()
    try:
        asked = Asked(table, source, str(scratch / "output"), scratch, server.url, cores)
        before, log = server.cpu_seconds(), scratch / "log"
        cost = measured(WHOLE_RUNS[name](asked), environment(scratch), str(log), _STAGED)
        if cost.code:
            raise RuntimeError(f"{name}: exit code {cost.code}\n{log.read_text(errors='replace')[-4000:]}")
        if not cost.said:
            raise RuntimeError(f"{name}: told nothing of itself\n{log.read_text(errors='replace')[-4000:]}")
        if name != COUNT:
            check_predictions(asked.output, table.rows)
        return _told(name, cost, server.cpu_seconds() - before, cores)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _told(name: str, cost: Measured, server_seconds: float, cores: int) -> WholeRun:
    said = json.loads(cost.said)
    steps = said.get("seconds_by_step", {})
    settings = f"spark-submit.sh by default: local[*] on {cores} cores, {INSTANCES} instances, Spark's classes archived"
    work = said.get("work_seconds", sum(steps.values()))
    start = (cost.marked_seconds or 0.0) - steps.get("staged", 0.0)
    return WholeRun(name, cost, work, server_seconds, said.get("settings", settings), steps, start)
