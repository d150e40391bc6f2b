"""Which Spark is submitted to, and which versions it is made of."""

from __future__ import annotations

import operator
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from batch_transform.core.errors import ConfigurationError

_CORE_JAR = re.compile(r"spark-core_(\d+\.\d+)-(\d+\.\d+\.\d+)\S*\.jar")
# How a Python package says for which Spark it is: `pyspark<=4.2.0,>=4.0.1`.
_BOUND = re.compile(r"(>=|<=|<|==)\s*(\d+)\.(\d+)")
_HOLDS = {">=": operator.ge, "<=": operator.le, "<": operator.lt, "==": operator.eq}
_HADOOP_JAR = re.compile(r"hadoop-client-api-(\d+\.\d+\.\d+)\S*\.jar")


# What each node of an EMR cluster has ("View cluster information on a node"), and where its Spark is: on the PATH is a
# script.
EMR_NODE, _EMR_HOME = Path("/mnt/var/lib/info/job-flow.json"), Path("/usr/lib/spark")


@dataclass(frozen=True)
class Versions:
    """The versions that decide which further jars fit; '' where the Spark at hand does not tell."""

    scala: str
    spark: str
    hadoop: str


@dataclass(frozen=True)
class SparkHome:
    """A Spark installation: its command, and its folder where that is known."""

    command: str
    home: Path | None

    @property
    def reads_s3(self) -> bool:
        """Whether `s3://` means something to it, as to EMR's, whose jars have a mark; or nobody knows."""
        return self.home is None or any("-amzn-" in path.name for path in self.home.glob("jars/spark-core_*.jar"))

    def versions(self) -> Versions:
        """Returns the versions by the names of the jars, which every distribution has."""
        names = sorted(path.name for path in (self.home / "jars").glob("*.jar")) if self.home else []
        core = next(filter(None, map(_CORE_JAR.fullmatch, names)), None)
        hadoop = next(filter(None, map(_HADOOP_JAR.fullmatch, names)), None)
        return Versions(
            scala=core.group(1) if core else "",
            spark=core.group(2) if core else "",
            hadoop=hadoop.group(1) if hadoop else "",
        )


def _has_jars(home: Path) -> bool:
    return (home / "jars").is_dir()


def installed_for(package: str, line: str) -> str | None:
    """Returns the version of a Python package if it is installed and asks for a Spark of this line ("4.2")."""
    try:
        asked = [each for each in requires(package) or () if re.match(r"pyspark\b", each)]
        bounds = [(sign, (int(major), int(minor))) for sign, major, minor in _BOUND.findall(" ".join(asked))]
        wanted = tuple(map(int, line.split(".")))
    except (PackageNotFoundError, ValueError):  # it is not there, or nobody knows the line
        return None
    return version(package) if all(_HOLDS[sign](wanted, bound) for sign, bound in bounds) else None


def find_spark(
    environ: Mapping[str, str],
    *,
    local: bool,
    which: Callable[[str], str | None] = shutil.which,
    emr_node: Path = EMR_NODE,
) -> SparkHome:
    """Returns the Spark to submit to: `SPARK_HOME`'s; for a cluster the one on the PATH; else the `pyspark` package's.

    On a cluster's node the one on the PATH knows the cluster, which is the master there if none is given; on a laptop
    it is whatever was left there.

    Raises:
        ConfigurationError: there is none.
    """
    if environ.get("SPARK_HOME"):
        home = Path(environ["SPARK_HOME"])
        if not (home / "bin" / "spark-submit").is_file():
            raise ConfigurationError(
                f"SPARK_HOME: {home} has no bin/spark-submit; set it to the folder of a Spark, or leave it unset"
            )
        return SparkHome(str(home / "bin" / "spark-submit"), home)
    on_path = which("spark-submit") if not local or emr_node.exists() else None
    if on_path is not None:
        return SparkHome(on_path, next(filter(_has_jars, (Path(on_path).resolve().parents[1], _EMR_HOME)), None))
    spec = find_spec("pyspark")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        if (Path(folder) / "bin" / "spark-submit").is_file():
            return SparkHome(str(Path(folder) / "bin" / "spark-submit"), Path(folder))
    raise ConfigurationError("spark-submit: found none; set SPARK_HOME, or pip install -e '.[local]'")
