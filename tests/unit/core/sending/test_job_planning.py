"""Payload and concurrency from measured records, within what the service accepts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.framing import Framing
from batch_transform.core.sending.job_planning import (
    Throughput,
    most_payload_mb,
    one_job,
    plan_lanes,
    standard_payload_mb,
    throughput,
    with_payload_that_fits,
)
from batch_transform.core.sending.object_sizes import oversize_bytes
from batch_transform.core.spans import OVERSIZE, STANDARD, UNSENDABLE
from support.core_tables import span, spans

MB = 1_000_000
PAYLOADS = st.integers(1, 100)


def three_files(largest):
    sizes = (12 * MB, 45 * MB, 28 * MB)
    return spans(*(span(10 * i, 10 * i + 10, bytes=size, largest=largest) for i, size in enumerate(sizes)))


def test_payload_follows_from_the_largest_record_not_from_the_size_of_the_files():
    (plan,) = plan_lanes(three_files(largest=6_000_000), "auto", "auto")
    assert plan.throughput == Throughput(max_payload_mb=6, max_concurrent_transforms=16)


def test_small_records_go_in_many_small_requests_at_once():
    assert throughput(2_000, "auto", "auto") == Throughput(1, 100)
    assert throughput(MB + 1, "auto", "auto") == Throughput(2, 50)


def test_beside_a_concurrency_that_is_given_a_payload_is_the_services_default():
    assert throughput(2_000, "auto", 4) == Throughput(6, 4)
    assert throughput(2_000, "auto", "model") == Throughput(6, None)


def test_one_byte_more_takes_the_next_megabyte():
    (plan,) = plan_lanes(three_files(largest=6_000_001), "auto", "auto")
    assert plan.throughput == Throughput(max_payload_mb=7, max_concurrent_transforms=14)


def test_a_document_that_cannot_be_split_costs_concurrency():
    assert throughput(45 * MB, "auto", "auto") == Throughput(45, 2)


@given(st.integers(1, 100 * MB))
def test_auto_fits_the_record_and_never_passes_the_product_of_100(largest):
    chosen = throughput(largest, "auto", "auto")
    assert largest <= chosen.max_payload_mb * MB
    assert chosen.max_payload_mb * chosen.max_concurrent_transforms <= 100
    assert chosen.max_payload_mb * (chosen.max_concurrent_transforms + 1) > 100


@given(st.integers(1, 100 * MB), PAYLOADS)
def test_auto_concurrency_beside_a_pinned_payload(largest, payload):
    chosen = throughput(largest, payload, "auto")
    assert (chosen.max_payload_mb, chosen.max_concurrent_transforms) == (payload, 100 // payload)


@given(st.integers(1, 100 * MB), st.integers(1, 100))
def test_auto_payload_beside_a_pinned_concurrency(largest, concurrent):
    chosen = throughput(largest, "auto", concurrent)
    assert chosen.max_concurrent_transforms == concurrent
    assert 1 <= chosen.max_payload_mb <= 100 // concurrent


def test_both_pinned_are_taken_as_they_are():
    assert throughput(MB, 20, 3) == Throughput(20, 3)


@pytest.mark.parametrize("concurrency", ["auto", "model"])
def test_model_leaves_both_to_the_container(concurrency):
    assert throughput(MB, "model", concurrency) == Throughput(None, None)


def test_model_for_one_leaves_the_other():
    assert throughput(MB, "model", 4) == Throughput(None, 4)
    assert throughput(MB, "auto", "model") == Throughput(6, None)
    assert throughput(MB, 20, "model") == Throughput(20, None)


def test_a_record_over_the_largest_payload_is_refused():
    assert throughput(100 * MB, "auto", "auto") == Throughput(100, 1)
    with pytest.raises(ValueError, match="100,000,001 bytes is over the largest payload, 100 MB"):
        throughput(100 * MB + 1, "auto", "auto")


def test_one_large_record_does_not_cost_the_others_their_concurrency():
    table = spans(span(0, 9), span(9, 10, lane=OVERSIZE, largest=60 * MB), span(10, 11, lane=UNSENDABLE, object=None))
    standard, oversize = plan_lanes(table, "auto", "auto")
    assert (standard.lane, standard.throughput) == (STANDARD, Throughput(1, 100))
    assert (oversize.lane, oversize.throughput) == (OVERSIZE, Throughput(60, 1))
    assert (standard.spans["start"].to_pylist(), oversize.spans["start"].to_pylist()) == ([0], [9])


@pytest.mark.parametrize("settings", [(2, 50), ("model", "model")])
def test_settings_of_the_standard_lane_do_not_hold_for_the_oversize_lane(settings):
    table = spans(span(0, 1, lane=OVERSIZE, largest=30 * MB), span(1, 2, lane=OVERSIZE, largest=20 * MB))
    (plan,) = plan_lanes(table, *settings)
    assert plan.throughput == Throughput(30, 3)


@pytest.mark.parametrize(
    ("settings", "payload"),
    [(("auto", "auto"), 6), (("auto", 16), 6), (("auto", 17), 5), (("auto", 50), 2), ((45, "auto"), 45), ((3, 30), 3)],
)
def test_the_payload_of_the_standard_lane_before_anything_is_measured(settings, payload):
    assert standard_payload_mb(*settings) == payload


@given(PAYLOADS | st.just("auto"), st.integers(1, 100) | st.sampled_from(["auto", "model"]), st.data())
def test_each_record_that_is_left_in_the_standard_lane_fits_its_payload(payload, concurrent, data):
    bound = oversize_bytes(standard_payload_mb(payload, concurrent))
    largest = data.draw(st.integers(1, bound))
    assert throughput(largest, payload, concurrent).max_payload_mb * MB >= largest


@pytest.mark.parametrize("concurrency", ["auto", "model", 50])
def test_where_the_container_says_the_bound_is_the_services_default(concurrency):
    assert standard_payload_mb("model", concurrency) is None
    assert oversize_bytes(None) == 6 * MB


def test_no_span_to_send_makes_no_job():
    assert plan_lanes(spans(span(0, 1, lane=UNSENDABLE, object=None)), "auto", "auto") == []


def test_spans_that_need_another_payload_make_jobs_of_their_own_beside_no_more_requests_at_once():
    table = spans(span(0, 9), span(9, 12, payload_mb=1), span(12, 13, payload_mb=100), span(13, 14, payload_mb=1))
    found = [(plan.throughput, plan.spans["start"].to_pylist()) for plan in plan_lanes(table, "auto", "auto")]
    assert found == [(Throughput(1, 100), [0]), (Throughput(1, 100), [9, 13]), (Throughput(100, 1), [12])]
    assert {plan.lane for plan in plan_lanes(table, "auto", "auto")} == {STANDARD}


def test_a_concurrency_that_the_container_decides_stays_its_own():
    (plan,) = plan_lanes(spans(span(0, 9, payload_mb=2)), "model", "model")
    assert plan.throughput == Throughput(2, None)


SIZES = st.lists(st.integers(1, 99 * MB), min_size=1, max_size=6)
CONCURRENCY = st.one_of(st.just("auto"), st.integers(1, 100))


@given(SIZES, PAYLOADS, CONCURRENCY, st.booleans())
def test_what_was_cut_for_a_larger_payload_is_sent_with_one_that_holds_it(sizes, payload, concurrency, whole):
    """The service would not send it with the payload that is pinned now, and that would be its last word on a row."""
    if concurrency != "auto" and payload * concurrency > 100:
        return
    framing = Framing(whole=whole)
    table = spans(*(span(i, i + 1, bytes=size, largest=size) for i, size in enumerate(sizes)))
    fitting = with_payload_that_fits(table, payload, concurrency, framing)
    assert fitting.schema == table.schema
    for plan in plan_lanes(fitting, payload, concurrency, framing):
        assert max(plan.spans["largest"].to_pylist()) <= plan.throughput.max_payload_mb * MB
    small = [size for size in sizes if size <= payload * MB]
    assert sum(value == 0 for value in fitting["payload_mb"].to_pylist()) == len(small)
    assert len({value for value in fitting["payload_mb"].to_pylist() if value}) <= 1, "each would be a job"


@given(SIZES, CONCURRENCY)
def test_what_fits_is_left_as_it_is(sizes, concurrency):
    table = spans(*(span(i, i + 1, bytes=size, largest=size) for i, size in enumerate(sizes)))
    most = most_payload_mb("auto", concurrency) * MB
    fitting = with_payload_that_fits(table, "auto", concurrency)
    assert [value == 0 for value in fitting["payload_mb"].to_pylist()] == [size <= most for size in sizes]
    assert with_payload_that_fits(table, "model", concurrency) is table
    oversize = spans(span(0, 1, bytes=9 * MB, largest=9 * MB, lane=OVERSIZE))
    assert with_payload_that_fits(oversize, 1, "auto").equals(oversize)


def test_spans_of_one_job_stay_together_and_go_with_the_largest_payload_of_them():
    table = spans(*(span(i, i + 1, bytes=size * MB, largest=size * MB) for i, size in enumerate((1, 3, 9))))
    plan = one_job(plan_lanes(with_payload_that_fits(table, 2, "auto"), 2, "auto"), table)
    assert (plan.spans, plan.throughput.max_payload_mb) == (table, 9)
