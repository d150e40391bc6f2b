"""Where Spark keeps the jars that it fetches, of a user whose home Java cannot write."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from batch_transform.core.errors import ConfigurationError

KEY = "spark.jars.ivy"
# By which Java is told another home.
_OPTIONS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "SPARK_SUBMIT_OPTS")
_BELOW_HOME = Path(".cache", "batch-transform", "ivy")


def ivy_folder(environ: Mapping[str, str]) -> str | None:
    """Returns the folder that Ivy is told; None: it finds one in the user's home.

    That is for Java what the machine's list of users says, and not `HOME`: of a service's user it is often not there,
    and a container's has none. Ivy then ends with a stack, after Spark's start.

    Raises:
        ConfigurationError: `HOME` cannot be written either.
    """
    if any("-Duser.home=" in environ.get(name, "") for name in _OPTIONS):
        return None
    known = _home_of_java()
    if known is not None and any(map(_takes_files, (known, *known.glob(".ivy2*")))):
        return None
    home = Path(environ.get("HOME") or "/nonexistent")
    if home.is_absolute() and _takes_files(home):
        return str(home / _BELOW_HOME)
    raise ConfigurationError(
        f"{KEY}: Spark keeps the jars that it fetches in your home folder, and {known or home} cannot be written; "
        f"name a folder that can be: --conf {KEY}=FOLDER"
    )


def _home_of_java() -> Path | None:
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def _takes_files(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
