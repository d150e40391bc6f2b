"""The reports of a run, in its folder on S3 and, with an emulator, where a person on a laptop finds them."""

from __future__ import annotations

import platform
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyarrow as pa

from batch_transform.config import places
from batch_transform.core.errors import BatchTransformError
from batch_transform.core.escaping import visible_json
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.publishing.report import run_report
from batch_transform.core.report_keys import RunReport
from batch_transform.core.report_page.facts import PageFacts
from batch_transform.core.report_page.page import render
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.run_state import RunState
from batch_transform.core.statuses import GONE_ON_WITH, RunStatus
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.ending.exits import Exit
from batch_transform.pipeline.remedies import GONE_WITH_ITS_EMULATOR, once_more, seeing_errors
from batch_transform.s3.ledger import Ledger

# Of more objects no sizes are shown: the list of a million is 50 MB, and a process that is to end has little time.
MOST_OBJECTS = 1_000_000
PAGE_NAME = "report.html"
_PACKAGES = ("spark-batch-transform", "pyspark", "pyarrow", "boto3", "sagemaker-core")


@dataclass(frozen=True)
class Reporting:
    """Where a run's reports go, and what they are made of beside its state.

    Attributes:
        store: S3.
        layout: of the run.
        ledger: of the run, as far as this process knows it.
        now: the time of day.
        region: where AWS's console shows the run; None: an emulator's, which has none.
        beside: a file that is the page as well: the emulated S3 ends with the run.
    """

    store: ObjectStore
    layout: RunLayout
    ledger: Ledger
    now: datetime
    region: str | None
    beside: Path | None = None

    def write(self, state: RunState, report: RunReport) -> RunReport:
        """Returns a run's report once it and its page are written; it says where the page is, if it could be written.

        In cluster mode nobody sees the driver's output or exit code, and reads `status.json`.

        Raises:
            BatchTransformError: the report itself could not be written.
        """
        if state.report is None:  # a published run has its page, of when it was published
            report["report"] = None
            with suppress(BatchTransformError):
                report["report"] = self.write_page(state, report)
        self.store.put(self.layout.status, visible_json(report, indent=1).encode())
        return report

    def write_page(self, state: RunState, report: RunReport) -> str | None:
        """Returns the location of the page once it is written.

        None where what is recorded cannot be drawn, or the page cannot be kept on this disk.

        Raises:
            BatchTransformError: S3 would not take it.
        """
        try:
            page = self.drawn(state, report)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None  # a run is not to fail, nor to lose its report, for a picture of it
        self.store.put(self.layout.page, page)
        if self.beside is None:
            return str(self.layout.page)
        try:
            self.beside.parent.mkdir(parents=True, exist_ok=True)
            self.beside.write_bytes(page)
        except OSError:  # a disk that is full, as above
            with suppress(OSError):
                self.beside.unlink()  # half a page
            return None
        return str(self.beside)

    def drawn(self, state: RunState, report: RunReport) -> bytes:
        """Returns the page; what is recorded may not be drawn, which raises whatever error that is."""
        steps, objects = self.ledger.steps, self._objects(state)
        return render(PageFacts(report, state, steps, self.now, objects, versions_here(), self.region)).encode()

    def _objects(self, state: RunState) -> pa.Table | None:
        if state.spans is None or state.spans.rows > MOST_OBJECTS:
            return None
        with suppress(BatchTransformError):  # it is gone: the rest of the page is told without it
            return self.ledger.read_part(state.spans)
        return None


def page_on_this_disk(said: RunReport | None) -> Path | None:
    """Returns the page that a run's last driver has left on this machine, where there is one still.

    Args:
        said: what that driver has written of its end.
    """
    page = Path((said["report"] if said else None) or "")
    return page if page.is_absolute() and page.name == PAGE_NAME and page.is_file() else None


def reporting_of(ctx: RunContext) -> Reporting:
    """Returns where the reports of a driver's run go."""
    on_disk = ctx.config.emulated and places.scheme_of(ctx.places.scratch) in ("", "file")
    beside = Path(ctx.places.scratch.removeprefix("file:")) / PAGE_NAME if on_disk else None
    return Reporting(ctx.store, ctx.places.layout, ctx.ledger, ctx.clock.now(), ctx.region, beside)


def report_so_far(ctx: RunContext, state: RunState, status: RunStatus) -> RunReport:
    """Returns the report of a driver's run as far as it has come, with the command that shows what failed."""
    named, took = str(ctx.places.run), ctx.took(state)
    return run_report(state, status, named, took, seeing_errors(ctx), emulated=ctx.region is None)


def report_of_end(ctx: RunContext, state: RunState, found: Exit, error: BaseException) -> RunReport:
    """Returns the report of a run that an error has ended, with what goes on with it, if anything does."""
    report = report_so_far(ctx, state, found.status)
    report["error"] = list(found.lines)
    if found.ways:
        report["ways"] = list(found.ways)
    report["next"] = None
    if found.status not in GONE_ON_WITH or getattr(error, "is_final", False):
        return report
    if getattr(error, "wants_setting", False):
        report["advice"] = [f"Set what the error names, then: {once_more(ctx)}", *report["advice"]]
    elif ctx.config.ephemeral:
        report["advice"] = [f"{GONE_WITH_ITS_EMULATOR} To begin anew: {once_more(ctx)}", *report["advice"]]
    else:
        report["next"] = once_more(ctx)
    return report


def versions_here() -> tuple[tuple[str, str], ...]:
    """Returns the versions of what is at work in this process; a platform may have Spark without its package."""
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    spark = sys.modules.get("pyspark")
    if spark is not None:
        found["pyspark"] = getattr(spark, "__version__", found.get("pyspark", "unknown"))
    return tuple(found.items())
