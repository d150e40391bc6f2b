"""What crosses a seam of the core has a type: a map of anything only where JSON itself is meant, with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LIB = Path(__file__).parents[3] / "lib" / "batch_transform"
ANYTHING = re.compile(r"\b(dict|Mapping)\[str, (Any|object)\]")
# Who may read a JSON object of the ledger, and for what.
READERS = {
    "ledger.py": "it defines it; the payload of a step, whose keys follow from its kind",
    "model_identity.py": "what a step `model_recorded` has of a model",
    "publishing/last_words.py": "the report of whatever command, which says itself what it is",
    "publishing/file_publication.py": "what a step `publication` has of a publication",
    "report_keys.py": "a request to a service that starts a driver, which is told as it was sent",
    "resuming/resumed_run.py": "the payloads of the steps `resumed`, `inferred` and `replanned`",
    "run_settings.py": "the configuration, and a section of it",
    "run_state.py": "the configuration, which is shown and held against another; payloads that handlers read again",
    "secret_values.py": "the configuration, of which any text may be a secret",
    "sending/job_request.py": "a request and what the service tells of it, compared leaf by leaf",
    "source_identity.py": "what a step `staged` has of the source",
    "staged_table.py": "the payload of a step `staged`",
    "state/model_versions.py": "the payload of a step `model_recorded`",
    "state/payload_forms.py": "the payload of each kind of step, of which it says what it must hold",
    "state/planned_rounds.py": "the payload of a step `reconciled`",
}


def _sources(house="core"):
    folder = LIB / house
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}


def _without_reason(text):
    lines = text.splitlines()
    return [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if ANYTHING.search(line) and "#" not in line and not above.strip().startswith("#")
    ]


@pytest.mark.parametrize("house", ["core", "pipeline"])
def test_a_map_of_anything_says_why_it_is_one(house):
    found = {name: lines for name, text in _sources(house).items() if (lines := _without_reason(text))}
    assert not found


def test_a_json_object_is_read_where_it_is_said_to_be():
    assert {name for name, text in _sources().items() if "JsonObject" in text} == set(READERS)


def test_a_map_of_anything_without_a_reason_is_found():
    assert _without_reason("def f(a: Mapping[str, Any]) -> dict[str, object]:") != []
    assert _without_reason("# JSON to be printed.\ndef f(a: Mapping[str, Any]) -> None:") == []


def test_nothing_is_cast_in_the_core():
    assert not [name for name, text in _sources().items() if re.search(r"from typing import .*\bcast\b", text)]
