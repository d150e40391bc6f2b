"""The request to stop a run, as an object that its driver looks for at each poll."""

from __future__ import annotations

import json

from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.run_layout import RunLayout


def request_stop(store: ObjectStore, layout: RunLayout, epoch: int, at: str) -> None:
    """Asks the driver that holds the run's lease at `epoch` to stop; one that takes over later is not meant."""
    store.put(layout.stop_request, json.dumps({"epoch": epoch, "at": at}, sort_keys=True).encode())


def is_stop_requested(store: ObjectStore, layout: RunLayout, epoch: int) -> bool:
    """Returns whether the driver of `epoch` is asked to stop; a store that does not tell is asked again later."""
    try:
        body, _ = store.get(layout.stop_request)
    except StoreFailure:
        return False
    try:
        return bool(json.loads(body)["epoch"] == epoch)
    except (ValueError, TypeError, KeyError):
        return False  # what somebody else put there asks nobody
