"""Where rows of a run lie that have failed, as far as it can be seen from here and before anything is published."""

from __future__ import annotations

from contextlib import suppress

from batch_transform.config.loading import FrameConfig
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_names import is_data_file
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.run_state import RunState
from batch_transform.core.run_views.failed_rows import RowPlaces
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.places import places_of
from batch_transform.pipeline.recorded import RecordedRun


def row_places(run: RecordedRun, state: RunState) -> RowPlaces:
    """Returns where the rows of a run lie; what cannot be seen from here is as if it were not there."""
    if state.cleaned or state.forgotten:
        return RowPlaces()
    kept = None
    with suppress(ConfigurationError, StoreFailure):
        kept = _kept(run, state)
    return RowPlaces(kept, state.staged)


def _kept(run: RecordedRun, state: RunState) -> str | None:
    """Where dead letters were kept by the gate as it stands; what an earlier one has kept tells other rows."""
    kind = FrameConfig if state.settings.is_of_frame else RunConfig
    config = kind.from_document(state.config)
    counts = state.gate.payload if state.gate is not None else None
    if counts is None or config.errors.accepts(counts["rows_dead_letter"], counts["rows_in"]):
        return None
    place = places_of(config, run.layout, None).dead_letters
    is_there = any(is_data_file(file.name) for file in open_tree(place, run.store).list())
    return place if is_there else None
