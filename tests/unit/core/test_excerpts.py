"""Of a long text a message has a part, around what it speaks of."""

from __future__ import annotations

import pytest

from batch_transform.core.excerpts import excerpt

LONG = "".join(f"[{place:03}]" for place in range(200))


def test_a_text_that_a_person_reads_is_told_whole():
    assert excerpt("p double, label string", 9) == "p double, label string"


@pytest.mark.parametrize(
    ("place", "begin", "end"), [(0, "[000]", "[039]…"), (500, "…[080]", "[119]…"), (999, "…[160]", "[199]")]
)
def test_of_a_longer_one_there_is_what_stands_around_a_place(place, begin, end):
    told = excerpt(LONG, place)
    assert told.startswith(begin)
    assert told.endswith(end)
