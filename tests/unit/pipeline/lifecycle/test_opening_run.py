"""In which order a run is begun: the store without whose word nothing is fenced is asked before anything is made."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.lifecycle import opening_run


@pytest.fixture
def begun(monkeypatch):
    """Begins a run, and returns what was done, in order; of a store without conditional writes it is refused."""
    done = []

    def begin_it(*, is_known, refuses=False):
        def probe():
            done.append("probe")
            if refuses:
                raise ConfigurationError("workspace: the store does not honour If-None-Match")

        ctx = SimpleNamespace(ledger=SimpleNamespace(probe=probe))
        opening_run._begun(ctx, lambda: done.append("model"), lambda: done.append("begins"), is_known=is_known)

    monkeypatch.setattr(opening_run, "begin", lambda ctx: done.append("lease"))
    return begin_it, done


def test_a_new_run_asks_the_store_before_a_model_is_made_and_before_anything_is_recorded(begun):
    begin_it, done = begun
    begin_it(is_known=False)
    assert done == ["probe", "model", "begins", "lease"]


def test_a_store_that_is_refused_has_no_model_made(begun):
    begin_it, done = begun
    with pytest.raises(ConfigurationError):
        begin_it(is_known=False, refuses=True)
    assert done == ["probe"]


def test_a_run_that_is_known_has_asked_before(begun):
    begin_it, done = begun
    begin_it(is_known=True)
    assert done == ["model", "begins", "lease"]
