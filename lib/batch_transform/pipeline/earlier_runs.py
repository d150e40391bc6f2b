"""What earlier runs of a workspace have recorded of a model: how fast it is, and how many rounds they took."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from batch_transform.core.estimate.earlier_jobs import TimedJob, timed_jobs
from batch_transform.core.estimate.expected_rounds import Outcome, outcome_of
from batch_transform.core.object_store import ObjectNotFound, ObjectStore, StoreFailure
from batch_transform.core.run_layout import RUNS, RunLayout
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.uris import S3Uri

# Each is a small object. Of more runs than that the last by name are looked at, which mostly have a date in it.
_MOST_RUNS = 200
_THREADS = 16


@dataclass(frozen=True)
class EarlierRuns:
    """What they tell.

    Attributes:
        jobs: whose times tell how fast the model is.
        runs: of how many runs those are.
        outcomes: of the runs all of whose rows had one.
    """

    jobs: tuple[TimedJob, ...] = ()
    runs: int = 0
    outcomes: tuple[Outcome, ...] = ()


def earlier_runs(store: ObjectStore, workspace: S3Uri, settings: RunSettings) -> EarlierRuns:
    """Returns what the runs of a workspace tell of a run's model.

    Nothing is told by what cannot be read.
    """
    try:
        names = [folder.name for folder in store.folders(workspace.join(RUNS))][-_MOST_RUNS:]
    except StoreFailure:
        return EarlierRuns()
    types = settings.transform.instance_types
    with ThreadPoolExecutor(_THREADS) as threads:
        found = list(threads.map(lambda name: _of_run(store, RunLayout(workspace, name), settings, types), names))
    jobs = tuple(job for each in found for job in each[0])
    return EarlierRuns(jobs, sum(bool(each[0]) for each in found), tuple(each[1] for each in found if each[1]))


def _of_run(
    store: ObjectStore, layout: RunLayout, settings: RunSettings, types: Sequence[str]
) -> tuple[list[TimedJob], Outcome | None]:
    try:
        report, model = json.loads(store.get(layout.status)[0]), settings.model_name
        return timed_jobs(report, model, types), outcome_of(report, model)
    except (ObjectNotFound, StoreFailure, ValueError, KeyError, TypeError):  # another version's, or none
        return [], None
