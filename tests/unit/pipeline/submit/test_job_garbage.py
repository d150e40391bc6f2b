"""Garbage is not looked for among what was imported: neither while that goes on, nor at the process's end."""

from __future__ import annotations

import gc

import pytest

from batch_transform.pipeline.commands import run
from batch_transform.pipeline.submit import job


@pytest.fixture(autouse=True)
def _as_before():
    yield
    gc.unfreeze()
    gc.enable()


def test_a_job_imports_without_looking_for_garbage_and_ends_without(monkeypatch):
    seen = []
    monkeypatch.setattr(job, "run", lambda *_: seen.append(gc.isenabled()) or 0)
    assert job.main() == 0
    assert seen == [False]
    assert gc.get_freeze_count() > 0


def test_once_all_is_imported_garbage_is_collected_again(monkeypatch):
    monkeypatch.setattr(run, "_IMPORTED", ())
    gc.disable()
    run._import_meanwhile()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_a_process_of_somebody_elses_keeps_its_collector_as_it_is(monkeypatch):
    monkeypatch.setattr(run, "_IMPORTED", ())
    before = gc.get_freeze_count()
    run._import_meanwhile()
    assert gc.get_freeze_count() == before
