"""Ten billion rows are planned from some footers, a log or statistics, and it is said what is estimated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.estimate.earlier_jobs import speed_told
from batch_transform.core.estimate.plan_text import plan_lines
from batch_transform.core.estimate.run_plan import Asked, run_plan
from batch_transform.core.estimate.table_size import (
    COUNTED_FILES,
    MOST_EXACT_BYTES,
    MOST_EXACT_ROWS,
    RENDERED_ROWS,
    Statistics,
    TableSize,
    drawn,
    measured_by,
    scan_partitions,
    size_by_files,
    statistics_of,
)
from batch_transform.core.framing import Framing
from batch_transform.core.run_settings import RunSettings, TransformSettings
from batch_transform.core.sending.partitioning import Partitioning
from batch_transform.core.spans import OVERSIZE, STANDARD, UNSENDABLE

MB, MIB = 1_000_000, 1024**2
FILES, ROWS = 40_000, 10**10
DELTA = """== Optimized Logical Plan ==
Relation [id#667L,u#668] parquet, Statistics(sizeInBytes=1.1 TiB)

== Physical Plan ==
+- FileScan parquet [id#667L] Location: PreparedDeltaFileIndex(1 paths)[file:/t], PartitionFilters: []
"""
ANALYSED = """== Optimized Logical Plan ==
Filter (id#1L > 5), Statistics(sizeInBytes=1.5 GiB, rowCount=9.95E+9)
+- Relation spark_catalog.default.t[id#1L] parquet, Statistics(sizeInBytes=2.0 GiB, rowCount=1.00E+10)
"""
PLAIN = "== Optimized Logical Plan ==\nRelation [id#1L] parquet, Statistics(sizeInBytes=79.1 MiB)\n"
UNKNOWN = "== Optimized Logical Plan ==\nLogicalRDD [id#1L], false, Statistics(sizeInBytes=8.0 EiB)\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (DELTA, Statistics(round(1.1 * 1024**4), None, has_log=True)),
        (ANALYSED, Statistics(round(1.5 * 1024**3), 9_950_000_000)),
        (PLAIN, Statistics(round(79.1 * MIB))),
        (UNKNOWN, Statistics()),
        ("", Statistics()),
    ],
    ids=["delta", "analysed", "plain", "unknown", "nothing"],
)
def test_an_explained_plan_tells_size_rows_and_whether_there_is_a_log(text, told):
    assert statistics_of(text) == told


def footers(spread):
    """The rows of 40,000 files, ten billion together."""
    rows = np.random.default_rng(3).lognormal(0, spread, FILES)
    return np.round(rows * ROWS / rows.sum()).astype(int)


def looked_at(rows):
    """The size of the table by the footers that are looked at, and how many those are."""
    read = []
    names = [f"s3a://b/t/part-{place:05}.parquet" for place in range(len(rows))]

    def footer(name):
        read.append(name)
        return int(rows[int(name[-13:-8])])

    counts = [footer(name) for name in drawn(names, COUNTED_FILES)]
    return size_by_files(len(names), counts, 1_000_000 * MB), read


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.5, 1.0])
def test_forty_thousand_files_are_told_by_a_hundred_footers_with_their_error(spread):
    rows = footers(spread)
    size, read = looked_at(rows)
    assert len(read) == len(set(read)) == COUNTED_FILES
    # Twice the standard error holds in 19 of 20 cases; thrice in nearly all.
    assert abs(size.rows - rows.sum()) <= 1.5 * size.within * size.rows + 1
    assert size.within <= 2.5 * spread / math.sqrt(COUNTED_FILES) * 1.6
    assert not size.is_small


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=COUNTED_FILES))
def test_files_that_are_all_counted_leave_no_doubt(rows):
    size = size_by_files(len(rows), rows, None)
    assert (size.within, size.counted) == (0.0, len(rows))
    assert size.rows == pytest.approx(sum(rows), abs=1, rel=1e-12)


@given(st.integers(1, 500), st.integers(1, 300))
def test_names_are_drawn_once_each_and_the_same_again(count, most):
    names = [str(place) for place in range(count)]
    found = drawn(names, most)
    assert len(found) == len(set(found)) == min(count, most)
    assert found == drawn(names, most)


def asked(**transform):
    return Asked(RunSettings(transform=TransformSettings(instance_count=64, **transform)))


def records(count=16_000):
    return np.random.default_rng(5).integers(200, 460, count)


def planned(size, how=None, partitions=Partitioning(40_000, 40_000), sizes=None):  # noqa: B008 - frozen
    measured = measured_by(size, records() if sizes is None else sizes, 6 * MB, partitions, newline=True)
    how = how or asked()
    return run_plan(measured, how, speed_told((), 0, how.transform), None)


def test_ten_billion_rows_are_planned_from_some_of_their_records():
    size, _ = looked_at(footers(0.1))
    plan = planned(size, partitions=scan_partitions(size, 330, 64, 128 * MIB, 4 * MIB))
    (lane,) = plan["jobs"]
    assert plan["rows_in"] == lane["rows"] == pytest.approx(ROWS, rel=0.05)
    assert plan["bytes"] == pytest.approx(330 * plan["rows_in"], rel=0.02)
    assert lane["objects"] == pytest.approx(plan["bytes"] / (64 * MB), rel=0.6)
    assert plan["input_partitions"] == FILES / 4  # of 25 MB each
    text = "\n".join(plan_lines(plan))
    assert text.startswith("about ")
    assert "estimated: rows by 100 of 40,000 files, within " in text
    assert "records by 16,000 rows, so the largest may be larger" in text
    assert plan["estimated"] in text


def test_where_the_rows_are_from_a_log_or_statistics_that_is_said():
    told = planned(TableSize(ROWS, size_bytes=MB, source="the table's log"))["estimated"]
    assert told == "rows by the table's log; records by 16,000 rows, so the largest may be larger"


def test_what_is_measured_exactly_is_not_called_an_estimate():
    size = TableSize(MOST_EXACT_ROWS, 8, 8, size_bytes=MOST_EXACT_BYTES)
    assert size.is_small
    assert not TableSize(MOST_EXACT_ROWS + 1, 8, 8).is_small
    assert not TableSize(1_000, 8, 8, size_bytes=MOST_EXACT_BYTES + 1).is_small


def test_records_of_all_lanes_are_scaled_to_the_table():
    sizes = np.array([100] * 996 + [7 * MB] * 3 + [200 * MB])
    found = measured_by(TableSize(10**9, 5, 5), sizes, 6 * MB, Partitioning(5, 5), newline=True)
    assert {name: (lane.rows, lane.largest) for name, lane in found.lanes.items()} == {
        STANDARD: (996 * 10**6, 100),
        OVERSIZE: (3 * 10**6, 7 * MB),
        UNSENDABLE: (10**6, 200 * MB),
    }
    assert found.rows == 10**9


def test_of_rows_of_a_megabyte_a_few_are_rendered():
    assert TableSize(1_000, 1, 1, size_bytes=10**9).rows_of_a_piece == 16
    assert TableSize(10**9, 1, 1, size_bytes=10**9).rows_of_a_piece == RENDERED_ROWS
    assert TableSize(10, 1, 1, size_bytes=10**12).rows_of_a_piece == 1


@pytest.mark.parametrize(
    ("files", "size_mib", "cores", "splits"),
    [(40_000, 40_000 * 25, 64, 10_000), (10, 80, 2, 2), (1, 1280, 4, 10), (8, 8 * 200, 2, 16)],
    ids=["small files are packed", "few small files", "one large file", "files of two splits"],
)
def test_partitions_are_those_that_spark_makes_of_equal_files(files, size_mib, cores, splits):
    size = TableSize(10**9, files, files, size_bytes=size_mib * MIB)
    assert scan_partitions(size, 0.001, cores, 128 * MIB, 4 * MIB).before == pytest.approx(splits, rel=0.1)


@pytest.mark.parametrize("spread", ["jobs", "instances"])
def test_a_plan_of_ten_billion_objects_looks_at_none_of_them(spread, monkeypatch):
    """Where a row is an object there is one for each row: nothing is counted out one by one."""
    hashed = []
    count = "batch_transform.core.estimate.instance_time.busy_share"
    monkeypatch.setattr(count, lambda names, weights, instances: hashed.append(len(weights)) or 1.0)
    pictures = Asked(asked(spread=spread, split="None").settings, Framing(newline=False, whole=True))
    plan = planned(TableSize(ROWS, 10, 10), pictures)
    assert plan["jobs"][0]["objects"] == ROWS
    assert all(weights <= 100_000 for weights in hashed)
    assert bool(hashed) == (spread == "instances")
