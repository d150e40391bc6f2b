"""`package`: what a cluster needs of this program, made from this program alone."""

from __future__ import annotations

import time
from pathlib import Path

from batch_transform.core.amounts import size
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.report_keys import PackageReport
from batch_transform.core.statuses import RunStatus
from batch_transform.deploy.targets import target_named
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.telling import Tell
from batch_transform.pipeline.world.environment_archive import make_archive, version_of
from batch_transform.pipeline.world.wheel import make_wheel

DIST = "dist"
ARCHIVE = "environment.tar.gz"
ENTRY = "score.py"
# What spark-submit is given where the tree with `jobs/score.py` is not: tested to be that file.
ENTRY_TEXT = '''\
"""The job that spark-submit runs: `score.py RUNFILE [OPTION ...]`, the run file on this machine or on S3."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - EMR 7.0 has 3.9 alone, 7.1 and later have 3.11 beside it
    here = ".".join(map(str, sys.version_info[:2]))
    fault = f"Python 3.10 or newer is needed, and this is {here} (EMR has python3.11 from release 7.1 on)"
    sys.stdout.write(f'{{"run_id": null, "status": "refused", "error": ["{fault}"], "report": null}}\\n')
    sys.stdout.flush()
    sys.stderr.write(f"error: {fault}\\nRefused: nothing was done and nothing is paid.\\n")
    sys.stderr.write("Mend what is named above, and try again.\\n")
    sys.exit(2)

from batch_transform.pipeline.submit.job import main

if __name__ == "__main__":
    sys.exit(main())
'''


def dist_of(asked: CommandLine) -> Path:
    """Returns the folder in which what is packaged lies."""
    return Path(asked.dist[-1] if asked.dist else DIST)


def package(asked: CommandLine, tell: Tell) -> PackageReport:
    """Returns the report of what it has made: wheel, archive where the target's workers need one, entry point.

    Raises:
        ConfigurationError: an argument is wrong, or this Python has no pip.
        ServiceFailure: pip could not get the packages.
    """
    began = time.monotonic()
    folder = dist_of(asked)
    python = version_of(asked.python[-1] if asked.python else None)
    _begin(folder)
    wheel = make_wheel(folder)
    archive = None
    if not asked.target or target_named(asked.target[-1]).takes_archive:
        tell(f"{ARCHIVE}: what workers with a bare Python {python} need, which takes a minute or two")
        archive = make_archive(wheel, python, folder / ARCHIVE)
    seconds = round(time.monotonic() - began, 1)
    archive_bytes = archive.stat().st_size if archive else None
    tell(f"{folder}: made in {seconds} s" + (f", the archive has {size(archive_bytes)}" if archive_bytes else ""))
    return {
        "status": RunStatus.PACKAGED.value,
        "wheel": str(wheel),
        "wheel_bytes": wheel.stat().st_size,
        "archive": str(archive) if archive else None,
        "archive_bytes": archive_bytes,
        "entry": str(folder / ENTRY),
        "python": python,
        "seconds": seconds,
    }


def _begin(folder: Path) -> None:
    """Makes the folder and the entry point in it: one that takes no file is told before minutes go into the others.

    Raises:
        ConfigurationError: it takes none.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ENTRY).write_text(ENTRY_TEXT, encoding="utf-8")
    except OSError as err:
        raise ConfigurationError(f"--dist: {folder} cannot be written: {err.strerror}; name another folder") from err
