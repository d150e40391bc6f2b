"""Sessions with executors in processes of their own, started for a test and ended with it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyspark

from support.watching_proxy import GATE

TESTS = Path(__file__).parents[1]
LOCAL_CLUSTER = "local-cluster[2,1,1024]"
# What lives for seconds is not worth compiling well.
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": _QUICK,
    "spark.executor.extraJavaOptions": _QUICK,
    "spark.sql.shuffle.partitions": "2",
    # A Python worker sends each batch at once, so that a task can be seen to have written some of its rows.
    "spark.buffer.size": "512",
    # One task for each file, however small.
    "spark.sql.files.maxPartitionBytes": "1m",
}


@dataclass(frozen=True)
class Cluster:
    """A driver process with its session."""

    process: subprocess.Popen[str]

    def score(self, arguments: Mapping[str, Any], gate: str, partitions: int) -> dict[str, Any]:
        """Returns the report of a run over the rows of `cluster_driver`.

        Args:
            arguments: of `score`.
            gate: the proxy where workers ask while they make rows.
            partitions: of the input.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {"arguments": arguments, "gate": gate + GATE, "partitions": partitions}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline() or '{"error": "the driver died"}')
        assert "report" in answer, answer
        report: dict[str, Any] = answer["report"]
        return report


@contextmanager
def cluster(folder: Path, master: str = LOCAL_CLUSTER, **settings: str) -> Iterator[Cluster]:
    """Runs a driver; what Spark leaves and its log, `driver.log`, lie below `folder`.

    Args:
        folder: an empty one.
        master: of the session.
        settings: of the session, with `_` for the dots.
    """
    named = {key.replace("_", "."): value for key, value in settings.items()}
    every = {"spark.master": master, "spark.local.dir": str(folder / "local"), **_SETTINGS, **named}
    command = [sys.executable, "-m", "support.cluster_driver", json.dumps(every)]
    with ExitStack() as resources:
        log = resources.enter_context((folder / "driver.log").open("w"))
        process = resources.enter_context(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=folder,
                env=_environment(folder),
            )
        )
        resources.callback(_end, process)
        yield Cluster(process)


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ["PYTHONPATH"]]),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(_spark_home(folder)),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
    }


def _spark_home(folder: Path) -> Path:
    """A home of Spark in which executors may write: the workers of a local cluster know no other place."""
    home = folder / "home"
    if not home.exists():
        home.mkdir()
        for entry in Path(pyspark.__file__).parent.iterdir():
            if entry.name != "work":
                (home / entry.name).symlink_to(entry)
    return home


def _end(process: subprocess.Popen[str]) -> None:
    below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    for found in below:
        with suppress(psutil.NoSuchProcess):
            found.kill()


@contextmanager
def standalone(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Runs a master and two workers, and yields the master's URL; they have other variables if told.

    The workers have addresses of their own: Spark never runs a second attempt of a task on the same host, and those
    of a local cluster share one. Any address in 127.0.0.0/8 is this machine's on Linux.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"spark://127.0.0.1:{port}"
    master = ["master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    with ExitStack() as resources:
        resources.enter_context(_daemon(folder, "127.0.0.1", master, environment or {}))
        for host in ("127.0.0.2", "127.0.0.3"):
            work = ["--work-dir", str(folder / host), "--webui-port", "0", "--cores", "1", "--memory", "1g"]
            words = ["worker.Worker", "--host", host, *work, url]
            resources.enter_context(_daemon(folder, host, words, environment or {}))
        yield url


@contextmanager
def _daemon(folder: Path, host: str, words: list[str], more: Mapping[str, str]) -> Iterator[None]:
    own = {"SPARK_LOCAL_IP": host, "SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": _QUICK}
    environment = {**_environment(folder), **own, **more}
    command = [str(_spark_home(folder) / "bin" / "spark-class"), f"org.apache.spark.deploy.{words[0]}", *words[1:]]
    with (folder / f"{words[0]}-{host}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, text=True)
        try:
            yield
        finally:
            _end(process)
            process.wait()
