"""Sizes of objects and batches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.run_settings import TransformSettings
from batch_transform.core.sending import object_sizes
from batch_transform.core.sending.object_cutting import CuttingRules

MB = 1_000_000


@pytest.mark.parametrize(
    ("json_bytes", "instances", "payload_mb", "target"),
    [
        (8 * MB, 1, "auto", 1 * MB),
        (60 * MB, 1, "auto", 1 * MB),
        (600 * MB, 1, "auto", 6 * MB),
        (600 * MB + 1, 1, "auto", 6 * MB + 1),
        (1000 * MB, 4, "auto", 2.5 * MB),
        (10**12, 1, "auto", 64 * MB),
        (160 * MB, 1, 20, 20 * MB),
        (800 * MB, 1, 100, 64 * MB),
    ],
)
def test_a_hundred_objects_for_each_instance_of_one_job(json_bytes, instances, payload_mb, target):
    asked = TransformSettings(instance_count=instances, max_payload_mb=payload_mb, spread="instances")
    assert object_sizes.object_bytes(json_bytes, asked) == target


@pytest.mark.parametrize("spread", ["jobs", "instances"])
@pytest.mark.parametrize("payload_mb", ["auto", "model", 6, 100])
@pytest.mark.parametrize(
    ("json_bytes", "target"), [(0, 16_000), (100_000, 16_000), (440_000, 55_000), (8 * MB - 1, MB)]
)
def test_a_small_table_has_several_objects_so_that_a_bad_row_leaves_some_scored(json_bytes, target, payload_mb, spread):
    asked = TransformSettings(max_payload_mb=payload_mb, spread=spread)
    assert object_sizes.object_bytes(json_bytes, asked) == target


@given(st.integers(0, 10**13), st.integers(1, 100), st.sampled_from(["auto", "model", 6, 45, 100]))
def test_an_object_is_within_a_request_and_64_mb_and_a_hundredth_of_a_job(json_bytes, instances, payload_mb):
    asked = TransformSettings(instance_count=instances, max_payload_mb=payload_mb)
    size = object_sizes.object_bytes(json_bytes, asked)
    request = MB if isinstance(payload_mb, str) else payload_mb * MB
    least = min(64 * MB, request, max(16_000, -(-json_bytes // 8)))
    assert least <= size <= 64 * MB
    jobs = max(1, min(instances, json_bytes // (240 * MB)))
    assert size == least or size <= json_bytes / jobs / 100 + 1


@pytest.mark.parametrize("json_bytes", [3_000 * MB, 4_000 * MB, 10_000 * MB])
def test_objects_are_as_large_as_their_own_time_and_a_bad_row_are_cheapest_together(json_bytes):
    """Over all sizes up to 64 MB: a quarter of a second for each object, and the work on one of them again."""

    def bill(size):
        return 0.25 * json_bytes / size + size / MB

    chosen = object_sizes.object_bytes(json_bytes, TransformSettings())
    assert bill(chosen) <= 1.01 * min(bill(size) for size in range(MB, 64 * MB, MB // 4))


@pytest.mark.parametrize(("payload_mb", "bound"), [(None, 6 * MB), (1, 1 * MB), (45, 45 * MB)])
def test_the_oversize_lane_begins_above_the_standard_payload(payload_mb, bound):
    assert object_sizes.oversize_bytes(payload_mb) == bound


def test_rows_are_large_above_16_kb():
    assert (object_sizes.is_large(16_000), object_sizes.is_large(16_000.5)) == (False, True)


@pytest.mark.parametrize(("largest", "rows"), [(0, 10_000), (3_200, 10_000), (3_201, 9_996), (32 * MB, 1), (10**9, 1)])
def test_rows_of_an_arrow_batch(largest, rows):
    assert object_sizes.arrow_batch_rows(largest) == rows


@given(st.integers(0, 10**9))
def test_an_arrow_batch_is_at_most_32_mb_or_one_row(largest):
    rows = object_sizes.arrow_batch_rows(largest)
    assert rows == 1 or rows * largest <= 32 * MB


@pytest.mark.parametrize(
    ("largest", "bounded"), [(0, True), (533, True), (534, False), (16_000, False), (10**9, False)]
)
def test_records_whose_rows_bound_a_batch(largest, bounded):
    assert object_sizes.rows_bound_batches(largest) == bounded


@pytest.mark.parametrize(("objects", "tasks"), [(1, 1), (16, 16), (17, 16), (128, 16), (200, 25), (10_000, 64)])
def test_many_small_objects_share_a_task(objects, tasks):
    assert object_sizes.task_count(objects, 64) == tasks


@pytest.mark.parametrize(("sizes", "alike"), [((100, 400), True), ((400, 100), True), ((100, 401), False)])
def test_objects_are_cut_again_where_they_would_be_far_larger_or_smaller(sizes, alike):
    assert object_sizes.are_about_alike(*(CuttingRules(size, 1_000) for size in sizes)) is alike
