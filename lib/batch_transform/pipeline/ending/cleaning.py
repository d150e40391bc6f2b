"""Removes what a run has left behind, its ledger and its reports excepted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import BatchTransformError, ConfigurationError
from batch_transform.core.ledger import StepKind
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.publishing.file_publication import KINDS
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_state import RunState
from batch_transform.core.state.fold import advance
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.places import Places, places_of
from batch_transform.pipeline.targets import Targets, targets_of
from batch_transform.s3.lease import RunLease
from batch_transform.s3.ledger import Ledger


def clean(
    config: RunConfig, layout: RunLayout, state: RunState, store: ObjectStore, lease: RunLease, ledger: Ledger
) -> tuple[RunState, list[str]]:
    """Returns the state, recorded as cleaned, and the places that could not be cleaned from here.

    It is recorded first: a run of which parts are gone must not be gone on with. Doing it again removes what a killed
    one has left. What tasks wrote that failed, and drivers that were killed, goes as well.

    Args:
        config: the run's.
        layout: where it lies.
        state: what its ledger says.
        store: S3.
        lease: of the run; held.
        ledger: of the run.

    Raises:
        LedgerFenced: another driver has taken over.
        ServiceFailure: S3 refused; what is left can be cleaned again.
    """
    lease.require()
    if not state.cleaned:
        state = advance(state, ledger.append(StepKind.CLEANED, {}))
    places = places_of(config, layout, None)
    targets = targets_of(config, places)
    lease.require()
    store.delete(_objects(store, places, targets, state))
    lease.require()
    return state, [place for place in _folders(places, targets, ledger.writers) if not _cleared(place, store)]


def _cleared(location: str, store: ObjectStore) -> bool:
    """Whether the folder is removed: a file system that only Spark reaches is out of reach."""
    with suppress(ConfigurationError):
        open_tree(location, store).clear()
        return True
    return False


def clean_after(
    config: RunConfig, layout: RunLayout, state: RunState, store: ObjectStore, lease: RunLease, ledger: Ledger
) -> tuple[RunState, list[str]]:
    """Cleans a published run; that something could not be removed is no failure of the run, and is told as a place."""
    try:
        return clean(config, layout, state, store, lease, ledger)
    except BatchTransformError as err:
        return state, [str(err)]


def _objects(store: ObjectStore, places: Places, targets: Targets, state: RunState) -> Iterator[S3Uri]:
    """What the run has written into its folder, but for ledger, lease, reports, and the list of what it published.

    Named one by one, not as all but those: another run's workspace may lie in this one's folder.
    """
    layout = places.layout
    kept = {layout.part(part.key).key for part in (state.publication.parts if state.publication else ())}
    # Without an output the result stays in the run's folder.
    published = tuple(S3Uri.parse(path).prefix for path in targets.named().values() if is_s3(path))
    for folder in layout.cleaned:
        for found in store.list(folder):
            if not found.key.startswith(published) and found.key not in kept:
                yield S3Uri(folder.bucket, found.key)
    yield layout.stop_request


def staging_folders(places: Places, writers: tuple[str, ...]) -> list[str]:
    """Returns where the run's drivers staged rows, and no other run's: two may share a place for staging."""
    return [places.staging(writer) for writer in writers]


def _folders(places: Places, targets: Targets, writers: tuple[str, ...]) -> Iterator[str]:
    """The folders outside the run's own: staging elsewhere, and merged files beside a local output."""
    yield from staging_folders(places, writers)
    yield places.dead_letters
    for path in targets.named().values():
        if not targets.format.can.commits and not is_s3(path):
            yield from (places.sibling(path, f"{writer}-{kind}") for writer in writers for kind in KINDS)
