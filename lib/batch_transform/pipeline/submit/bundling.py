"""A run for a platform that takes a folder: a run file for another machine, what lies beside it, how it is given.

In such a run file nothing is left to look up on the other machine but secrets.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from batch_transform.config.faults import FILLED_IN
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.report_keys import Uploaded
from batch_transform.core.secret_values import is_external_id, secrets_of, with_texts
from batch_transform.deploy.port import BundleTarget, Keys

# What YAML has between quotes only when it is escaped, and JSON as it is.
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
# The section of which a driver that has been started knows nothing.
_OF_THIS_MACHINE = (*FILLED_IN, "deploy")


def secret_variables(config: RunConfig) -> dict[str, str]:
    """Returns the variables that the driver needs in its environment, each with the key that is read from it.

    Raises:
        ConfigurationError: a secret is in the run file itself.
    """
    document = config.to_document()
    known = config.secret_variables
    bare = [key for key in secrets_of(document) if key not in known and not is_external_id(tuple(key.split(".")))]
    if bare:
        raise ConfigurationError(
            f"{key}: is a secret, and the run file is uploaded: write ${{NAME}} in its place, and set that variable "
            "where the driver runs"
            for key in bare
        )
    return {name: key for key, name in known.items() if not is_external_id(tuple(key.split(".")))}


def portable(config: RunConfig, region: str | None) -> str:
    """Returns the text of a run file that says what this one does.

    Args:
        config: the checked run file; each of its secrets is a variable.
        region: of whoever uploads it, where the run file names none: a cluster's nodes know none by themselves.
    """
    away = secret_variables(config)
    by_key = {key: name for name, key in away.items()}

    def change(key: str, text: str) -> str:
        return f"${{{by_key[key]}}}" if key in by_key else text.replace("${", "$${")

    changed = with_texts(config.to_document(), change)
    document = {key: value for key, value in changed.items() if key not in _OF_THIS_MACHINE}
    if document["aws"]["region"] is None and region is not None:
        document["aws"] = {**document["aws"], "region": region}
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    return _NOT_PRINTABLE.sub(lambda found: f"\\U{ord(found[0]):08x}", text) + "\n"


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
