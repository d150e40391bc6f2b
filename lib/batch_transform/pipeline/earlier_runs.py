"""What earlier runs of a workspace tell: how fast a model is, in how many rounds, and what was published last."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from batch_transform.core.errors import LedgerCorrupt
from batch_transform.core.estimate.earlier_jobs import UNREADABLE, TimedJob, timed_jobs
from batch_transform.core.estimate.expected_rounds import Outcome, outcome_of
from batch_transform.core.expectations import Previous, kept_values
from batch_transform.core.foreign_json import parsed
from batch_transform.core.ledger import StepKind, decode
from batch_transform.core.object_store import ObjectInfo, ObjectNotFound, ObjectStore, StoreFailure
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_layout import RUNS, RunLayout
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.state.payload_forms import check_payload
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.workspace_runs import LISTING_THREADS, ledgers_of
from batch_transform.s3.s3_errors import NO_SUCH_BUCKET

# Each is a small object. Of more runs than that the last by name are looked at, which mostly have a date in it.
_MOST_RUNS = 200


@dataclass(frozen=True)
class EarlierRuns:
    """What they tell.

    Attributes:
        jobs: whose times tell how fast the model is.
        runs: of how many runs those are.
        outcomes: of the runs all of whose rows had one.
        unknown: why nobody can look at them; '': they were looked at.
    """

    jobs: tuple[TimedJob, ...] = ()
    runs: int = 0
    outcomes: tuple[Outcome, ...] = ()
    unknown: str = ""


def earlier_runs(store: ObjectStore, workspace: S3Uri, settings: RunSettings) -> EarlierRuns:
    """Returns what the runs of a workspace tell of a run's model.

    Nothing is told by what cannot be read.
    """
    try:
        names = [folder.name for folder in store.folders(workspace.join(RUNS))][-_MOST_RUNS:]
    except StoreFailure as err:
        # Where the bucket is yet to be made, nothing is recorded; who may not look does not know.
        return EarlierRuns(unknown="" if err.code == NO_SUCH_BUCKET else UNREADABLE)
    types = settings.transform.instance_types
    with ThreadPoolExecutor(LISTING_THREADS) as threads:
        found = list(threads.map(lambda name: _of_run(store, RunLayout(workspace, name), settings, types), names))
    jobs = tuple(job for each in found for job in each[0])
    return EarlierRuns(jobs, sum(bool(each[0]) for each in found), tuple(each[1] for each in found if each[1]))


def _of_run(
    store: ObjectStore, layout: RunLayout, settings: RunSettings, types: Sequence[str]
) -> tuple[list[TimedJob], Outcome | None]:
    try:
        report, model = parsed(store.get(layout.status)[0]), settings.model_name
        return timed_jobs(report, model, types), outcome_of(report, model)
    # Another version's, or none.
    except (ObjectNotFound, StoreFailure, ValueError, KeyError, TypeError, AttributeError):
        return [], None


def latest_published(store: ObjectStore, own: RunLayout, output: str) -> Previous:
    """Returns what is kept of the run that has published to an output last, by S3's clock, but for this one.

    Of each other run of the workspace the last step is read: the report is in it.

    Raises:
        StoreFailure: S3 does not tell.
    """
    others = [steps for layout, steps in ledgers_of(store, own.workspace) if layout != own]
    with ThreadPoolExecutor(LISTING_THREADS) as pool:
        found = [each for each in pool.map(lambda steps: published_report(store, own.workspace, steps), others) if each]
    same = [each for each in found if (each[1].get("output") or "").rstrip("/") == output.rstrip("/")]
    if not same:
        return Previous(None, {}, output)
    report = max(same, key=lambda each: each[0])[1]
    return Previous(report.get("run_id"), kept_values(report.get("expectations", [])), output)


def published_report(
    store: ObjectStore, workspace: S3Uri, steps: Sequence[ObjectInfo]
) -> tuple[datetime, RunReport] | None:
    """Returns when a run was done, and its report; None: it is not, or its last step cannot be read.

    Args:
        store: S3.
        workspace: of the run.
        steps: of its ledger, of which the last one is read: after `done` nothing follows but `cleaned`.
    """
    for info in sorted(steps, key=lambda info: info.key, reverse=True):
        try:
            step = decode(store.get(S3Uri(workspace.bucket, info.key))[0])
            check_payload(step)
        except (LedgerCorrupt, ValueError):
            return None  # nobody can say what that run has published
        if step.kind == StepKind.DONE:
            return info.last_modified, step.payload["report"]
        if step.kind != StepKind.CLEANED:
            break
    return None
