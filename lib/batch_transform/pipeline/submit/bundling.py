"""A run for a platform that takes a folder: what lies in it, and the platform's own commands, given in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.report_keys import Uploaded
from batch_transform.deploy.port import BundleTarget, Keys

RUN_FILE, _DESCRIPTION = "run.yml", "databricks.yml"


def written(
    target: BundleTarget, keys: Keys, name: str, dist: Path, run_file: str, arguments: tuple[str, ...]
) -> tuple[Path, list[Uploaded]]:
    """Returns the folder that is written below `dist`, and what of it goes to the platform.

    Raises:
        ConfigurationError: the wheel is not there.
    """
    wheels = sorted(dist.glob("spark_batch_transform-*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        raise ConfigurationError(
            f"{dist}: has no wheel, which a task of {target.name} is; `batch-transform package --target {target.name}` "
            "makes it"
        )
    folder = dist / target.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    wheel = Path(shutil.copy(wheels[-1], folder))
    (folder / RUN_FILE).write_text(run_file, encoding="utf-8")
    described = target.description(keys, name, wheel.name, arguments)
    (folder / _DESCRIPTION).write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
    files = [wheel, folder / RUN_FILE]
    return folder, [
        {"source": str(path), "bytes": path.stat().st_size, "target": "the bundle's files in the workspace"}
        for path in files
    ]


def given_in(folder: Path, target: BundleTarget, environ: Mapping[str, str]) -> None:
    """Gives the platform's commands in a folder, whose words go to standard error.

    Raises:
        ConfigurationError: the platform's command is not installed.
        ServiceFailure: one of them failed.
    """
    for command in target.commands():
        program = shutil.which(command[0], path=environ.get("PATH"))
        if program is None:
            raise ConfigurationError(
                f"{command[0]}: is not on the PATH; install the {target.name} CLI, or give its commands elsewhere, in "
                f"a copy of {folder}: --dry-run prints them"
            )
        done = subprocess.run(
            [program, *command[1:]], cwd=folder, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environ
        )
        if done.returncode:
            raise ServiceFailure(f"{' '.join(command)}: ended with {done.returncode}, and said why above")
