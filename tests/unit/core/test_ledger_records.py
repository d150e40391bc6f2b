"""The ledger's records: one form in bytes, and a chain in which no link can be changed unseen."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError, LedgerCorrupt
from batch_transform.core.ledger import Part, Step, check_chain, decode, digest, encode
from batch_transform.core.state.fold import fold

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.lists(st.builds(Part, st.text(), st.integers(0), st.text()), max_size=3).map(tuple)
PAYLOADS = st.dictionaries(st.text(), JSON)
STEPS = st.builds(Step, st.integers(0), st.text(), st.integers(0), st.text(), st.text(), st.just(1), PAYLOADS, PARTS)


def chain(*epochs):
    steps = []
    for number, epoch in enumerate(epochs):
        previous = digest(encode(steps[-1])) if steps else ""
        steps.append(Step(number, "w", epoch, previous, "kind", 1, {"n": number}))
    return steps


@given(STEPS)
def test_a_step_comes_back_as_it_was_written(step):
    assert decode(encode(step)) == step


@given(STEPS)
def test_the_bytes_do_not_depend_on_the_order_of_the_payload(step):
    turned = replace(step, payload=dict(reversed(list(step.payload.items()))))
    assert encode(turned) == encode(step)


def test_the_form_is_compact_sorted_ascii():
    step = Step(0, "w", 1, "", "opened", 1, {"b": "é", "a": 1}, (Part("k", 2, "s"),))
    assert encode(step) == (
        b'{"epoch":1,"kind":"opened","number":0,"parts":[{"key":"k","rows":2,"sha256":"s"}],'
        b'"payload":{"a":1,"b":"\\u00e9"},"previous":"","version":1,"writer":"w"}'
    )


@pytest.mark.parametrize("payload", [{"x": float("nan")}, {"x": {1}}, {"x": b"bytes"}])
def test_a_payload_that_is_no_json_is_refused(payload):
    with pytest.raises((TypeError, ValueError)):
        encode(Step(0, "w", 1, "", "k", 1, payload))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b"\xff", b'{"parts": 1}', b'{"parts": [], "x": 1}', b"[" * 100_000]
)
def test_bytes_that_are_no_step_are_refused(body):
    with pytest.raises(LedgerCorrupt, match="no step"):
        decode(body)


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, 1.5, True])
@pytest.mark.parametrize("name", ["number", "writer", "epoch", "previous", "kind", "version", "payload", "parts"])
def test_a_field_of_another_type_is_damage_and_no_crash(name, value):
    """Whatever lies among the runs of a workspace, `list` has to tell of the others."""
    fields = {**vars(Step(0, "w", 1, "", "opened", 1, {})), "parts": [], name: value}
    with pytest.raises(LedgerCorrupt):
        fold([decode(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())])


@pytest.mark.parametrize("fields", [{"config": 3}, {"run_id": [1]}, {"nonce": None}, {"at": 1}], ids=str)
def test_a_first_step_that_says_something_else_is_damage(fields):
    with pytest.raises(LedgerCorrupt, match="step 0"):
        fold([Step(0, "w", 1, "", "opened", 1, {"run_id": "r", "nonce": "n", "config": {}, "at": "t", **fields})])


def test_an_edited_form_of_a_step_is_refused():
    """Bytes that parse to the same step would have another digest than the step has."""
    body = encode(chain(1)[0])
    with pytest.raises(LedgerCorrupt, match="not as it was written"):
        decode(json.dumps(json.loads(body)).encode())


def test_what_a_later_version_has_written_is_no_damage_and_goes_on_with_that_version():
    """Its steps may have fields that this one does not know."""
    step = json.loads(encode(replace(chain(1)[0], version=2)))
    for body in (step, {**step, "unheard_of": 1}):
        with pytest.raises(ConfigurationError, match="format 2, and this version reads 1: go on with the run by that"):
            decode(json.dumps(body).encode())


def _with_more(step, **more):
    return json.dumps({**json.loads(encode(step)), **more}, sort_keys=True, separators=(",", ":")).encode()


def test_a_field_more_of_a_step_or_of_a_part_is_a_later_versions_and_no_damage():
    """The format grows by optional fields, wherever they stand; what was edited by hand is not in the one form."""
    step, part = chain(1)[0], {"key": "k", "rows": 1, "sha256": "s", "codec": "x"}
    for body, names in ((_with_more(step, zone="a"), "zone"), (_with_more(step, parts=[part]), "codec")):
        with pytest.raises(ConfigurationError, match=f"by a later version .*, which says {names} .*: go on"):
            decode(body)
        with pytest.raises(LedgerCorrupt, match="no step"):
            decode(b" " + body)


def test_a_format_that_never_was_is_damage():
    with pytest.raises(LedgerCorrupt, match="the format 0"):
        decode(encode(replace(chain(1)[0], version=0)))


def test_a_whole_chain_passes():
    check_chain(chain(0, 0, 1, 1, 4))
    check_chain([])


@given(st.integers(2, 6), st.data())
def test_no_step_before_the_last_may_be_missing(length, data):
    steps = chain(*[1] * length)
    lost = data.draw(st.integers(0, length - 2))
    with pytest.raises(LedgerCorrupt, match=f"where step {lost} belongs"):
        check_chain(steps[:lost] + steps[lost + 1 :])


@pytest.mark.parametrize("number", range(4))
def test_no_step_before_the_last_can_be_changed(number):
    steps = chain(1, 1, 1, 1, 1)
    steps[number] = replace(steps[number], payload={"n": "changed"})
    with pytest.raises(LedgerCorrupt, match=f"step {number + 1} does not follow"):
        check_chain(steps)


def test_the_first_step_follows_nothing():
    with pytest.raises(LedgerCorrupt, match="step 0 does not follow"):
        check_chain([replace(chain(1)[0], previous="x")])


def test_the_epoch_never_goes_back():
    with pytest.raises(LedgerCorrupt, match="back from epoch 2 to 1"):
        check_chain(chain(1, 2, 1))
