"""Every workload has a test that is named after it, and every such name is a workload's."""

from __future__ import annotations

from support import workload_rows as rows


def test_every_row_has_a_test():
    assert set(rows.tests_of_rows()) == set(rows.ROWS)
