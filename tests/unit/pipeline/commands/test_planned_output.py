"""A plan tells of an output that cannot be written, as the run would."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from pyspark.sql.types import StructType

from batch_transform.config.loading import from_arguments
from batch_transform.config.sections import Input
from batch_transform.outputs import local_faults
from batch_transform.pipeline.checks.output_fit import fit_of
from batch_transform.pipeline.commands.plan_surroundings import fate
from batch_transform.pipeline.places import places_of
from batch_transform.pipeline.tables.run_predictions import shape_of
from support.crashing_files import CrashingModule

SESSION = SimpleNamespace(conf=SimpleNamespace(get=lambda _key, _default=None: "false"))


def planned(path, **output):
    output = {"path": str(path), **output}
    config = from_arguments(run_id="x", model="m", workspace="s3://bucket/ws", output=output)
    config = config.model_copy(update={"input": Input(path="/in")})
    shape = shape_of(SESSION, config, None)
    places = places_of(config, config.layout, "4.2.0")
    return fate(config, fit_of(SESSION, config, places, None, StructType(), shape, None), shape, None)


def test_a_folder_that_is_not_writable_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(tmp_path))  # as whoever is not root
    told = planned(tmp_path / "new" / "scores")
    assert f"EACCES: {tmp_path} is not writable; see that it may be, or name another place; so the run is" in told
    (tmp_path / "scores").mkdir()
    assert f"{tmp_path} is not writable, and files are merged there first; see that" in planned(tmp_path / "scores")
    assert list(tmp_path.rglob("*")) == [tmp_path / "scores"]


def test_a_path_below_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    told = planned(tmp_path / "file" / "new")
    assert "Not a directory: " in told
    assert "; see that it may be, or name another place; so the run is refused" in told


@pytest.mark.parametrize("path", ["new", "s3://bucket/scores"])
def test_any_other_is_created_for_all_that_is_known(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    assert "refused" not in planned(path)
    assert list(tmp_path.rglob("*")) == []


def test_files_that_an_overwrite_could_not_remove_are_told(tmp_path, monkeypatch):
    (tmp_path / "scores").mkdir(mode=0o1777)
    (tmp_path / "scores").chmod(0o1777)
    (tmp_path / "scores" / "part-0.parquet").touch()
    monkeypatch.setattr(local_faults, "os", CrashingModule(os, geteuid=lambda: os.geteuid() + 1000))
    told = planned(tmp_path / "scores", mode="overwrite")
    assert "part-0.parquet: EPERM: it is another user's, and" in told
    assert told.endswith("; so the run is refused")


def test_another_runs_claim_is_told(tmp_path):
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "_owner").write_text('{"nonce": "n", "run_id": "other"}')
    assert 'scores is being written by {"nonce": "n", "run_id": "other"}; if that' in planned(tmp_path / "scores")
