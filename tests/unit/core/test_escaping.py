"""What nobody sees is shown escaped wherever foreign text is told: evidence, messages, progress."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.escaping import visible
from batch_transform.core.events import Event
from batch_transform.core.isolation.data_log_evidence import parse
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.publishing.prediction_gathering import RawLines
from batch_transform.pipeline.telling import tell_terminal

MARK = "\ufeff"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain, é 名 \t\n x", "plain, é 名 \t\n x"),
        (MARK + '{"p": 1}', '\\ufeff{"p": 1}'),
        ("a\u200bb\u202ec\u00a0d\x00e\x1b[31mf\rg\x85h\u2028i", r"a\u200bb\u202ec\xa0d\x00e\x1b[31mf\rg\x85h\u2028i"),
        ("\U000e0041\ud800", r"\U000e0041\ud800"),
    ],
)
def test_what_cannot_be_seen_is_escaped(text, expected):
    assert visible(text) == expected


@given(st.text())
def test_whatever_is_left_can_be_seen(text):
    unseen = [c for c in visible(text) if c not in "\t\n" and unicodedata.category(c)[0] in "CZ" and c != " "]
    assert unseen == []


def test_evidence_and_messages_are_escaped():
    (line,) = RawLines().read(lines_of((MARK + "<html>").encode())).values.field("line").to_pylist()
    assert line == r"\ufeff<html>"
    prefix = "2024-05-01T00:00:00.000:[sagemaker logs]: b/in/o.jsonl: "
    entry = parse([prefix + MARK + "Bad HTTP", prefix + "Message:", prefix + "\x1b[31mno"], "b", "in", {"o.jsonl"})
    assert entry["o.jsonl"].evidence == "\\ufeffBad HTTP\n\\x1b[31mno"
    assert str(ServiceFailure(f"job: {MARK}")) == r"job: \ufeff"
    assert ConfigurationError([f"column {MARK}", "b"]).faults == (r"column \ufeff", "b")


def test_progress_is_escaped(capsys):
    tell_terminal(Event("score", f"j: Failed {MARK}"))
    assert capsys.readouterr().err == "[batch-transform] score     j: Failed \\ufeff\n"
