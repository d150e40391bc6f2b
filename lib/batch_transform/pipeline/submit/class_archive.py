"""What the JVM of a laptop starts with: an archive of the classes that a run needs, and settings for batches.

A cold run spends a third of its processor time on loading, checking and compiling the same ten thousand classes
(tests/benchmarks/speed.py). `python -m batch_transform.pipeline.submit.class_archive` archives them once for a Java and
a Spark ("Class Data Sharing", Java's guide to the virtual machine); a JVM that it does not fit goes without it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.world.spark_home import SparkHome, find_spark

FOLDER = Path(sys.prefix, "share", "batch-transform")
# A JVM says on standard output, where reports are read, that an archive does not fit it.
QUIET = "-Xlog:disable -Xlog:all=error:stderr"
# Of two cores a collector that works beside the run takes some from it.
_COLLECTOR = "-XX:+UseParallelGC"
# A third of what the JVM of a cold run works is its compilers' (13 of 38 seconds for 2,000,000 rows); what is compiled
# only when it was used three times as often is less by a third, and the rest takes no longer for it.
_COMPILERS = "-XX:CompileThresholdScaling=3"
# It collects all of its heap each time that what is known of classes fills what is set aside for it, 21 MB at first:
# four of the nine full collections of a cold run.
_CLASSES = "-XX:MetaspaceSize=256m"
# Its young generation is a third of the heap otherwise, all of which a run touches once, and memory that a machine has
# not used for a while is slow at first touch: 400 of 1,900 MB less for 2,000,000 rows on two cores.
_YOUNG_MB_PER_CORE, _MOST_YOUNG_MB = 128, 512
_ABOUT_MEMORY = ("GC", "-Xm", "NewSize", "NewRatio")
# A JVM with two collectors does not start.
_OTHER_OPTIONS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
_USES = Path(__file__).with_name("class_uses.py")
_SECONDS = 600


def java_options(
    spark: SparkHome, environ: Mapping[str, str], folder: Path = FOLDER, cores: int | None = os.cpu_count()
) -> str:
    """Returns the options of a driver's JVM on this machine.

    Args:
        spark: which Spark is started.
        environ: of whoever starts it; a collector that is named there stays the only one.
        folder: where archives lie.
        cores: of the machine; None: nobody knows.
    """
    archive = _archive(spark, environ, folder)
    options = [f'{QUIET} -XX:SharedArchiveFile="{archive}"'] if archive and archive.is_file() else []
    said = " ".join(environ.get(name, "") for name in _OTHER_OPTIONS)
    options += [_COMPILERS, *([] if "Metaspace" in said else [_CLASSES]), *([] if "GC" in said else [_COLLECTOR])]
    return " ".join([*options, *([] if any(name in said for name in _ABOUT_MEMORY) else _young_generation(cores))])


def _young_generation(cores: int | None) -> list[str]:
    """The option that bounds it; none where the cores have use for what the JVM gives it by itself."""
    wanted = _YOUNG_MB_PER_CORE * (cores or 1)
    return [f"-XX:MaxNewSize={wanted}m"] if wanted <= _MOST_YOUNG_MB else []


def _archive(spark: SparkHome, environ: Mapping[str, str], folder: Path) -> Path | None:
    """Where the archive of this Java and this Spark lies, be it there or not; None: one of the two is not found."""
    home = environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home, "bin", "java")) if home else "java", path=environ.get("PATH"))
    if java is None or spark.home is None:
        return None
    jars = [f"{jar.name} {jar.stat().st_mtime_ns}" for jar in sorted(spark.home.glob("jars/*.jar"))]
    recipe = "\n".join([os.path.realpath(java), str(spark.home), *jars])
    return folder / f"classes-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.jsa"


def make(environ: Mapping[str, str] = os.environ, folder: Path = FOLDER) -> Path | None:
    """Archives the classes that a small run of Spark uses; returns where they lie, None if there is no Java or Spark.

    Raises:
        OSError: the folder cannot be written.
        subprocess.SubprocessError: Spark did not run.
    """
    try:
        spark = find_spark(environ, local=True)
    except ConfigurationError:
        return None
    archive = _archive(spark, environ, folder)
    if archive is None or archive.is_file():
        return archive
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        recorded = Path(work, "classes.jsa")
        command = [spark.command, "--master", "local[2]", "--conf", "spark.ui.enabled=false"]
        command += ["--driver-java-options", f'{QUIET} -XX:ArchiveClassesAtExit="{recorded}"']
        own = {"SPARK_HOME": str(spark.home), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        asked = [*command, str(_USES), str(Path(work, "table"))]
        subprocess.run(asked, env={**environ, **own}, cwd=work, capture_output=True, timeout=_SECONDS, check=True)
        recorded.replace(archive)  # whole or not at all
    return archive


if __name__ == "__main__":
    try:
        make()
    except (OSError, subprocess.SubprocessError) as err:
        sys.stderr.write(f"Spark's classes are not archived, each run starts some seconds later: {err}\n")
