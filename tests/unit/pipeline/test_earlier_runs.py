"""What earlier runs tell is not known where nobody can look at them, and then that is said."""

from __future__ import annotations

import pytest

from batch_transform.config.loading import load
from batch_transform.core.estimate.earlier_jobs import NOTHING_KEPT, UNREADABLE, speed_told
from batch_transform.core.first_run_file import FirstRun, run_file_text
from batch_transform.core.ledger import Step, StepKind, encode
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands import plan_surroundings
from batch_transform.pipeline.commands.plan_surroundings import around
from batch_transform.pipeline.earlier_runs import EarlierRuns, earlier_runs, latest_published
from support.memory_run import LAYOUT, MemoryRun, echoing

WORKSPACE = S3Uri.parse("s3://bucket/work")


class Unreadable:
    def __init__(self, code):
        self.code = code

    def folders(self, uri):
        raise StoreFailure("ListObjectsV2", uri, self.code, "no")


@pytest.mark.parametrize("code", ["AccessDenied", "403", "ExpiredToken", "SlowDown", "ConnectTimeoutError"])
def test_of_a_workspace_that_cannot_be_listed_nothing_is_known(code):
    settings = MemoryRun([1], echoing(lambda row: None)).driver().state.settings
    assert earlier_runs(Unreadable(code), WORKSPACE, settings) == EarlierRuns(unknown=UNREADABLE)


def test_where_a_bucket_or_a_workspace_is_not_there_yet_no_run_is_recorded():
    run = MemoryRun([1], echoing(lambda row: None))
    settings = run.driver().state.settings
    none = earlier_runs(Unreadable("NoSuchBucket"), WORKSPACE, settings)
    assert none == earlier_runs(run.store, WORKSPACE, settings) == EarlierRuns()
    told = speed_told(none.jobs, none.runs, settings.transform, unknown=none.unknown)
    assert told.source.startswith("no completed job of this model on such an instance is recorded in this")


@pytest.mark.parametrize(("state", "why"), [(None, NOTHING_KEPT), ("kept", "")])
def test_an_emulator_without_state_has_kept_none(tmp_path, monkeypatch, state, why):
    monkeypatch.setattr(plan_surroundings, "check_model_servers", lambda config, clock: None)
    place = tmp_path / "run.yml"
    place.write_text(run_file_text(FirstRun("in.parquet", False, "parquet", "m")), encoding="utf-8")
    kept = [] if state is None else [f"emulator.state={tmp_path}"]
    config = load(place, sets=kept, variables=["ds=1"], emulator_models=["m=http://127.0.0.1:1"], environ={})
    assert around(config, None).before.unknown == why
    assert around(config, None).before.jobs == ()


@pytest.mark.parametrize("words", [b"5", b"null", b"[]", b"\xff", b"[" * 100_000, b'{"model": "m", "jobs": [5]}'])
def test_a_report_that_is_none_tells_nothing(words):
    run = MemoryRun([1], echoing(lambda row: None))
    settings = run.driver().state.settings
    run.store.put(LAYOUT.status, words)
    assert earlier_runs(run.store, LAYOUT.workspace, settings) == EarlierRuns()


OF_AN_EARLIER_VERSION = {"run_id": "a", "status": "published"}


@pytest.mark.parametrize("report", [5, {}, {**OF_AN_EARLIER_VERSION, "output": 5}, OF_AN_EARLIER_VERSION])
def test_a_run_of_which_nobody_can_say_what_it_has_published_is_not_the_latest(report):
    store = MemoryRun([1], echoing(lambda row: None)).store
    store.put(LAYOUT.step(99), encode(Step(99, "w", 1, "", StepKind.DONE.value, 1, {"report": report})))
    assert latest_published(store, RunLayout(LAYOUT.workspace, "another"), "out").run_id is None
