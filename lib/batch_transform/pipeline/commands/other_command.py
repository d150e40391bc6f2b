"""The command line of another command for the same run, for a person or an orchestrator to give."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping

from batch_transform.config.loading import surroundings
from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.config.surroundings import Surroundings
from batch_transform.core.escaping import SECRET
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.parser import SUBMIT
from batch_transform.pipeline.handshake import PROGRAM


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
    words = [environ.get(PROGRAM, "batch-transform"), command, config.folder]
    if command != SUBMIT:
        words += [word for option in asked.spark if not SECRET.search(str(option)) for word in option if word]
    near = surroundings(asked.sets, asked.emulator_models) if is_s3(asked.subject) else config
    words += [word for text in _sets(near) if not SECRET.search(text) for word in ("--set", text)]
    if asked.rest and command != SUBMIT and not any(map(SECRET.search, asked.rest)):
        words += ["--", *asked.rest]
    return shlex.join(words)


def _sets(near: RunConfig | Surroundings) -> Iterator[str]:
    """What reaches AWS or the emulator, where it is not the default."""
    for section in ("aws", "emulator"):
        given = getattr(near, section)
        for key, value in given.model_dump(exclude_defaults=True).items() if given is not None else ():
            yield f"{section}.{key}={json.dumps(value) if isinstance(value, dict) else value}"
