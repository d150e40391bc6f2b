"""What a check writes to see whether that can be written is removed, however the check ends."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pyspark.sql.types import StructType

from batch_transform.core.errors import Interrupted
from batch_transform.pipeline.checks import preflight


def test_a_signal_while_the_probe_of_a_table_is_written_leaves_no_folder(tmp_path, monkeypatch):
    def cut_short(_spark, _schema, path, _name, _by):
        (tmp_path / path).mkdir(parents=True)
        raise Interrupted(2)

    monkeypatch.setattr(preflight, "check_storable", cut_short)
    monkeypatch.setattr(preflight, "column_faults", lambda *_args, **_asked: [])
    monkeypatch.setattr(preflight, "is_case_sensitive", lambda _spark: False)
    targets = SimpleNamespace(
        dead_letter=SimpleNamespace(error_column="error"),
        format=SimpleNamespace(can=SimpleNamespace(name="parquet"), is_there=lambda *_asked: False),
        tables=lambda _places: {},
    )
    places = SimpleNamespace(scratch=str(tmp_path / "staging"))
    shape = SimpleNamespace(names=[], columns=[])
    with pytest.raises(Interrupted):
        preflight.check_table(None, StructType([]), shape, places, lambda: None, targets, None)
    assert list((tmp_path / "staging").iterdir()) == []
