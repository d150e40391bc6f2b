"""What the JVMs of tests share: their switches, and an archive of Spark's classes.

Tests start a hundred JVMs, and half of what one takes of the processor is to load the same ten thousand classes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from batch_transform.pipeline.submit import class_archive

# A JVM of a test lives for seconds: without its second compiler it takes a third less of the processor.
SWITCHES = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def switches(environ: Mapping[str, str]) -> str:
    """Returns what JAVA_TOOL_OPTIONS says to every JVM that tests start; the archive is made if there is none.

    It lies in the virtual environment, and not where `spark-submit.sh` looks for one.
    """
    own = {name: value for name, value in environ.items() if name != "JAVA_TOOL_OPTIONS"}
    try:
        archive = class_archive.make(own, Path(sys.prefix, "kept-by-tests"))
    except subprocess.SubprocessError:  # a machine under load: it is to be had another time
        archive = None
    return f"{SWITCHES} {class_archive.QUIET} -XX:SharedArchiveFile={archive}" if archive else SWITCHES
