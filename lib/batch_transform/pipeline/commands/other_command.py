"""The command line of another command for the same run, for a person or an orchestrator to give."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from batch_transform.aws.access import SECTIONS
from batch_transform.config.loading import surroundings
from batch_transform.config.places import secret_in_url
from batch_transform.config.runfile import RunConfig
from batch_transform.config.surroundings import Surroundings
from batch_transform.core.secret_values import is_external_id, is_secret_name
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import ERRORS, SUBMIT
from batch_transform.pipeline.handshake import PROGRAM

_IDENTITIES = tuple(("aws", section) for section in SECTIONS)
_WITHOUT_SPARK = (SUBMIT, ERRORS)
_NAMES = re.compile(r"[\w.-]+(?=[\"']?\s*[=:])|--?[\w.-]+")


def spelled(command: str, asked: CommandLine, config: RunConfig, environ: Mapping[str, str]) -> str:
    """Returns the command line of a command that goes on with the run, on the same Spark if it needs one.

    It is printed and stored. So the run is named by its folder, which has its configuration, and only what it takes
    to get there is repeated; nothing is that looks like a secret.

    Args:
        command: that one.
        asked: the command line that this run was reached by.
        config: the run's configuration.
        environ: where the wrapper left its name.
    """
    words = [environ.get(PROGRAM, "batch-transform"), command, str(config.layout.run)]
    if command not in _WITHOUT_SPARK:
        words += [
            word for option in asked.spark if not has_secret(" ".join(filter(None, option))) for word in option if word
        ]
        words += [
            word for flag in ("target", "dist") for value in getattr(asked, flag)[-1:] for word in (f"--{flag}", value)
        ]
    near = surroundings(asked.sets, asked.emulator_models) if not asked.names_file else config
    words += [word for text in _sets(near) if not has_secret(text) for word in ("--set", text)]
    if asked.rest and command not in _WITHOUT_SPARK and not has_secret(" ".join(asked.rest)):
        words += ["--", *asked.rest]
    return shlex.join(words)


def _sets(near: RunConfig | Surroundings) -> Iterator[str]:
    """What reaches AWS or the emulator, where it is not the default."""
    for section in ("aws", "emulator"):
        given = getattr(near, section)
        for key, value in given.model_dump(exclude_defaults=True).items() if given is not None else ():
            yield from _spelled_out((section, key), value)


def _spelled_out(path: tuple[str, ...], value: Any) -> Iterator[str]:
    """A key and its value; of a section of `aws` its keys, without an external id, which is nowhere repeated."""
    if path in _IDENTITIES:
        for key, inner in value.items():
            yield from _spelled_out((*path, key), inner)
    elif value not in (None, False) and not is_external_id(path):
        text = json.dumps(value) if isinstance(value, (dict, bool)) else value
        yield f"{'.'.join(path)}={text}"


def has_secret(text: str) -> bool:
    """Returns whether an argument has a secret: by a name in it, of a setting or of an option, or in an address."""
    return secret_in_url(text) is not None or any(map(is_secret_name, _NAMES.findall(text)))
