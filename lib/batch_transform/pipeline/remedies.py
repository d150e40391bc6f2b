"""The exact command that goes on with a run otherwise than before, for a person to copy."""

from __future__ import annotations

import os

from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.handshake import again

# AWS's own words for want of capacity and of memory are "Please retry using a different ML instance type" and "Please
# use an instance type with more memory" (transform_emulator/FACTS.md, 4).
_ANOTHER_TYPE = "transform.instance_type"


def with_accepted_model(ctx: RunContext) -> str:
    """Returns the command that goes on with a run with the model as it is now."""
    if ctx.config.takes_frame:
        return "the same call of score() with accept_model=True"
    return f"{_again(ctx)} --accept-model"


def _again(ctx: RunContext) -> str:
    return again(ctx.config.ephemeral, str(ctx.places.run), os.environ)


def on_another_type(ctx: RunContext, *options: str) -> str:
    """Returns the command that goes on with a run on another instance type.

    Args:
        ctx: of the run.
        options: further ones of the command.
    """
    if ctx.config.takes_frame:
        return 'the same call of score() with another transform["instance_type"]'
    return " ".join([_again(ctx), *options, "--set", f"{_ANOTHER_TYPE}=ml.TYPE.SIZE"])
