"""One of a thing is told as one, and a time below a minute in seconds."""

from __future__ import annotations

import pytest

from batch_transform.core.amounts import counted, time_range, verb


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 rows are"), (1, "1 row is"), (2, "2 rows are"), (1234, "1,234 rows are")]
)
def test_a_thing_and_its_verb_follow_their_number(count, told):
    assert f"{counted(count, 'row')} {verb(count, 'is', 'are')}" == told


@pytest.mark.parametrize(
    ("least", "most", "told"),
    [(2, 540, "2 s to 9 min"), (0.2, 0.4, "under 1 s"), (600, 1200, "10 min to 20 min"), (601, 602, "10 min")],
)
def test_a_range_of_times_never_begins_at_no_minutes(least, most, told):
    assert time_range(least, most) == told
