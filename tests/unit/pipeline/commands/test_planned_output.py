"""A plan tells of an output that cannot be written, as the run would."""

from __future__ import annotations

import os

import pytest

from batch_transform.config.loading import from_arguments
from batch_transform.pipeline.commands.plan_surroundings import fate
from batch_transform.pipeline.places import places_of


def planned(path):
    config = from_arguments(run_id="x", model="m", workspace="s3://bucket/ws", output={"path": str(path)})
    return fate(None, config, places_of(config, config.layout, "4.2.0"), None)


def test_a_folder_that_is_not_writable_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(tmp_path))  # as whoever is not root
    told = planned(tmp_path / "new" / "scores")
    assert f"EACCES: {tmp_path} is not writable; see that it may be, or name another place; so the run is" in told
    (tmp_path / "scores").mkdir()
    assert f"{tmp_path} is not writable, and files are merged there first; see that" in planned(tmp_path / "scores")
    assert list(tmp_path.rglob("*")) == [tmp_path / "scores"]


def test_a_path_below_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    assert "/file is no directory; see that it may be, or name another place; so" in planned(tmp_path / "file" / "new")


@pytest.mark.parametrize("path", ["new", "s3://bucket/scores"])
def test_any_other_is_created_for_all_that_is_known(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    assert "refused" not in planned(path)
    assert list(tmp_path.rglob("*")) == []
