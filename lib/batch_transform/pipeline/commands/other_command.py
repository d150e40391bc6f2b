"""The command line of another command for the same run, for a person or an orchestrator to give."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress

from batch_transform.config.loading import surroundings
from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.config.surroundings import Surroundings
from batch_transform.core.errors import BatchTransformError
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import PREPARE, RUN
from batch_transform.pipeline.commands.named_run import whereabouts_of
from batch_transform.pipeline.handshake import ANEW_VARIABLE, COMMAND_VARIABLE
from batch_transform.pipeline.reaching import has_secret, options_near
from batch_transform.pipeline.spelling import (
    PROGRAM_NAME,
    PROGRAM_VARIABLE,
    RESUME_VARIABLE,
    SEE_ERRORS_VARIABLE,
    Spelling,
)

# Where none is known yet: of a command line that names the commands of any run.
_ANY_RUN = "RUN"


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
    return spelling_of(asked, config, environ).of(command, str(config.layout.run))


def spelling_of(asked: CommandLine, config: RunConfig | Surroundings, environ: Mapping[str, str]) -> Spelling:
    """Returns how commands about a run are given, by the command line that this one was reached by."""
    spark = [
        word for option in asked.spark if not has_secret(" ".join(filter(None, option))) for word in option if word
    ]
    spark += [
        word for flag in ("target", "dist") for value in getattr(asked, flag)[-1:] for word in (f"--{flag}", value)
    ]
    near = options_near(surroundings(asked.sets, asked.emulator_models) if not asked.names_file else config)
    rest = ["--", *asked.rest] if asked.rest and not has_secret(" ".join(asked.rest)) else []
    return Spelling(environ.get(PROGRAM_VARIABLE, PROGRAM_NAME), near, (*spark, *near, *rest))


def commands_here(asked: CommandLine, environ: Mapping[str, str], config: RunConfig | None = None) -> dict[str, str]:
    """Returns the variables by which messages spell out commands, and the very command that was given.

    Args:
        asked: the command line.
        environ: where `${name}` is looked up, and where the wrapper left its name.
        config: the run's configuration; None: not known yet.
    """
    found = Spelling(environ.get(PROGRAM_VARIABLE, PROGRAM_NAME))
    near: RunConfig | Surroundings | None = config
    with suppress(BatchTransformError, OSError):  # what is wrong is said by whoever needs it
        if near is None and not asked.names_file:
            near = surroundings(asked.sets, asked.emulator_models)
        elif near is None and asked.subject and not is_s3(asked.subject):
            near = whereabouts_of(asked, environ)
        if near is not None:
            found = spelling_of(asked, near, environ)
    run = _ANY_RUN if config is None else str(config.layout.run)
    typed = "" if any(map(has_secret, asked.given)) else shlex.join([found.program, *asked.given])
    anew = typed if asked.command in (RUN, PREPARE) else ""
    return {
        RESUME_VARIABLE: found.of("resume", run),
        SEE_ERRORS_VARIABLE: found.of("errors", run),
        COMMAND_VARIABLE: typed,
        ANEW_VARIABLE: anew,
    }
