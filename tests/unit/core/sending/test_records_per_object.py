"""How many rows an object may hold, and what its jobs then ask for."""

from __future__ import annotations

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_settings import RunSettings
from batch_transform.core.sending.job_planning import Throughput, plan_lanes
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.sending.object_sizes import check_one_object, cutting_rules
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from batch_transform.records.registry import framing_of
from support.core_tables import span, spans

MB = 1_000_000
WHOLE = "None"


def asked(format="csv", split=WHOLE, payload="auto", concurrent="auto", **record):
    transform = {"split": split, "max_payload_mb": payload, "max_concurrent_transforms": concurrent}
    return RunSettings.of(
        {"record": {"format": format, **record}, "transform": {**transform, "spread": None, "instance_count": 2}}
    )


def rules(settings, header=""):
    return cutting_rules(settings, 200 * MB, framing_of(settings, header))


def test_lines_are_cut_as_ever():
    assert rules(asked(split="Line")) == CuttingRules(2 * MB, 6 * MB)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (asked(), CuttingRules(6 * MB, 6 * MB)),
        (asked(payload=20), CuttingRules(20 * MB, 20 * MB)),
        (asked(payload="model"), CuttingRules(6 * MB, 6 * MB)),
        (asked(concurrent=50), CuttingRules(2 * MB, 2 * MB)),
        (asked("json"), CuttingRules(6 * MB, 6 * MB, 1)),
        (asked("binary"), CuttingRules(6 * MB, 6 * MB, 1)),
        (asked(rows_per_object=1), CuttingRules(6 * MB, 6 * MB, 1)),
        (asked(rows_per_object=9), CuttingRules(100 * MB, 100 * MB, 9)),
        (asked(rows_per_object=9, payload=20), CuttingRules(20 * MB, 20 * MB, 9)),
        (asked(rows_per_object=9, concurrent=4), CuttingRules(25 * MB, 25 * MB, 9)),
        (asked(rows_per_object=9, payload="model"), CuttingRules(6 * MB, 6 * MB, 9)),
        (asked(rows_per_object="all"), CuttingRules(100 * MB, 100 * MB)),
        (asked(rows_per_object="all", payload=20), CuttingRules(20 * MB, 20 * MB)),
        (asked(rows_per_object="all", payload="model"), CuttingRules(100 * MB, 100 * MB)),
    ],
)
def test_an_object_that_is_a_request_is_as_large_as_the_payload(settings, expected):
    assert rules(settings) == expected


def test_the_header_is_counted_in():
    assert rules(asked(), "a,b\n") == CuttingRules(6 * MB - 4, 6 * MB - 4)


def staged(size, rows=10):
    return Staged("{}", (StagedFile("f", rows, 0, rows - 1, size, 1),), "ab\n")


@pytest.mark.parametrize(
    ("given", "most"),
    [({}, 100 * MB), ({"payload": 7}, 7 * MB), ({"concurrent": 50}, 2 * MB), ({"payload": "model"}, 100 * MB)],
)
def test_a_table_that_is_one_request_must_fit_with_its_newlines_and_its_header(given, most):
    settings = asked(rows_per_object="all", **given)
    framing = framing_of(settings, "ab\n")
    check_one_object(settings, staged(most - 13), framing)
    with pytest.raises(ConfigurationError, match=f"records are {most + 1:,} bytes and .* allows {most:,}"):
        check_one_object(settings, staged(most - 12), framing)


def test_any_other_table_is_not_measured_by_it():
    settings = asked(rows_per_object=5)
    check_one_object(settings, staged(10**12), framing_of(settings))
    assert not settings.is_one_object


def test_the_payload_of_objects_follows_from_the_largest_object_with_its_header():
    table = spans(span(0, 9, bytes=7 * MB - 3, largest=10), span(9, 12, bytes=30, largest=10))
    framing = framing_of(asked(), "ab\n")
    (plan,) = plan_lanes(table, "auto", "auto", framing)
    assert plan.throughput == Throughput(7, 14)
    (over,) = plan_lanes(spans(span(0, 9, bytes=7 * MB - 2, largest=10)), "auto", "auto", framing)
    assert over.throughput == Throughput(8, 12)


def test_a2_objects_that_cannot_be_split_need_the_payload_of_the_largest():
    table = spans(*(span(i, i + 1, bytes=size * MB, largest=6 * MB) for i, size in enumerate((12, 45, 28))))
    (plan,) = plan_lanes(table, "auto", "auto", framing_of(asked()))
    assert plan.throughput == Throughput(45, 2)
