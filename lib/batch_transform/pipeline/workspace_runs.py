"""The runs of a workspace, by their ledgers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from batch_transform.core.object_store import ObjectInfo, ObjectStore
from batch_transform.core.run_layout import RUNS, RunLayout, run_of_step
from batch_transform.core.uris import S3Uri

# A workspace may have thousands of runs, and what is asked of each is a small object.
LISTING_THREADS = 16


def runs_of(store: ObjectStore, workspace: S3Uri) -> dict[S3Uri, datetime]:
    """Returns the runs of a workspace, with the time of the last step of each; what they keep is not listed.

    Raises:
        StoreFailure: there is no such bucket, or it may not be listed.
    """
    found: dict[S3Uri, datetime] = {}
    for layout, steps in ledgers_of(store, workspace):
        times = [info.last_modified for info in steps]
        found[layout.run] = max([*times, found.get(layout.run, times[0])])
    return found


def ledgers_of(store: ObjectStore, workspace: S3Uri) -> Iterator[tuple[RunLayout, list[ObjectInfo]]]:
    """Yields the runs of a workspace with the steps of each, of which there is one at least.

    Raises:
        StoreFailure: there is no such bucket, or it may not be listed.
    """

    def steps_of(layout: RunLayout) -> list[ObjectInfo]:
        return [info for info in store.list(layout.ledger) if run_of_step(workspace, info.key) == layout]

    today = (RunLayout(workspace, folder.name) for folder in store.folders(workspace.join(RUNS)))
    before = (RunLayout(workspace, folder.name, rows_apart=False) for folder in store.folders(workspace))
    layouts = [*today, *before]
    with ThreadPoolExecutor(LISTING_THREADS) as pool:
        yield from (found for found in zip(layouts, pool.map(steps_of, layouts), strict=True) if found[1])
