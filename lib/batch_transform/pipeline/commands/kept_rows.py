"""Where rows of a run lie that have failed, as far as it can be seen from here and before anything is published."""

from __future__ import annotations

from contextlib import suppress

from batch_transform.config.loading import recorded_config
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_state import RunState
from batch_transform.core.run_views.failed_rows import RowPlaces
from batch_transform.outputs.seen_names import holds_data
from batch_transform.pipeline.places import places_of
from batch_transform.pipeline.recorded import RecordedRun


def row_places(run: RecordedRun, state: RunState) -> RowPlaces:
    """Returns where the rows of a run lie; what cannot be seen from here is as if it were not there."""
    if state.cleaned or state.forgotten:
        return RowPlaces(None, state.staged, are_forgotten=True)
    kept = None
    with suppress(ConfigurationError):
        kept = _kept(run, state)
    return RowPlaces(kept, state.staged)


def _kept(run: RecordedRun, state: RunState) -> str | None:
    """Where dead letters were kept by the gate as it stands; what an earlier one has kept tells other rows."""
    config = recorded_config(state.config, is_of_frame=state.settings.is_of_frame)
    counts = state.gate.payload if state.gate is not None else None
    if counts is None or config.errors.accepts(counts["rows_dead_letter"], counts["rows_in"]):
        return None
    place = places_of(config, run.layout, None).dead_letters
    return place if holds_data(place, run.store) else None
