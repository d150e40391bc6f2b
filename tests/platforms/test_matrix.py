"""Part of the core set on the oldest Spark, and how the cells of the matrix are chosen; the rest is a marked run."""

from __future__ import annotations

import pytest

from support.cells import CELLS, NotHere, chosen
from support.core_set import DELTA, PARTS, PASSED, TYPES, CoreSet

OLDEST = next(cell for cell in CELLS if cell.name == "spark-3.5-java-17-python-3.11")


def test_words_choose_cells():
    assert chosen([]) == list(CELLS)
    assert {cell.spark for cell in chosen(["spark-3.5"])} == {"3.5.9"}
    assert [cell.name for cell in chosen(["4.2", "java-25"])] == ["spark-4.2-java-25-python-3.13"]
    assert [cell.connect for cell in chosen(["connect"])] == [True]
    assert chosen(["spark-3"]) == chosen(["nothing"]) == []
    assert len({cell.name for cell in CELLS}) == len(CELLS)


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.jars
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("is_killed", [False, pytest.param(True, marks=pytest.mark.long)])
def test_the_core_set_passes_on_the_oldest_spark(world, tmp_path, is_killed):
    try:
        outcomes = CoreSet(OLDEST, world, tmp_path).run(is_killed=is_killed)
    except NotHere as err:
        pytest.skip(str(err))
    assert outcomes.of == dict.fromkeys(PARTS if is_killed else (*TYPES, *DELTA), PASSED)
