"""How often a run lists its folders: as its objects are many, never as its jobs are times its objects."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from batch_transform.pipeline.loop import workspace_repair
from benchmarks import growth
from support.memory_run import LAYOUT, MemoryRun, echoing
from support.memory_store import MemoryStore

PAGE, REAL_PAGE = 100, 1_000  # of ListObjectsV2: all that depends on it is as much smaller here
OBJECTS = 450
FOLDERS = {"input": LAYOUT.input, "outputs": LAYOUT.outputs, "staging": LAYOUT.rows.join("staging")}


@pytest.fixture
def pages(monkeypatch):
    """Pages that were asked for, by folder."""
    asked: Counter[str] = Counter()
    listed = MemoryStore.list

    def list_(self, prefix):
        found = list(listed(self, prefix))
        for name, folder in FOLDERS.items():
            if prefix.key.startswith(folder.key):
                asked[name] += max(1, math.ceil(len(found) / PAGE))
        return iter(found)

    monkeypatch.setattr(MemoryStore, "list", list_)
    monkeypatch.setattr(workspace_repair, "_FEW_OBJECTS", workspace_repair._FEW_OBJECTS * PAGE // REAL_PAGE)
    return asked


@pytest.mark.parametrize("jobs", [1, 4, 32])
def test_pages_grow_with_objects_and_not_with_jobs_times_objects(pages, jobs, monkeypatch):
    transform = {"instance_count": jobs, "instance_start_seconds": 0}
    run = MemoryRun([1] * OBJECTS, echoing(lambda row: None), transform=transform)
    pages.clear()
    run.to_the_end()
    assert len(run.service.requests) == jobs
    of_all = math.ceil(OBJECTS / PAGE)
    monkeypatch.setattr(growth, "LIST_PAGE", PAGE)
    monkeypatch.setattr(growth, "FEW_OBJECTS", workspace_repair._FEW_OBJECTS)
    told = growth.pages(OBJECTS, jobs, OBJECTS)
    assert all(pages[name] <= told[name] <= 1.3 * pages[name] for name in FOLDERS), (pages, told)
    assert pages["input"] == 2 * of_all  # before the first job is created, before the first is judged
    # A job's own until two listings agree, and once more all of them, before the gate.
    assert 3 * of_all <= pages["outputs"] <= 3 * of_all + 2 * jobs
    assert pages["staging"] <= 5 * of_all  # the first look, and before plan, create, gate and intend


@pytest.mark.parametrize("jobs", [1, 4, 32])
def test_few_objects_are_looked_at_before_each_job(pages, jobs):
    transform = {"instance_count": jobs, "instance_start_seconds": 0}
    run = MemoryRun([1] * 64, echoing(lambda row: None), transform=transform)
    pages.clear()
    run.to_the_end()
    assert len(run.service.requests) == jobs
    assert pages["input"] == 2 * jobs + 1  # the model is recorded before the first
