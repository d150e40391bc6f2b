"""What a person reads of errors."""

from __future__ import annotations

from batch_transform.core.errors import ConfigurationError


def test_of_thousands_of_faults_as_many_are_shown_as_a_person_reads_and_all_are_kept():
    told = ConfigurationError([f"the column c{number} is wrong" for number in range(3000)], ways=["rename them"])
    lines = str(told).split("\n  ")
    assert lines[0] == "3000 faults:"
    assert lines[-3:] == ["the column c99 is wrong", "and 2,900 more", "rename them"]
    assert len(told.lines) == len(told.faults) == 3000
