"""The headers of a service's answer: the time of it, by Date."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from batch_transform.core.answer_headers import answered_at


def answer(**headers):
    return {"ResponseMetadata": {"HTTPHeaders": headers}}


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_an_answer_says_when_it_was_given(zone):
    told = answered_at(answer(date=f"Wed, 01 May 2024 00:00:00 {zone}"))
    assert told == datetime(2024, 5, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "given", [{}, answer(), answer(date=""), answer(date="soon"), answer(date="2024-05-01T00:00Z")]
)
def test_an_answer_without_a_time_says_none(given):
    assert answered_at(given) is None
