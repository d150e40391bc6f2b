"""What is not zero is told as more than that, in units that fit it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from batch_transform.core.amounts import decimal, duration, size

LIB = Path(__file__).resolve().parents[3] / "lib" / "batch_transform"
# A unit that is divided by in the text itself may leave nothing: `size`, `duration` and `time_range` choose one.
BY_HAND = re.compile(r"\{[^{}]*/ (?:1e6|1e3|60|3600|BYTES_PER_MB|SECONDS_PER_HOUR):[^{}]*f\}")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.04, "under 0.1 s"),
        (0.05, "0.1 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (60, "1 min 00 s"),
    ],
)
def test_a_time_that_is_not_zero_is_not_told_as_zero(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "0.0"), (0.039, "0.04"), (0.0004, "0.0004"), (0.05, "0.1"), (1234.56, "1,234.6")]
)
def test_a_number_that_is_not_zero_is_not_told_as_zero(value, words):
    assert decimal(value) == words


def test_no_unit_is_chosen_where_something_is_told():
    """But of a speed in MB/s, which is told in kB/s where it is slow, and of how long is waited, which is ours."""
    found = {
        str(path.relative_to(LIB)) for path in LIB.rglob("*.py") if BY_HAND.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"core/amounts.py", "core/progress/screen.py", "pipeline/commands/smoke_jobs.py"}
    assert size(4_000) == "4.0 kB"
