"""The reports of a run, in its folder on S3 and, with an emulator, where a person on a laptop finds them."""

from __future__ import annotations

from pathlib import Path

from batch_transform.config import places
from batch_transform.core.escaping import visible_json
from batch_transform.core.ledger import JsonObject
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.publishing.html_report import render
from batch_transform.core.publishing.report import run_report
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_state import RunState
from batch_transform.core.statuses import RunStatus
from batch_transform.pipeline.context import RunContext


def write_html(ctx: RunContext, state: RunState) -> str:
    """Returns the location of the HTML report.

    The emulated S3 ends with the run, so there the report lies beside the scratch folder on disk.
    """
    page = render(run_report(state, RunStatus.PUBLISHED, str(ctx.places.run)), state).encode()
    ctx.store.put(ctx.places.layout.page, page)
    if not ctx.config.emulated or places.is_s3(ctx.config.staging_place):
        return str(ctx.places.layout.page)
    path = Path(ctx.places.scratch.removeprefix("file:")) / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(page)
    return str(path)


def write_status(store: ObjectStore, layout: RunLayout, report: JsonObject) -> None:
    """Writes the `status.json` of a run: in cluster mode nobody sees the driver's output or exit code."""
    store.put(layout.status, visible_json(report, indent=1).encode())
