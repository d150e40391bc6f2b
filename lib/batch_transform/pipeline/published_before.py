"""What the latest published run with the same output has kept, by the last steps of the workspace's ledgers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from batch_transform.core.errors import LedgerCorrupt
from batch_transform.core.expectations import Previous, kept_values
from batch_transform.core.ledger import StepKind, decode
from batch_transform.core.object_store import ObjectInfo, ObjectStore
from batch_transform.core.report_keys import RunReport
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.recorded import ledgers_of

_THREADS = 16


def latest_published(store: ObjectStore, own: RunLayout, output: str) -> Previous:
    """Returns what is kept of the run that has published to an output last, by S3's clock, but for this one.

    Of each other run of the workspace the last step is read: the report is in it.

    Raises:
        StoreFailure: S3 does not tell.
    """
    others = [steps for layout, steps in ledgers_of(store, own.workspace) if layout != own]
    with ThreadPoolExecutor(_THREADS) as pool:
        found = [each for each in pool.map(lambda steps: _published(store, own, steps), others) if each]
    same = [each for each in found if (each[1]["output"] or "").rstrip("/") == output.rstrip("/")]
    if not same:
        return Previous(None, {}, output)
    report = max(same, key=lambda each: each[0])[1]
    return Previous(report["run_id"], kept_values(report.get("expectations", [])), output)


def _published(store: ObjectStore, own: RunLayout, steps: Sequence[ObjectInfo]) -> tuple[datetime, RunReport] | None:
    """When a run was done, and its report; None: it is not."""
    for info in sorted(steps, key=lambda info: info.key, reverse=True):
        try:
            step = decode(store.get(S3Uri(own.workspace.bucket, info.key))[0])
        except LedgerCorrupt:
            return None  # nobody can say what that run has published
        if step.kind == StepKind.DONE:
            return info.last_modified, step.payload["report"]
        if step.kind != StepKind.CLEANED:
            break
    return None
