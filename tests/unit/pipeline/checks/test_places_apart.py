"""Folders of a run that lie in a published folder are refused: overwriting would delete them."""

from __future__ import annotations

import pytest

from batch_transform.config.result import DeadLetter, Output
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.output_over_input import run_overlaps, written_tables
from batch_transform.pipeline.places import Places
from batch_transform.pipeline.targets import Targets


def _overlaps(output: str, dead_letter: str) -> list[str]:
    places = Places(S3Uri("bucket", "runs/a"), "s3a://bucket/runs/a", "s3a")
    targets = Targets(Output(path=output), DeadLetter(path=dead_letter))
    return run_overlaps(written_tables(targets, lambda name: None), places)


@pytest.mark.parametrize("output", ["s3://bucket/runs/a/out", "s3://bucket/out", "s3://bucket/ru", "/tmp/out"])
def test_places_apart_are_accepted(output):
    """Also an output in the run's own folder, and one whose name begins like another."""
    assert _overlaps(output, output + "_dead_letter") == []


@pytest.mark.parametrize(
    ("output", "dead_letter", "fault"),
    [
        ("s3://bucket/runs", "s3://bucket/dead", "workspace"),
        ("s3a://bucket/runs/a", "s3://bucket/dead", "workspace"),
        ("s3://bucket/out", "s3://bucket/out/dead", "dead_letter"),
        ("s3://bucket/dead/out", "s3://bucket/dead", "output"),
        ("s3n://bucket//runs/x/..", "s3://bucket/dead", "workspace"),
        ("s3://bucket/runs/a/ledger", "s3://bucket/dead", "output"),
        ("s3://bucket/out", "s3a://bucket/runs/a/staging/x", "dead_letter"),
    ],
)
def test_nested_places_are_refused(output, dead_letter, fault):
    """The message names both and says what to do."""
    faults = _overlaps(output, dead_letter)
    assert faults[0].startswith(f"{fault}: ")
    assert "choose places apart" in faults[0]
