"""A page of a run that an earlier version has begun, whose steps have no time by the clock."""

from __future__ import annotations

import zipfile
from datetime import datetime, timezone

import pytest

from batch_transform.core.ledger import decode
from batch_transform.core.publishing.report import run_report
from batch_transform.core.report_page.clock_times import clock_times
from batch_transform.core.report_page.facts import PageFacts
from batch_transform.core.report_page.page import render
from batch_transform.core.state.fold import fold
from batch_transform.core.statuses import RunStatus
from support.recorded import RECORDED
from support.report_pages import Page, value_at

NOW = datetime(2026, 11, 27, tzinfo=timezone.utc)


@pytest.mark.parametrize("name", ["published", "unfinished"])
def test_the_ledger_of_an_earlier_version_has_a_page(name):
    with zipfile.ZipFile(RECORDED / f"{name}.zip") as archive:
        keys = sorted(key for key in archive.namelist() if "/ledger/" in key and key.endswith(".json"))
        steps = [decode(archive.read(key)) for key in keys]
    state = fold(steps)
    # The report that it has recorded lacks what only later versions tell.
    report = run_report(state, RunStatus.PUBLISHED if state.report else RunStatus.FAILED, "s3://b/run")
    page = Page(render(PageFacts(report, state, steps, NOW)))
    assert {key: float(value) for key, value in page.numbers.items()} == {
        key: value_at(report, key) for key in page.numbers
    }
    assert state.run_id in page.text
    times = clock_times(steps, state.jobs, NOW)
    assert {"Stage", "Export", "Plan"} <= set(times.work)
    ended = [job.ended_at for job in state.jobs if job.ended_at]
    assert times.whole.stop >= max(map(datetime.fromisoformat, ended))
