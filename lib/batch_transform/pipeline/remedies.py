"""The exact command that goes on with a run, as it was or otherwise, for a person or an orchestrator to copy."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_names import another_run_id
from batch_transform.core.run_state import RunState
from batch_transform.core.state.model_versions import has_scored
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.handshake import ANEW_VARIABLE, COMMAND_VARIABLE
from batch_transform.pipeline.reaching import options_near
from batch_transform.pipeline.spelling import RESUME_VARIABLE, SEE_ERRORS_VARIABLE, Spelling, with_options

# Of a run whose emulator has no `state`.
GONE_WITH_ITS_EMULATOR = (
    "Its emulator has ended, and the run with it; with `emulator.state` set to a folder it would be kept, and go on."
)
SAME_CALL = "the same call of score()"


def going_on(ctx: RunContext, options: str, arguments: str) -> str:
    """Returns what goes on with a run otherwise than before.

    Args:
        ctx: of the run.
        options: of the command; of the same one where the run ends with its driver, so that nothing else repeats it.
        arguments: of `score()`, where the run is a call of that.
    """
    if ctx.config.takes_frame:
        return f"{SAME_CALL} with {arguments}"
    if not ctx.config.ephemeral:
        return _spelling(ctx).of("resume", str(ctx.places.run), *shlex.split(options))
    words = shlex.split(os.environ.get(COMMAND_VARIABLE, ""))
    return with_options(words, shlex.split(options)) if words else f"the same command with {options}"


def elsewhere(ctx: RunContext) -> str:
    """Returns how what was scored is published in another place, a sentence with its command."""
    output, free = ctx.config.output, "" if ctx.config.ephemeral else ", without scoring again"
    key = "path" if output is None or output.path is not None else "table"
    return f"To publish in another place{free}: {going_on(ctx, f'--set output.{key}=...', 'another output')}"


@contextmanager
def scored_is_kept(ctx: RunContext, state: RunState | None) -> Iterator[None]:
    """Tells a refusal of the output of a run that has scored how what it has is published, which no refusal loses.

    Raises:
        ConfigurationError: that of the block, with that way.
    """
    try:
        yield
    except ConfigurationError as err:
        if state is None or not has_scored(state) or not err.faults[0].startswith(("output", "dead_letter")):
            raise
        raise ConfigurationError(err.faults, [*err.ways, elsewhere(ctx)]) from err


def _spelling(ctx: RunContext) -> Spelling:
    if RESUME_VARIABLE in os.environ or SEE_ERRORS_VARIABLE in os.environ:
        return Spelling.from_environ(os.environ)
    near = options_near(ctx.config)  # a cluster's driver, or a notebook: nobody has said how it was reached
    return Spelling(near=near, spark=near)


def once_more(ctx: RunContext) -> str:
    """Returns what goes on with a run as it was, or begins it again where it ends with its driver."""
    if ctx.config.takes_frame:
        return SAME_CALL
    if ctx.config.ephemeral:
        return os.environ.get(COMMAND_VARIABLE, "").strip() or "the same command"
    return going_on(ctx, "", "").strip()


def way_on(run: str, *, takes_frame: bool) -> str:
    """Returns what goes on with a recorded run, for whoever has no driver of it.

    Args:
        run: the run's folder.
        takes_frame: whether the run is a call of `score()`.
    """
    return SAME_CALL if takes_frame else Spelling.from_environ(os.environ).of("resume", run)


def as_another_run(run_id: str, *, takes_frame: bool) -> str:
    """Returns what scores the input under another name, where that of a run cannot be used again.

    Args:
        run_id: the name that is taken.
        takes_frame: whether the run is a call of `score()`.
    """
    name = another_run_id(run_id)
    if takes_frame:
        return f"{SAME_CALL} with run_id={json.dumps(name)}"
    words = shlex.split(os.environ.get(ANEW_VARIABLE, ""))
    setting = ("--set", f"run_id={name}")
    return with_options(words, setting) if words else f"the command of its run file with {shlex.join(setting)}"


def seeing_errors(ctx: RunContext) -> str | None:
    """Returns what shows how rows have failed; None where all that tells of it ends with the driver."""
    if ctx.config.ephemeral:
        return None
    return _spelling(ctx).of("errors", str(ctx.places.run))


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
        run: the run's folder.
    """
    return Spelling.from_environ(os.environ).of(step, run)
