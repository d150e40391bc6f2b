"""No place may lie among what runs keep, nor among rows of which a lifecycle rule may forget all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.overlapping_places import Place, Relation, place_of
from batch_transform.core.run_layout import RUNS, RunLayout, is_step, rows_of_all_runs, workspaces_around
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.places import Places

APART = "choose places apart from each other"


@dataclass(frozen=True)
class Written:
    """A table that a run publishes.

    Attributes:
        key: its section of the run file.
        told: as the run file names it.
        place: where it lies; None for a named table that is not there yet.
    """

    key: str
    told: str
    place: Place | None


def check_workspace(store: ObjectStore, workspace: S3Uri) -> None:
    """Raises ConfigurationError for a workspace among the rows of another one, whose rule would forget its ledgers."""
    if (outer := _forgetting(store, workspace)) is not None:
        raise ConfigurationError(f"workspace: {workspace} lies in {outer}, {_FORGETS}; {APART}")


def among_runs(tables: Iterable[Written], places: Places) -> Iterator[str]:
    """Yields a fault for a table where the rows, or the ledgers, of the workspace's runs lie; a default one may."""
    own = [place_at(places.result), place_at(f"{places.result}_dead_letter")]
    for folder, why in places.layout.of_all_runs.items() if places.layout.rows_apart else ():
        for table in tables:
            if table.place not in own and is_within(table.place, place_at(str(folder))):
                yield f"{table.key}: {table.told} lies in {folder}, {why}; {APART}"


def among_other_runs(tables: Iterable[Written], places: Places, store: ObjectStore) -> Iterator[str]:
    """Yields a fault for a table among what an earlier version's run keeps, or among another workspace's rows."""
    layout = places.layout
    workspace = place_at(str(layout.workspace))
    for table in tables:
        place = table.place
        if place is None or not place.root.startswith("s3://"):
            continue
        if place.to(workspace) is Relation.INSIDE:
            other = RunLayout(layout.workspace, place.parts[len(workspace.parts)], rows_apart=False)
            if other.run != layout.run and store.head(other.step(0)) is not None:
                yield f"{table.key}: {table.told} lies in {other.run}, which another run keeps; {APART}"
        outer = _forgetting(store, S3Uri(place.root.removeprefix("s3://"), "/".join(place.parts)))
        if outer is not None and outer != rows_of_all_runs(layout.workspace):
            yield f"{table.key}: {table.told} lies in {outer}, {_FORGETS}; {APART}"


_FORGETS = "the rows of the runs of another workspace, of which a lifecycle rule may forget all"


# Of a run's folder only the lease comes before the ledger, and few runs have a lease and never began.
_FIRST = 100


def _forgetting(store: ObjectStore, uri: S3Uri) -> S3Uri | None:
    """The folder of a workspace's rows in which a location lies, where runs have begun in that workspace."""
    for workspace in workspaces_around(uri):
        first = islice(store.list(workspace.join(RUNS)), _FIRST) if store.bucket(workspace.join(RUNS)) else ()
        if any(is_step(found.key) for found in first):
            return rows_of_all_runs(workspace)
    return None


def place_at(location: str) -> Place:
    """Returns the place that a location names for the driver."""
    return place_of(location, os.path.realpath)


def is_within(inner: Place | None, outer: Place | None) -> bool:
    """Returns whether a place is another one, or lies in it."""
    return inner is not None and outer is not None and inner.to(outer) in (Relation.SAME, Relation.INSIDE)
