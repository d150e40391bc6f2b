"""Instances are paid by the hour: at the run file's price, or at AWS's list price where that is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_transform.core.amounts import dollars
from batch_transform.core.run_settings import TransformSettings
from batch_transform.core.sending.instances import LIST_PRICES, LIST_REGION, cost_of, price_of, spent
from support.reported import reported_state

UNSAID = TransformSettings()


@pytest.mark.parametrize(
    ("given", "region", "price"),
    [
        (None, LIST_REGION, 0.23),
        (None, None, 0.23),
        (None, "eu-central-1", None),
        (0.3, "eu-central-1", 0.3),
        (0.0, LIST_REGION, 0.0),
        ({"ml.m5.xlarge": 0.2}, "eu-central-1", 0.2),
        ({"ml.c5.xlarge": 0.2}, "eu-central-1", None),
        ({"ml.c5.xlarge": 0.2}, LIST_REGION, 0.23),
    ],
)
def test_the_run_files_price_holds_and_else_the_list_in_its_own_region_and_in_an_emulator(given, region, price):
    assert price_of("ml.m5.xlarge", replace(UNSAID, price_per_hour=given), region) == price


def test_a_larger_instance_of_a_family_is_never_the_cheaper_one():
    families: dict[str, list[float]] = {}
    for name, price in LIST_PRICES.items():  # a family's types stand in the order of their size
        families.setdefault(name.rpartition(".")[0], []).append(price)
    assert all(prices == sorted(prices) for prices in families.values())


def test_a_job_costs_what_its_instances_are_paid_for_and_nothing_is_made_up_where_no_price_is_known():
    state = reported_state()
    (job,) = state.jobs
    assert cost_of(job, UNSAID) is None
    assert spent(state) is None
    priced = replace(job, price_per_hour=0.115)
    assert cost_of(priced, UNSAID) == pytest.approx(2 * 90 / 3600 * 0.115)
    assert cost_of(priced, replace(UNSAID, price_per_hour=1.0)) == pytest.approx(2 * 90 / 3600)
    assert cost_of(replace(priced, status=None), UNSAID) is None
    assert cost_of(replace(job, started_at=None), UNSAID) == 0.0
    assert cost_of(replace(priced, started_at=job.ended_at, ended_at=job.started_at), UNSAID) == 0.0


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (0, "$0.00"),
        (0.0123, "$0.012"),
        (2.3e-05, "$0.000023"),
        (1e-9, "$0.000001"),
        (0.1, "$0.10"),
        (12.345, "$12.35"),
        (1234, "$1,234.00"),
    ],
)
def test_amounts_are_told_in_cents_and_small_ones_in_parts_of_them(amount, told):
    assert dollars(amount) == told
