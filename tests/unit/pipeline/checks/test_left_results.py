"""A result of a run that nobody knows any more is told as that, to a user who has named no output."""

from __future__ import annotations

import pytest

from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.left_results import check_no_result
from batch_transform.pipeline.places import places_of
from support.memory_store import MemoryStore

EMULATOR = {"models": {"m": "http://127.0.0.1:1"}}


def check(store, **sections):
    config = from_arguments(run_id="x", model="m", workspace="s3://bucket/ws", **sections)
    check_no_result(config, places_of(config, config.layout, "4.2.0"), store)


@pytest.mark.parametrize(
    ("emulator", "words"),
    [
        (EMULATOR, "the emulator keeps nothing without emulator.state .* so it does not know the run x, of which a re"),
        ({**EMULATOR, "state": "kept"}, "kept, the emulator's state, does not know the run x .*, of which a result"),
    ],
)
@pytest.mark.parametrize("table", ["result", "result_dead_letter"])
def test_an_emulator_that_does_not_know_the_run_is_told_of_and_no_output(tmp_path, emulator, words, table):
    sections = {"emulator": emulator, "staging": str(tmp_path)}
    check(MemoryStore(), **sections)
    (tmp_path / "x" / table).mkdir(parents=True)
    (tmp_path / "x" / table / "_SUCCESS").touch()
    check(MemoryStore(), **sections)
    (tmp_path / "x" / table / "part-0.parquet").touch()
    with pytest.raises(ConfigurationError, match=words) as refused:
        check(MemoryStore(), **sections)
    assert f"choose another run_id, or delete file:{tmp_path}/x" in str(refused.value)
    assert "output" not in str(refused.value)


def test_a_workspace_whose_ledger_is_gone_is_told_of():
    store = MemoryStore()
    store.put(S3Uri("bucket", "ws/rows/x/result/part-0.parquet"), b"x")
    with pytest.raises(ConfigurationError, match=r"s3://bucket/ws does not know the run x \(its ledger is gone\)"):
        check(store)
    check(store, output={"path": "s3://bucket/out"})
