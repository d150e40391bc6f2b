"""A YARN of one node, of Hadoop's own daemons: a resource manager and a node manager, each a process.

Their jar is Hadoop's `hadoop-client-minicluster`, and what else they need comes from Spark's own jars. Spark's resolver
fetches it, as any `--packages`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyspark

from batch_transform.pipeline.world.spark_home import SparkHome
from support.kept import kept

SPARK = Path(pyspark.__file__).parent
# Of Hadoop 3.5.0, by its own project file; the minicluster does not name it.
_BOUNCY_CASTLE = "1.82"
_PATIENCE_SECONDS = 120
_SERVER = "org.apache.hadoop.yarn.server"
_PORTS = (
    "resourcemanager.address",
    "resourcemanager.scheduler.address",
    "resourcemanager.resource-tracker.address",
    "resourcemanager.admin.address",
    "resourcemanager.webapp.address",
    "nodemanager.address",
    "nodemanager.localizer.address",
    "nodemanager.webapp.address",
)
_SETTINGS = {
    "resourcemanager.scheduler.class": f"{_SERVER}.resourcemanager.scheduler.fifo.FifoScheduler",
    "resourcemanager.am.max-attempts": "2",  # as it is by default: who wants one attempt has to say so
    "nodemanager.resource.memory-mb": "6144",
    "nodemanager.resource.cpu-vcores": "4",
    "nodemanager.vmem-check-enabled": "false",  # a JVM reserves more than it takes
    "nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "100",
    "nodemanager.delete.debug-delay-sec": "3600",  # what containers had is looked at
    "scheduler.minimum-allocation-mb": "128",
}
# Of a machine that has Java and a bare Python: nothing of this environment is on a path.
_BARE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", "USER": "tests"}


@dataclass(frozen=True)
class Yarn:
    """A cluster that runs.

    Attributes:
        configuration: what HADOOP_CONF_DIR names.
        logs: the folder of the node in which each application's containers have theirs.
        web: the resource manager's REST API.
    """

    configuration: Path
    logs: Path
    local: Path
    web: str

    def applications(self) -> list[dict[str, Any]]:
        """Returns all applications, the first one first."""
        with urllib.request.urlopen(f"{self.web}/ws/v1/cluster/apps") as answer:
            found: list[dict[str, Any]] = (json.load(answer)["apps"] or {"app": []})["app"]
        return sorted(found, key=lambda application: str(application["id"]))

    def ended(self) -> dict[str, Any]:
        """Returns the last application, once it has ended."""
        _until(lambda: self.applications()[-1]["finalStatus"] != "UNDEFINED", "the application did not end")
        return self.applications()[-1]

    def log(self, application: str) -> str:
        """Returns what the containers of an application have said."""
        return "\n".join(path.read_text() for path in sorted(self.logs.glob(f"{application}/*/std*")))


@contextmanager
def yarn(folder: Path) -> Iterator[Yarn]:
    """Runs the cluster, with everything of its own below an empty folder."""
    jars = _jars()
    names = [f"yarn.{name}" for name in _PORTS]
    addresses = dict(zip(names, _free_addresses(len(names)), strict=True))
    there = Yarn(
        folder / "conf", folder / "logs", folder / "local", f"http://{addresses['yarn.resourcemanager.webapp.address']}"
    )
    settings = {
        **{f"yarn.{name}": value for name, value in _SETTINGS.items()},
        **addresses,
        "yarn.resourcemanager.hostname": "127.0.0.1",
        "yarn.nodemanager.hostname": "127.0.0.1",
        "yarn.nodemanager.local-dirs": str(there.local),
        "yarn.nodemanager.log-dirs": str(there.logs),
    }
    there.configuration.mkdir()
    (there.configuration / "yarn-site.xml").write_text(_as_xml(settings))
    with ExitStack() as running:
        running.callback(_end_containers, str(there.local))
        for daemon in ("resourcemanager.ResourceManager", "nodemanager.NodeManager"):
            running.enter_context(_daemon(folder, daemon, [str(there.configuration), f"{jars}/*", f"{SPARK}/jars/*"]))
        _until(lambda: _nodes(there.web) == 1, f"the cluster did not start: see {folder}")
        yield there


def _jars() -> Path:
    hadoop = SparkHome("", SPARK).versions().hadoop
    packages = [f"org.apache.hadoop:hadoop-client-minicluster:{hadoop}"]
    packages += [f"org.bouncycastle:{name}-jdk18on:{_BOUNCY_CASTLE}" for name in ("bcprov", "bcpkix")]

    def resolve(place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        (place / "nothing.py").touch()
        command = [str(SPARK / "bin" / "spark-submit"), "--master", "local[1]", "--conf", f"spark.jars.ivy={place}"]
        command += ["--packages", ",".join(packages), "--exclude-packages"]
        command += ["org.apache.hadoop:hadoop-client-api,org.apache.hadoop:hadoop-client-runtime"]  # Spark's own
        environ = {**os.environ, "SPARK_HOME": str(SPARK), "PYSPARK_PYTHON": sys.executable}
        subprocess.run([*command, str(place / "nothing.py")], env=environ, check=True, capture_output=True)

    return kept("yarn", packages, resolve) / "jars"


def _free_addresses(count: int) -> list[str]:
    with ExitStack() as held:
        found = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in found]


def _as_xml(settings: Mapping[str, str]) -> str:
    lines = (f"<property><name>{name}</name><value>{value}</value></property>" for name, value in settings.items())
    return "\n".join(["<configuration>", *lines, "</configuration>", ""])


@contextmanager
def _daemon(folder: Path, name: str, classes: list[str]) -> Iterator[None]:
    switches = ["-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    command = ["java", *switches, "-cp", os.pathsep.join(classes), f"{_SERVER}.{name}"]
    java = {"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {}
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**_BARE, **java}, cwd=folder)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def _nodes(web: str) -> int:
    try:
        with urllib.request.urlopen(f"{web}/ws/v1/cluster/metrics") as answer:
            return int(json.load(answer)["clusterMetrics"]["activeNodes"])
    except OSError:
        return 0


def _until(is_so: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.3)


def containers(yarn: Yarn, *words: str) -> list[psutil.Process]:
    """Returns the processes of this cluster's containers whose command line has all these words."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        line = " ".join(process.info["cmdline"] or ())
        of_it = str(yarn.local) in (process.info["environ"] or {}).get("PWD", "")
        if of_it and all(word in line for word in words):
            found.append(process)
    return found


def await_no_containers(yarn: Yarn, application: str) -> None:
    """Waits until an application that has ended has no process left: the node ends them after YARN calls it ended."""
    _until(lambda: not containers(yarn, application), f"{application} has ended, and its containers have not")


def _end_containers(local: str) -> None:
    """What a killed node manager leaves goes on."""
    for process in psutil.process_iter(["environ"]):
        if local in (process.info["environ"] or {}).get("PWD", ""):
            process.kill()
