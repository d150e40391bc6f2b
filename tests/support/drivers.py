"""Drivers as processes of their own: the job's real entry point, as a client of one warm Spark Connect server.

A client begins in seconds where a JVM of its own takes tens of them, so that many can be killed.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
from pyspark.sql.connect.session import SparkSession

from batch_transform.config.faults import FILLED_IN
from batch_transform.config.runfile import RunConfig
from batch_transform.outputs.registry import DEFAULT, format_named
from batch_transform.pipeline.world.jars import S3A_SLIM_EXCLUDES, hadoop_settings, slim_parts
from support.emulated import BUCKET, REGION, Emulated
from support.memory_run import rows_of_file
from support.watching_proxy import WatchingProxy

ROOT = Path(__file__).parents[2]
ROWS = 36
POISON = {7: "refused!", 23: "refused!"}
LARGE = 15  # place of the row that is too large for the standard lane
LEASE_SECONDS = 1.0
PATIENCE_SECONDS = 300
IDENTITY = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_REGION": REGION}
PACKAGES = ["io.delta:delta-spark_4.2_2.13:4.4.0", "org.apache.hadoop:hadoop-aws:3.5.0", *slim_parts("3.5.0")]


@contextmanager
def connect_server(folder: Path, endpoint: str) -> Iterator[str]:
    """Runs a Spark Connect server that has Delta and finds S3 at an endpoint; yields its `sc://` address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = Path(pyspark.__file__).parent
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": "2g",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.shuffle.partitions": "2",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.jars.packages": ",".join(PACKAGES),
        "spark.jars.excludes": ",".join(S3A_SLIM_EXCLUDES),
        **format_named("delta").packages.settings,
        **{f"spark.hadoop.{key}": value for key, value in hadoop_settings(endpoint, REGION).items()},
    }
    command = [str(home / "bin" / "spark-submit"), "--master", "local[2]"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    command += [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]
    environment = {**os.environ, **IDENTITY, "SPARK_HOME": str(home), "PYTHONPATH": str(ROOT / "lib")}
    environment |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "spark-internal"], env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _await_port(process, port, folder / "server.log")
            yield f"sc://127.0.0.1:{port}"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise AssertionError(f"the server did not start: {log.read_text()[-3000:]}")


@dataclass
class Scene:
    """What the drivers of a test share: the emulator behind a proxy, the Spark, and an input.

    Attributes:
        remote: the Spark Connect server; None: each driver is told by its own means.
    """

    world: Emulated
    proxy: WatchingProxy
    folder: Path
    remote: str | None = None

    def __post_init__(self) -> None:
        keys = [POISON.get(place, str(place)) for place in range(ROWS)]
        texts = ["y" * 1_200_000 if place == LARGE else "x" for place in range(ROWS)]
        (self.folder / "in").mkdir()
        half = ROWS // 2
        for number, part in enumerate((slice(0, half), slice(half, ROWS))):
            ids = list(range(ROWS))[part]
            table = pa.table({"id": ids, "key": keys[part], "text": texts[part], "part": [i % 3 for i in ids]})
            pq.write_table(table, self.folder / "in" / f"{number}.parquet")

    def run(self, **sections: Any) -> Run:
        """Returns a new run, with its output on S3 unless told."""
        run_id = f"r{uuid.uuid4().hex[:10]}"
        document = {
            "run_id": run_id,
            "workspace": f"s3://{BUCKET}",
            "input": {"path": str(self.folder / "in")},
            "model": {"name": "shaped"},
            "prediction": {"schema": "echo string"},
            "transform": {"poll_seconds": 0.1, "max_payload_mb": 1, "invocations_max_retries": 0},
            "errors": {"max_rows": len(POISON)},
            "output": {"path": f"s3://{BUCKET}/out/{run_id}", "mode": "append"},
            "lease_seconds": LEASE_SECONDS,
            "aws": {"endpoint_url": self.proxy.url, "region": REGION},
            **sections,
        }
        self.proxy.reset()
        return Run(self, run_id, as_run_file(RunConfig.from_document(document)))


def as_run_file(config: RunConfig) -> dict[str, Any]:
    """Returns a configuration as a run file has it: without what is filled in."""
    return {key: value for key, value in config.to_document().items() if key not in FILLED_IN}


@dataclass
class Run:
    """One run, and the drivers that are started for it."""

    scene: Scene
    run_id: str
    document: dict[str, Any]
    started: list[Started] = field(default_factory=list)

    def start(self, remote: str | None = None) -> Started:
        """Starts a driver, on another Spark than the scene's if told."""
        number = len(self.started)
        place = self.scene.folder / f"{self.run_id}-{number}"
        place.mkdir()
        (place / "resolved.json").write_text(json.dumps(self.document))
        environment = {**os.environ, **IDENTITY, "PYTHONPATH": str(ROOT / "lib")}
        environment["BATCH_TRANSFORM_REPORT_FILE"] = str(place / "report.json")
        if remote or self.scene.remote:
            environment["SPARK_REMOTE"] = remote or self.scene.remote or ""
        command = [sys.executable, str(ROOT / "jobs" / "score.py"), "--resolved", str(place / "resolved.json")]
        with (place / "log").open("w") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=place)
        self.started.append(Started(process, place))
        return self.started[-1]

    def finish(self, attempts: int = 1) -> dict[str, Any]:
        """Returns the report of a driver that ends the run; one that ends with exit code 4 is followed by another."""
        for _ in range(attempts):
            driver = self.start()
            if (code := driver.wait()) == 0:
                return driver.report()
            assert code == 4, driver.log()
        raise AssertionError(f"the run never ended: {driver.log()}")

    def covered(self) -> Counter[int]:
        """How many outputs there are for each row number, whichever job wrote them."""
        found: Counter[int] = Counter()
        for key in self.scene.world.objects(f"rows/{self.run_id}/output/"):
            name = key.rpartition("/")[2]
            if name.startswith("s"):
                first, rows = map(int, name[1:].split("-")[:2])
                found.update(range(first, first + rows))
        return found

    def table(self, kind: str) -> list[tuple[int, Any]]:
        """The rows of an output on S3 that a reader finds who honours `_SUCCESS`: id, and prediction or error class."""
        base = self.document["output"]["path"].removeprefix(f"s3://{BUCKET}/") + ("_dead_letter" * (kind != "result"))
        names = self.scene.world.objects(f"{base}/")
        assert f"{base}/_SUCCESS" in names
        format = self.document["output"].get("format", DEFAULT)
        bodies = [self.scene.world.body(name) for name in names if name.endswith(f".{format}")]
        rows = [row for body in bodies for row in rows_of_file(body, format).to_pylist()]
        return sorted((row["id"], row["echo"] if kind == "result" else row["error"]["class"]) for row in rows)

    def check(self, report: dict[str, Any]) -> None:
        """It is as if nothing had happened: each row once, each job accepted once, no scored row sent again."""
        self.check_paid_once(report)
        assert self.table("result") == expected()
        assert self.table("dead_letter") == DEAD

    def check_delta(self) -> None:
        """The same for tables of Delta, read by Spark."""
        output = self.document["output"]["path"].replace("s3://", "s3a://")
        spark = SparkSession.builder.remote(self.scene.remote or "").create()
        try:
            result = spark.read.format("delta").load(output).select("id", "echo").collect()
            dead = spark.read.format("delta").load(f"{output}_dead_letter").select("id", "error.class").collect()
        finally:
            spark.stop()
        assert sorted(map(tuple, result)) == expected()
        assert sorted(map(tuple, dead)) == DEAD

    def check_paid_once(self, report: dict[str, Any]) -> None:
        """Each job was accepted once by the service, and no span with an output was sent again."""
        names = [request["TransformJobName"] for request in self.scene.proxy.created]
        assert len(names) == len(set(names)), names
        assert sorted(self.scene.world.jobs(self.run_id)) == sorted(job["name"] for job in report["jobs"])
        assert set(self.covered().values()) == {1}
        assert (report["status"], report["rows_in"], report["rows_dead_letter"]) == ("published", ROWS, len(POISON))


DEAD = [(place, "model error") for place in POISON]


def expected() -> list[tuple[int, str]]:
    """The published rows: each with the echo of its own key."""
    return [(place, str(place)) for place in range(ROWS) if place not in POISON]


@dataclass
class Started:
    """A driver process and where it leaves what it says."""

    process: subprocess.Popen[bytes]
    place: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """Kills it, and waits until it is dead."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """Stops it as a laptop that is closed does, and waits until all its threads stand still."""
        self.process.send_signal(signal.SIGSTOP)
        while psutil.Process(self.pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def wait(self) -> int:
        return self.process.wait(PATIENCE_SECONDS)

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.place / "report.json").read_text())
        return report

    def log(self) -> str:
        return (self.place / "log").read_text()[-4000:]
