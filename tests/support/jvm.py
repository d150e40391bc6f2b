"""What the JVMs of tests share: their switches, and an archive of Spark's classes.

Tests start a hundred JVMs, and half of what one takes of the processor is to load the same ten thousand classes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support.kept import kept

# A JVM of a test lives for seconds: without its second compiler it takes a third less of the processor.
SWITCHES = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_USES = Path(__file__).with_name("jvm_uses.py")


def switches(environ: Mapping[str, str]) -> str:
    """Returns what JAVA_TOOL_OPTIONS says to every JVM that tests start; the archive is made if there is none.

    A JVM to which an archive does not fit, because it is another one or has other jars, goes without it. What it
    would say about that on standard output, where reports are read, it keeps to itself.
    """
    home = environ.get("JAVA_HOME")
    java = shutil.which(str(Path(home, "bin", "java")) if home else "java")
    return f"{SWITCHES} -Xlog:disable -XX:SharedArchiveFile={_archive(java)}" if java else SWITCHES


def _archive(java: str) -> Path:
    """Lies in the virtual environment whose Spark it is of."""
    import pyspark

    spark = Path(pyspark.__file__).parent
    jars = [f"{jar.name} {jar.stat().st_mtime_ns}" for jar in sorted(spark.glob("jars/*.jar"))]

    def record(place: Path) -> None:
        place.mkdir()
        recording = f"{SWITCHES} -Xlog:disable -XX:ArchiveClassesAtExit={place / 'classes.jsa'}"
        command = [str(spark / "bin" / "spark-submit"), "--master", "local[2]", "--driver-java-options", recording]
        environment = {name: value for name, value in os.environ.items() if name != "JAVA_TOOL_OPTIONS"}
        environment |= {"SPARK_HOME": str(spark), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        asked = [*command, str(_USES), str(place / "table")]
        subprocess.run(asked, env=environment, cwd=place, capture_output=True, timeout=500, check=True)

    recipe = [os.path.realpath(java), str(spark), *jars, _USES.read_text(encoding="utf-8")]
    return kept("classes-of-spark", recipe, record, Path(sys.prefix, "kept-by-tests")) / "classes.jsa"
