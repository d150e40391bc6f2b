"""The grammar of a data log, on lines as they were seen and on lines that look alike."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_transform.core.escaping import visible
from batch_transform.core.isolation.data_log_evidence import MOST_EVIDENCE_CHARACTERS, LogEntry, parse

# As in the log of a real job (FACTS.md, 4), under our names.
TIME = "2020-10-14T04:08:19.163:[sagemaker logs]: "
FIRST = f"{TIME}bucket/run/input/s0-5-0f.jsonl: "
SEEN = [
    f"{TIME}MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD",
    f"{FIRST}ClientError: 400",
    FIRST,
    f"{FIRST}Message:",
    f"{FIRST}first: line",
    f"{FIRST}second",
    f"{TIME}bucket/run/input/s5-5-0f.jsonl: Unable to get response from algorithm",
]
NAMES = {"s0-5-0f.jsonl", "s5-5-0f.jsonl"}


def parsed(lines, names=NAMES):
    return parse(lines, "bucket", "run/input", names)


def test_headline_and_body_of_each_object():
    assert parsed(SEEN) == {
        "s0-5-0f.jsonl": LogEntry("ClientError: 400", "first: line\nsecond"),
        "s5-5-0f.jsonl": LogEntry("Unable to get response from algorithm"),
    }


def test_objects_that_are_not_looked_for_are_left_out():
    assert list(parsed(SEEN, {"s5-5-0f.jsonl"})) == ["s5-5-0f.jsonl"]


def test_lines_of_other_folders_buckets_and_longer_names_are_not_taken_for_ours():
    other = ["b2/run/input/s0-5-0f.jsonl", "bucket/run/input2/s0-5-0f.jsonl", "bucket/run/input/s0-5-0f.jsonl.gz"]
    assert parsed([f"t:[sagemaker logs]: {place}: ClientError: 400" for place in other]) == {}


def test_evidence_is_kept_in_bounds():
    line = f"t:[sagemaker logs]: bucket/run/input/s0-5-0f.jsonl: {'x' * 5000}"
    assert len(parsed([line])["s0-5-0f.jsonl"].evidence) == MOST_EVIDENCE_CHARACTERS


@given(st.lists(st.text()))
def test_lines_without_the_mark_say_nothing(lines):
    assert parsed([line for line in lines if ":[sagemaker logs]: " not in line]) == {}


texts = st.text(st.characters(exclude_characters="\n"), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(texts, st.lists(texts, max_size=3)), min_size=1, max_size=4), st.randoms())
def test_interleaved_lines_of_several_objects_come_apart(failures, random):
    """However the streams are mixed, each object keeps its own lines in their order, whatever characters they hold."""
    named = {f"s{index}-1-0f.jsonl": failure for index, failure in enumerate(failures)}
    queues = [
        [f"t:[sagemaker logs]: bucket/run/input/{name}: {text}" for text in (headline, "", "Message:", *body)]
        for name, (headline, body) in named.items()
    ]
    mixed = []
    while any(queues):
        mixed.append(random.choice([queue for queue in queues if queue]).pop(0))
    found = parsed(mixed, set(named))
    for name, (headline, body) in named.items():
        assert found[name].headline == visible(headline.strip())
        assert found[name].body == visible("\n".join(body).strip())[:MOST_EVIDENCE_CHARACTERS]


@pytest.mark.parametrize("is_told", [True, False], ids=["with Message:", "without"])
def test_no_more_is_held_of_an_object_than_is_kept(is_told):
    """A model may answer each of thousands of objects with megabytes."""
    lines = iter([f"{FIRST}ClientError: 500", *([f"{FIRST}Message:"] if is_told else []), FIRST])
    body = (FIRST + "x" * 10_000 for _ in range(1_000))
    tracemalloc.start()
    found = parsed(itertools.chain(lines, body))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found["s0-5-0f.jsonl"] == LogEntry("ClientError: 500", "x" * MOST_EVIDENCE_CHARACTERS)
    assert peak < 200_000


def test_what_stands_before_the_message_is_no_part_of_a_body_that_has_one():
    lines = [
        f"{FIRST}{text}" for text in ("ClientError: 400", "other words" * 500, "Message:", "", "  body", "Message:")
    ]
    assert parsed(lines)["s0-5-0f.jsonl"] == LogEntry("ClientError: 400", "body\nMessage:")
