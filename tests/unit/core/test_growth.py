"""What the core holds for each of many spans: columns, and Python objects for those alone that need them."""

from __future__ import annotations

import tracemalloc
from datetime import datetime, timezone

import numpy as np
import pytest

from batch_transform.core.framing import JSON_LINES
from batch_transform.core.isolation.observed_failures import JudgedJob
from batch_transform.core.isolation.open_spans import OPEN_SCHEMA
from batch_transform.core.isolation.reconciling import Known, reconcile
from batch_transform.core.isolation.verdicts import Evidence, judge
from batch_transform.core.object_store import ObjectInfo
from batch_transform.core.publishing import gate
from batch_transform.core.resuming import altered_objects
from batch_transform.core.resuming.altered_objects import found_below, hurt, input_pins
from batch_transform.core.spans import StagedFile
from benchmarks.growth import LIST_PAGE, ROWS_OF_SPAN, ended, exported, outputs, pages, planned

SPANS = 20_000
# A dict of a span's columns is 1,500 bytes and more.
MOST_BYTES = 400


@pytest.fixture(scope="module")
def spans():
    return exported(SPANS)


def bytes_of_each(work):
    """The most that Python's own objects and numpy's arrays took, for each span, and what the work gave."""
    tracemalloc.start()
    made = work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / SPANS, made


def reconciled(spans, failing):
    verdicts = judge(ended(0), spans, Evidence(outputs(spans, failing), {}))
    job = JudgedJob(ended(0), spans, verdicts)
    return bytes_of_each(lambda: reconcile([job], OPEN_SCHEMA.empty_table(), Known(), is_first=True, is_probe=False))


def test_a_span_that_was_scored_is_a_row_of_columns_when_its_round_is_reconciled(spans):
    failing = np.arange(SPANS) % 5_000 == 7
    most, done = reconciled(spans, failing)
    assert done.open["start"].to_pylist() == (np.flatnonzero(failing) * ROWS_OF_SPAN).tolist()
    assert done.leaves.num_rows == SPANS - 4
    assert most < MOST_BYTES


def test_a_listing_is_held_as_columns_but_for_a_part_of_it(spans, monkeypatch):
    monkeypatch.setattr(altered_objects, "_PAGE", 500)
    at = datetime(2024, 5, 1, tzinfo=timezone.utc)
    names, etags = spans["object"], spans["etag"]
    shown = (ObjectInfo(f"input/{name}", etag.as_py(), 33_000, at) for name, etag in zip(names, etags, strict=True))
    most, found = bytes_of_each(lambda: found_below("input/", shown))
    assert found["name"].to_pylist() == names.to_pylist()
    assert most < MOST_BYTES / 4
    # One that is gone and one that is another are seen among the others of their job.
    mine = spans.slice(1_000, 100)
    found = found.filter(np.arange(SPANS) != 1_007)
    assert hurt(input_pins(mine, JSON_LINES), found).gone == {names[1_007].as_py()}
    other = mine.set_column(mine.schema.get_field_index("bytes"), "bytes", [[7, *[33_000] * 99]])
    assert hurt(input_pins(other, JSON_LINES), found).altered == {names[1_000].as_py()}


def test_outputs_of_one_leaf_are_proven_by_themselves(spans, monkeypatch):
    """A join by outputs takes as much memory as all else; only leaves that share one are put together."""
    files = [StagedFile("f", SPANS * ROWS_OF_SPAN, 0, SPANS * ROWS_OF_SPAN - 1, 1, 1)]
    _, done = reconciled(spans, np.zeros(SPANS, bool))
    leaf = done.leaves.slice(0, 1).to_pylist()[0]
    halves = [{**leaf, "stop": 40}, {**leaf, "start": 40, "line": 40}]
    leaves = done.leaves.slice(1).from_pylist([*halves, *done.leaves.slice(1).to_pylist()], schema=done.leaves.schema)
    joined = []
    check = gate._check_places
    monkeypatch.setattr(gate, "_check_places", lambda used: joined.append(used.num_rows) or check(used))
    assert gate.check(files, leaves).rows_scored == SPANS * ROWS_OF_SPAN
    assert joined == [2]


def test_ten_billion_rows_are_fifty_thousand_objects_whose_listings_are_some_hundred_pages():
    plan = planned(10**10)
    (lane,) = plan["jobs"]
    assert lane["rows"] == 10**10
    assert 50_000 <= lane["objects"] <= 60_000
    assert sum(pages(lane["objects"], 64, plan["staged_partitions"]).values()) < 20 * lane["objects"] / LIST_PAGE
