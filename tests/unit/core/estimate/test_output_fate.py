"""What publishing will do to the output is said before anything is paid for."""

from __future__ import annotations

import pytest

from batch_transform.core.estimate.plan_text import output_fate
from batch_transform.core.run_settings import OutputSettings


@pytest.mark.parametrize(
    ("settings", "is_there", "told"),
    [
        ({"mode": "error"}, False, "out (parquet): is created"),
        ({"mode": "overwrite", "partition_by": ("day", "kind")}, False, "is created, in folders by day, kind"),
        ({"mode": "error"}, True, "is there already, and the run is refused"),
        ({"mode": "append"}, True, "is appended to"),
        ({"mode": "overwrite"}, True, "all of it is replaced"),
        ({"mode": "overwrite", "replace_where": "day = '1'"}, True, "its rows are replaced where day = '1'"),
        ({"mode": "overwrite_partitions", "partition_by": ("day",)}, True, "its partitions that get rows are replaced"),
        ({"mode": "append"}, None, "mode append; whether it is there already could not be looked at"),
    ],
)
def test_by_the_mode_and_by_what_is_there(settings, is_there, told):
    assert told in output_fate(OutputSettings(path="out", **settings), is_there=is_there)


def test_a_table_is_named_and_without_an_output_the_result_stays_with_the_run():
    assert "a.b.c (delta)" in output_fate(OutputSettings(table="a.b.c", format="delta"), is_there=False)
    assert "stays in the run's own folder" in output_fate(None, is_there=None)
