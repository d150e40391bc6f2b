"""The exact command that goes on with a run, as it was or otherwise, for a person or an orchestrator to copy."""

from __future__ import annotations

import os

from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.handshake import COMMAND, RESUME, SEE_ERRORS, SUBMIT_NEXT

# Of a run whose emulator has no `state`.
GONE_WITH_ITS_EMULATOR = (
    "Its emulator has ended, and the run with it; with `emulator.state` set to a folder it would be kept, and go on."
)


def going_on(ctx: RunContext, options: str, arguments: str) -> str:
    """Returns what goes on with a run otherwise than before.

    Args:
        ctx: of the run.
        options: of the command; of the same one where the run ends with its driver, so that nothing else repeats it.
        arguments: of `score()`, where the run is a call of that.
    """
    if ctx.config.takes_frame:
        return f"the same call of score() with {arguments}"
    if ctx.config.ephemeral:
        command = os.environ.get(COMMAND, "").strip() or "start the same command with"
    else:
        command = os.environ.get(RESUME, "").strip() or f"batch-transform resume {ctx.places.run}"
    return f"{command} {options}"


def once_more(ctx: RunContext) -> str:
    """Returns what goes on with a run as it was, or begins it again where it ends with its driver."""
    if ctx.config.takes_frame:
        return "the same call of score()"
    if ctx.config.ephemeral:
        return os.environ.get(COMMAND, "").strip() or "the same command"
    return going_on(ctx, "", "").strip()


def seeing_errors(ctx: RunContext) -> str | None:
    """Returns what shows how rows have failed; None where all that tells of it ends with the driver."""
    if ctx.config.ephemeral:
        return None
    return os.environ.get(SEE_ERRORS, "").strip() or f"batch-transform errors {ctx.places.run}"


def on_another_type(ctx: RunContext, *options: str) -> str:
    """Returns what goes on with a run on another instance type; `options` are further ones of the command.

    AWS's own words for want of capacity and of memory are "Please retry using a different ML instance type" and "Please
    use an instance type with more memory" (transform_emulator/FACTS.md, 4).
    """
    setting = "--set transform.instance_type=ml.TYPE.SIZE"
    return going_on(ctx, " ".join([*options, setting]), 'another transform["instance_type"]')


def next_step(step: str, run: str) -> str:
    """Returns the command of a run's next step.

    Args:
        step: its command.
        run: the run's folder; a cluster's driver knows no more, the wrapper has left one where it began `prepare`.
    """
    words = os.environ.get(SUBMIT_NEXT, "").strip()
    return words if words and step == "submit" else f"batch-transform {step} {run}"
