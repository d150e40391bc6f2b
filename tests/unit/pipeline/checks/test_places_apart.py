"""Folders of a run that lie in a published folder are refused: overwriting would delete them."""

from __future__ import annotations

import pytest

from batch_transform.config.result import DeadLetter, Output
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.among_runs import among_other_runs, check_workspace
from batch_transform.pipeline.checks.output_over_input import run_overlaps, written_tables
from batch_transform.pipeline.places import Places, Targets
from support.memory_store import MemoryStore


def _overlaps(output: str, dead_letter: str) -> list[str]:
    places = Places(RunLayout(S3Uri("bucket", "ws"), "a"), "s3a://bucket/ws/rows/a", "s3a")
    targets = Targets(Output(path=output), DeadLetter(path=dead_letter), run_id="")
    return run_overlaps(written_tables(targets, lambda name: None), places)


@pytest.mark.parametrize(
    "output", ["s3://bucket/ws/a/out", "s3://bucket/out", "s3://bucket/w", "s3://bucket/ws/rows/a/result", "/tmp/out"]
)
def test_places_apart_are_accepted(output):
    """Also one whose name begins like another, and where a result lies that no output is named for."""
    assert _overlaps(output, output + "_dead_letter") == []


@pytest.mark.parametrize(
    ("output", "dead_letter", "fault"),
    [
        ("s3://bucket/ws", "s3://bucket/dead", "workspace"),
        ("s3a://bucket/ws/runs/a", "s3://bucket/dead", "workspace"),
        ("s3a://bucket/ws/rows/a", "s3://bucket/dead", "workspace"),
        ("s3://bucket/out", "s3://bucket/out/dead", "dead_letter"),
        ("s3://bucket/dead/out", "s3://bucket/dead", "output"),
        ("s3n://bucket//ws/x/..", "s3://bucket/dead", "workspace"),
        ("s3://bucket/ws/runs/a/ledger", "s3://bucket/dead", "output"),
        ("s3://bucket/ws/rows/b/out", "s3://bucket/dead", "output"),
        ("s3://bucket/ws/rows/a/result/2024", "s3://bucket/dead", "output"),
        ("s3://bucket/out", "s3://bucket/ws/runs/dead", "dead_letter"),
        ("s3://bucket/out", "s3a://bucket/ws/rows/a/staging/x", "dead_letter"),
    ],
)
def test_nested_places_are_refused(output, dead_letter, fault):
    """The message names both and says what to do."""
    faults = _overlaps(output, dead_letter)
    assert faults[0].startswith(f"{fault}: ")
    assert "choose places apart" in faults[0]


def _begun(store, workspace):
    store.put(RunLayout(S3Uri.parse(workspace), "r").step(0), b"{}")


@pytest.mark.parametrize(
    "workspace", ["s3://bucket/ws/rows", "s3://bucket/ws/rows/r/team", "s3://bucket/ws/rows/x/rows/y"]
)
def test_a_workspace_among_the_rows_of_another_one_is_refused(workspace):
    """A rule over those would forget its ledgers."""
    store = MemoryStore()
    check_workspace(store, S3Uri.parse(workspace))
    _begun(store, "s3://bucket/ws")
    with pytest.raises(ConfigurationError, match="lies in s3://bucket/ws/rows, the rows of the runs of another"):
        check_workspace(store, S3Uri.parse(workspace))
    check_workspace(store, S3Uri.parse("s3://bucket/ws"))


def test_a_run_that_has_a_lease_makes_a_workspace_as_well():
    """A lease comes before the ledger in S3's order, and each run has one."""
    store = MemoryStore()
    _begun(store, "s3://bucket/ws")
    store.put(RunLayout(S3Uri("bucket", "ws"), "r").lease, b"{}")
    with pytest.raises(ConfigurationError, match="lies in s3://bucket/ws/rows"):
        check_workspace(store, S3Uri("bucket", "ws/rows/x"))


def test_a_table_among_the_rows_of_another_workspace_is_refused_and_one_that_only_looks_so_is_not():
    store = MemoryStore()
    store.put(S3Uri.parse("s3://bucket/lake/runs/a.csv"), b"")
    _begun(store, "s3://bucket/other")
    places = Places(RunLayout(S3Uri("bucket", "ws"), "a"), "s3a://bucket/ws/rows/a", "s3a")
    targets = Targets(
        Output(path="s3a://bucket/other/rows/out"), DeadLetter(path="s3://bucket/lake/rows/out"), run_id=""
    )
    (fault,) = among_other_runs(written_tables(targets, lambda name: None), places, store)
    assert fault.startswith("output: s3a://bucket/other/rows/out lies in s3://bucket/other/rows, the rows of")
