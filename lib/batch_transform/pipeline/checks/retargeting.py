"""The output of a run that has set out to commit may still change, as long as no commit of the run is anywhere else."""

from __future__ import annotations

from collections.abc import Iterator

from batch_transform.config.result import DeadLetter, Output
from batch_transform.config.runfile import RunConfig
from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.ledger import JsonObject
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.run_state import RunState
from batch_transform.outputs.registry import DEFAULT
from batch_transform.pipeline.context import TableWork


def check_uncommitted(tables: TableWork, state: RunState, config: RunConfig) -> None:
    """Checks that what this run has published is where this configuration publishes it, by the transaction's identity.

    Raises:
        ConfigurationError: a table of another configuration has a commit of this run.
    """
    others = [intent for intent in state.intents if not _is_same(config, intent)]
    faults = [fault for intent in others for fault in _commits(tables, state, config, intent)]
    if faults:
        raise ConfigurationError(list(dict.fromkeys(faults)))


def _is_same(config: RunConfig, intent: JsonObject) -> bool:
    """Whether it publishes the same; an earlier version may have recorded a place in other words (`as_hadoop`)."""
    now = config.settings.published
    return RunSettings.of(intent).published == now or _given(config, intent).settings.published == now


def _given(config: RunConfig, intent: JsonObject) -> RunConfig:
    return type(config).from_document(dict(intent))


def _commits(tables: TableWork, state: RunState, config: RunConfig, intent: JsonObject) -> Iterator[str]:
    before = _given(config, intent)
    if tables.committed(state, intent, "result") is not None:
        yield (
            f"output: this run has published its result in {_told(before.output)} already; set output, and what makes "
            "its columns of predictions, to what they were"
        )
    # They go first, and are not made of predictions: where they lie already they may stay.
    dead = tables.committed(state, intent, "dead_letter")
    if dead and (_format(before), before.dead_letter_place) != (_format(config), config.dead_letter_place):
        place = _told(before.dead_letter_place)
        key = "table" if before.dead_letter_place is not None and before.dead_letter_place.table else "path"
        yield (
            f"dead_letter: this run has published {counted(dead, 'dead letter')} in {place} already; set "
            f"dead_letter.{key}: {place}, and keep output.format: {_format(before)}"
        )


def _format(config: RunConfig) -> str:
    return config.output.format if config.output is not None else DEFAULT


def _told(place: Output | DeadLetter | None) -> str:
    return "" if place is None else place.table or place.path or ""
