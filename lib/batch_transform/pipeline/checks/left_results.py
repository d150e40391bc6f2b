"""A run that nobody knows any more may have left its result, where one is published that no output is named for."""

from __future__ import annotations

from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectStore
from batch_transform.outputs.seen_names import holds_data
from batch_transform.pipeline.places import Places


def check_no_result(config: RunConfig, places: Places, store: ObjectStore) -> None:
    """Checks that a run which its ledger does not know has no result in its own folder.

    Raises:
        ConfigurationError: it has: whoever named no output is told of the run, and not of an output.
    """
    if config.output is not None:
        return
    for location in (places.result, f"{places.result}_dead_letter"):
        # What cannot be looked at here is told where it is checked whether it can be written.
        if holds_data(location, store):
            raise ConfigurationError(
                f"run_id: {_unknown(config)}, of which a result is there: {location}; choose another run_id, "
                f"or delete {places.scratch}, where the rows of that run lie"
            )


def _unknown(config: RunConfig) -> str:
    """Who does not know the run, and why."""
    run = f"the run {config.run_id}"
    if config.ephemeral:
        return (
            "the emulator keeps nothing without emulator.state (a folder, with which the same run_id gives its result "
            f"back), so it does not know {run}"
        )
    if config.emulator is not None:
        return (
            f"{config.emulator.state}, the emulator's state, does not know {run} (it was kept in another one, or none)"
        )
    return f"{config.workspace} does not know {run} (its ledger is gone)"
