"""Where a run is found: by its name, by its folder, in the layout of before; and what is no run of a workspace."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.recorded import named_run, no_run, read_run
from batch_transform.s3.ledger import Ledger
from support.memory_store import MemoryStore

WORKSPACE = S3Uri.parse("s3://bucket/ws")


def begun(store, layout):
    opened = {"run_id": layout.name, "nonce": "n", "config": {}, "at": "2024-05-01T00:00:00+00:00"}
    told = {"rows_apart": True} if layout.rows_apart else {}
    Ledger(store, layout, "w", 1, lambda seconds: None).append("opened", {**opened, **told})
    return layout


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("name", ["r", "runs", "rows", "ledger", "scheduled..0a1b2c3d"])
def test_a_run_is_found_where_it_was_begun(apart, name):
    store = MemoryStore()
    layout = begun(store, RunLayout(WORKSPACE, name, rows_apart=apart))
    assert read_run(WORKSPACE, name, store).layout == layout
    assert named_run(WORKSPACE.join(name), store).layout == layout


def test_the_folder_of_its_ledger_names_it_too_and_a_workspace_of_that_name_first():
    store = MemoryStore()
    layout = begun(store, RunLayout(WORKSPACE, "r"))
    assert named_run(layout.kept, store).layout == layout
    other = begun(store, RunLayout(WORKSPACE.join("runs"), "r"))
    assert named_run(layout.kept, store).layout == other
    assert read_run(WORKSPACE, "r", store).layout == layout


@pytest.mark.parametrize("minutes", [-14, 14])
def test_whether_a_driver_is_at_work_is_told_by_the_clock_of_s3_alone(minutes, monkeypatch):
    """One at work was told as dead, with how to go on without it, by whoever's clock was a minute ahead."""
    store = MemoryStore()
    layout = begun(store, RunLayout(WORKSPACE, "r"))
    store.put(layout.lease, b"{}")
    info = store.head(layout.lease)
    here = replace(CLOCK, wall=lambda: info.last_modified.timestamp() + 60 * minutes)
    monkeypatch.setattr("batch_transform.pipeline.recorded.CLOCK", here)
    told = replace(info, told_at=info.last_modified + timedelta(seconds=20))
    monkeypatch.setattr(store, "head", lambda uri: told)
    assert named_run(layout.run, store).lease_age_seconds() == 20.0


def test_what_never_began_begins_with_its_rows_apart():
    found = read_run(WORKSPACE, "r", MemoryStore())
    assert (found.state, found.layout) == (None, RunLayout(WORKSPACE, "r"))


def test_a_run_of_before_of_a_workspace_that_was_named_runs_is_not_taken_for_another_ones():
    store = MemoryStore()
    old = begun(store, RunLayout(WORKSPACE.join("runs"), "r", rows_apart=False))
    assert named_run(old.run, store).layout == old
    with pytest.raises(
        ConfigurationError, match="holds a run that an earlier version began in a workspace s3://bucket/ws/runs"
    ):
        read_run(WORKSPACE, "r", store)


def test_a_run_that_may_be_meant_is_named_whichever_version_began_it():
    store = MemoryStore()
    begun(store, RunLayout(WORKSPACE, "churn-2024-05-01"))
    begun(store, RunLayout(WORKSPACE, "scoring-7", rows_apart=False))
    for name, other in {"churn-2024-05-02": "churn-2024-05-01", "scoring-8": "scoring-7"}.items():
        uri = WORKSPACE.join(name)
        told = f"{uri}: there is no run (did you mean s3://bucket/ws/{other}?); a run is named <workspace>/<run_id>"
        assert no_run(str(uri), uri, store) == told


def test_no_run_is_meant_where_none_is_alike_and_a_bucket_that_is_not_there_is_told():
    store = MemoryStore()
    begun(store, RunLayout(WORKSPACE, "churn"))
    for name in ("rows", "runs", "weather"):  # the first two are folders, and no runs
        assert "did you mean" not in no_run("x", WORKSPACE.join(name), store)
    elsewhere = S3Uri.parse("s3://nobody/ws/churn")
    assert no_run("x", elsewhere, store).startswith("x: there is no bucket nobody; ")


def test_a_folder_that_is_no_run_is_not_meant():
    store = MemoryStore()
    begun(store, RunLayout(WORKSPACE, "weather"))
    for name in ("churn", "churn-data"):
        store.put(WORKSPACE.join(name, "in.parquet"), b"")
    assert "did you mean" not in no_run("x", WORKSPACE.join("churn"), store)
