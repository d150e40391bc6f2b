"""What `list` tells of each run of a workspace, by few requests for each and several runs at a time.

A workspace has a run a day and more. Of a published one the first and the last step of its ledger are read, whatever
else that has: nothing changes it any more. Of any other all is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from batch_transform.core.errors import BatchTransformError, LedgerCorrupt
from batch_transform.core.ledger import StepKind, decode
from batch_transform.core.object_store import ObjectInfo, ObjectStore
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_views.listed_runs import ListedRun, listed_published, listed_run, unreadable_run
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.looked_at import recorded_report
from batch_transform.pipeline.earlier_runs import published_report
from batch_transform.pipeline.ending.exits import typed_errors
from batch_transform.pipeline.recorded import named_run, run_at
from batch_transform.pipeline.workspace_runs import LISTING_THREADS, ledgers_of

Ledgers = Sequence[tuple[RunLayout, list[ObjectInfo]]]


def listed_runs(store: ObjectStore, workspace: S3Uri) -> list[ListedRun]:
    """Returns the runs of a workspace, the one that was last at work first.

    Raises:
        StoreFailure: there is no such bucket, or it may not be listed.
    """
    found: dict[S3Uri, list[tuple[RunLayout, list[ObjectInfo]]]] = {}
    for layout, steps in ledgers_of(store, workspace):
        found.setdefault(layout.run, []).append((layout, steps))
    with ThreadPoolExecutor(LISTING_THREADS) as pool:
        runs = list(pool.map(lambda ledgers: _listed(store, ledgers), found.values()))
    return sorted(runs, key=lambda run: run["moved_at"], reverse=True)


def _listed(store: ObjectStore, ledgers: Ledgers) -> ListedRun:
    """A run, or why it cannot be told; the others are to be told all the same."""
    moved_at = max(info.last_modified for _, each in ledgers for info in each).isoformat()
    try:
        with typed_errors():
            return _read(store, ledgers, moved_at)
    except BatchTransformError as err:
        return unreadable_run(str(ledgers[0][0].run), moved_at, str(err))


def _read(store: ObjectStore, ledgers: Ledgers, moved_at: str) -> ListedRun:
    """A run by its ledger; of several of one name, which versions have in other places, the one that commands find."""
    layout, steps = ledgers[0]
    if len(ledgers) == 1 and (short := _published(store, layout, steps, moved_at)):
        return short
    run = run_at(layout, store)
    if not run.lies_here:
        run = named_run(layout.run, store)
    if run.state is None:
        return unreadable_run(str(layout.run), moved_at, "another run lies where its ledger is looked for")
    found = recorded_report(run, run.state)
    return listed_run(found.state, found.report, moved_at)


def _published(store: ObjectStore, layout: RunLayout, steps: Sequence[ObjectInfo], moved_at: str) -> ListedRun | None:
    """A published run by the ends of its ledger; None: it is none, or more has to be looked at."""
    if [info.key for info in steps] != [layout.step(number).key for number in range(len(steps))]:
        return None  # one is gone, which reading all of it tells
    with suppress(LedgerCorrupt, KeyError, TypeError):  # an earlier version's, or another program's
        done = published_report(store, layout.workspace, steps)
        if done is None:
            return None
        opened = decode(store.get(layout.step(0))[0])
        if opened.kind == StepKind.OPENED and opened.payload.get("rows_apart", False) == layout.rows_apart:
            short = listed_published(opened.payload["at"], done[1], str(layout.run), moved_at)
            return short if short["output"] else None
    return None
