"""A manifest names a job's objects, and however many they are, a few at a time are held."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.sending import manifests
from batch_transform.core.sending.manifests import is_same, manifest, sent_names
from batch_transform.core.spans import SPAN_SCHEMA
from batch_transform.core.uris import S3Uri

INPUT = S3Uri("bucket", "ws/r/input")


def spans(names, copies=()):
    rows = [{"start": n, "stop": n + 1, "lane": "standard", "object": name} for n, name in enumerate(names)]
    zeros = {"bytes": 1, "largest": 1, "offset": 0, "level": 0, "repeats": 0, "alone": 0, "payload_mb": 0}
    told = [{**row, **zeros, "whole": True, "witnessed": False, "copies": [*copies] or None} for row in rows]
    return SPAN_SCHEMA.empty_table().from_pylist(told, schema=SPAN_SCHEMA)


def test_a_manifest_is_a_prefix_with_its_slash_and_flat_names():
    written = b"".join(manifest(INPUT, ["a.jsonl", "b.jsonl"]))
    assert written == b'[{"prefix":"s3://bucket/ws/r/input/"},"a.jsonl","b.jsonl"]'


@given(st.lists(st.text(max_size=8), max_size=25), st.integers(1, 6))
def test_its_parts_are_the_whole_wherever_they_end(names, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifests, "_NAMES_AT_ONCE", at_once)
        parts = list(manifest(INPUT, names))
    assert json.loads(b"".join(parts)) == [{"prefix": "s3://bucket/ws/r/input/"}, *names]


def test_names_are_taken_from_their_column_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(manifests, "_NAMES_AT_ONCE", 10)
    taken = []
    names = (taken.append(name) or name for name in sent_names(spans([f"s{n}-1-a" for n in range(1_000)]), []))
    parts = manifest(INPUT, names)
    for number, part in enumerate(parts):
        assert part.count(b"s") <= 12
        assert len(taken) == min(10 * number, 1_000)


def test_copies_and_controls_are_named_among_the_others():
    found = list(sent_names(spans(["a", "b"], copies=["c-a"]), ["control"]))
    assert sorted(found) == ["a", "b", "c-a", "c-a", "control"]
    assert found != sorted(found)


@given(st.binary(max_size=30), st.integers(1, 7), st.integers(0, 29))
def test_streams_are_the_same_whose_bytes_are_however_they_are_cut(body, size, place):
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    assert is_same(cut, [body])
    altered = body[:place] + b"?" + body[place + 1 :]
    assert is_same(cut, [altered]) == (altered == body)
