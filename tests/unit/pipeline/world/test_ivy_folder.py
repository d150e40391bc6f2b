"""Jars are kept where the user may write, or it is told before Spark starts that there is no such place."""

from __future__ import annotations

import os
import pwd
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.world.ivy_folder import ivy_folder


@pytest.fixture
def java_knows(monkeypatch):
    def knows(home):
        def found(_uid):
            if home is None:
                raise KeyError
            return SimpleNamespace(pw_dir=str(home))

        monkeypatch.setattr(pwd, "getpwuid", found)

    return knows


def test_a_home_that_can_be_written_is_sparks_own_to_find(tmp_path, java_knows):
    java_knows(tmp_path)
    assert ivy_folder({"HOME": "/nonexistent"}) is None


def test_so_is_one_of_which_java_is_told_and_one_with_a_folder_for_it(tmp_path, java_knows, monkeypatch):
    java_knows("/nonexistent")
    assert ivy_folder({"JAVA_TOOL_OPTIONS": "-Xmx1g -Duser.home=/home/me"}) is None
    java_knows(tmp_path)
    (tmp_path / ".ivy2").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # as whoever is not root
    assert ivy_folder({}) is None


@pytest.mark.parametrize("known", [None, "/nonexistent"])
def test_else_it_is_below_home(tmp_path, java_knows, known):
    java_knows(known)
    assert ivy_folder({"HOME": str(tmp_path)}) == f"{tmp_path}/.cache/batch-transform/ivy"


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_where_neither_can_be_written_it_is_told_what_to_name(java_knows, environ):
    java_knows("/nonexistent")
    with pytest.raises(ConfigurationError, match="/nonexistent cannot be written; name a folder that can be: --conf"):
        ivy_folder(environ)


def test_a_home_of_another_user_is_none(tmp_path, java_knows, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as whoever is not root
    java_knows(tmp_path)
    with pytest.raises(ConfigurationError, match=f"{tmp_path} cannot be written"):
        ivy_folder({"HOME": str(tmp_path)})
