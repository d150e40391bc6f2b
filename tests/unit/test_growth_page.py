"""The page on growth says what its command prints, about: a change of sizes shows there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.growth import run_row

PAGE = (Path(__file__).parents[2] / "lib/GROWTH.md").read_text(encoding="utf-8")
HEAD = "| rows | GB | object MB |"


def rows_of_the_page():
    lines = PAGE[PAGE.index(HEAD) :].split("\n\n")[0].split("\n")[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("told", rows_of_the_page(), ids=lambda told: told[0])
def test_a_run_of_so_many_rows_is_as_the_page_tells(told):
    numbers = [float(re.sub(",", "", cell)) for cell in told]
    printed = [float(re.sub(",", "", cell)) for cell in run_row(int(numbers[0]))]
    # Print it anew with tests/benchmarks/growth.py if sizes were changed with intent.
    assert numbers == pytest.approx(printed, rel=0.3, abs=1), printed
