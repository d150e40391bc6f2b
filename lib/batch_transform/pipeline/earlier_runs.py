"""What earlier runs of a workspace have recorded of a model's speed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from batch_transform.core.estimate.earlier_jobs import TimedJob, timed_jobs
from batch_transform.core.object_store import ObjectNotFound, ObjectStore, StoreFailure
from batch_transform.core.run_layout import RUNS, RunLayout
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.uris import S3Uri

# Each is a small object. Of more runs than that the last by name are looked at, which mostly have a date in it.
_MOST_RUNS = 200
_THREADS = 16


def earlier_jobs(store: ObjectStore, workspace: S3Uri, settings: RunSettings) -> tuple[list[TimedJob], int]:
    """Returns the jobs of a workspace that tell how fast a run's model is, and of how many runs they are.

    Nothing is told by what cannot be read.
    """
    try:
        names = [folder.name for folder in store.folders(workspace.join(RUNS))][-_MOST_RUNS:]
    except StoreFailure:
        return [], 0
    types = settings.transform.instance_types
    with ThreadPoolExecutor(_THREADS) as threads:
        found = list(threads.map(lambda name: _of_run(store, RunLayout(workspace, name), settings, types), names))
    return [job for jobs in found for job in jobs], sum(bool(jobs) for jobs in found)


def _of_run(store: ObjectStore, layout: RunLayout, settings: RunSettings, types: Sequence[str]) -> list[TimedJob]:
    try:
        return timed_jobs(json.loads(store.get(layout.status)[0]), settings.model_name, types)
    except (ObjectNotFound, StoreFailure, ValueError, KeyError, TypeError):  # another version's, or none
        return []
