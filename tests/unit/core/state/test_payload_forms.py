"""A payload of another form is told as damage, and a fault of the fold's own as what it is."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from batch_transform.core.errors import ConfigurationError, LedgerCorrupt
from batch_transform.core.ledger import StepKind
from batch_transform.core.state import fold as folding
from batch_transform.core.state.fold import advance, fold
from support.core_tables import step
from support.recorded_steps import (
    DONE,
    EXPORTED,
    GATED,
    OPENED,
    PUBLICATION,
    PUBLISHED,
    RESUMED,
    STAGED,
    created,
    ended,
    judged,
    planned,
    reconciled,
)

BEGUN = [OPENED, STAGED, EXPORTED]
SENT = [*BEGUN, planned("j1"), created("j1")]
DONE_JOBS = [*SENT, ended("j1"), judged("j1")]
WHOLE = [*DONE_JOBS, reconciled(), GATED, PUBLICATION, PUBLISHED, DONE]
MODEL = {"name": "m", "execution": None, "created_at": "t"}
MODEL["containers"] = [{"keys": [["a", 1]], "environment": [], "image_digest": None, "data": [{"uri": "s3://b/k"}]}]
# Each step after those that may come before it.
STEPS = [(WHOLE[:place], each) for place, each in enumerate(WHOLE)]
STEPS += [
    (WHOLE[:3], step("model_recorded", identity=MODEL, accepted=False, at="t")),
    (SENT[:4], step("replanned", job="j1", name="j2", request={}, attempt=2, busy_share=1.0)),
    (SENT, step("job_stopping", job="j1", reason="timeout")),
    (SENT, step("mended", parts=1, job="j1", control_etags=["e"])),
    (DONE_JOBS[:-1], step("inferred", schema="p double", fields="")),
    (BEGUN, step("resumed", config={"model": {"name": "m"}, "transform": None, "expect": ["a"]}, at="t", seconds=0.5)),
    ([*DONE_JOBS, reconciled(), GATED], step("checked", expectations=[{"expression": "a"}])),
]
OTHERS = (None, 7, 0.5, True, "x", [], ["x"], [7], [[]], {}, {"x": 7}, [{}], [{"name": 7}])


def named(steps):
    return [f"{place}-{each.kind}" for place, (_, each) in enumerate(steps)]


@pytest.mark.parametrize(("before", "each"), STEPS, ids=named(STEPS))
def test_a_payload_of_any_other_form_is_damage_or_is_read(before, each):
    state = fold(before)
    for key in each.payload:
        without = {name: value for name, value in each.payload.items() if name != key}
        for payload in (without, *({**each.payload, key: other} for other in OTHERS)):
            with suppress(LedgerCorrupt):
                advance(state, replace(each, payload=payload))


def test_what_is_lacking_is_named_and_no_value_is():
    words = r"step 0 \(opened\) lacks something.*: its nonce is of another form"
    with pytest.raises(LedgerCorrupt, match=words) as err:
        fold([replace(OPENED, payload={**OPENED.payload, "nonce": 12345})])
    assert "12345" not in str(err.value)


def test_what_a_later_version_says_more_of_a_file_or_of_a_model_is_no_damage():
    files = [{**each, "zone": "a"} for each in STAGED.payload["files"]]
    words = "step 0 of the ledger was written by a later version .*, which says zone .*: go on with the run by that"
    with pytest.raises(ConfigurationError, match=words):
        fold([OPENED, replace(STAGED, payload={**STAGED.payload, "files": files})])
    (container,) = MODEL["containers"]
    model = {**MODEL, "containers": [{**container, "data": [{"uri": "s3://b/k", "zone": "a"}]}]}
    with pytest.raises(ConfigurationError, match=words):
        advance(fold(BEGUN), step("model_recorded", identity=model, accepted=False, at="t"))


@pytest.mark.parametrize("error", [AttributeError, KeyError, IndexError, TypeError])
def test_a_fault_of_the_folds_own_is_not_told_as_a_damaged_ledger(error, monkeypatch):
    def faulty(state, step):
        raise error("ours")

    monkeypatch.setitem(folding._TRANSITIONS, StepKind.RESUMED, faulty)
    with pytest.raises(error, match="ours"):
        fold([*BEGUN, RESUMED])
