"""How answers are read of what came back: what is neither reading is told as it is, what is not there as not told."""

from __future__ import annotations

import json

import pytest

from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.findings import Findings, JobFound, Refusal
from batch_transform.core.smoke.questions import QUESTIONS
from batch_transform.core.statuses import JobStatus

ASKED = {question.switch: question for question in QUESTIONS}
FAILURE = "2024-05-01T00:00:00.000:[sagemaker logs]: bucket/in/{}: {}"


def seen(head="told", **other):
    fields = {"bytes": 5, "lines": 1, "content_type": None, "accept": None, "named": True, "zipped": True}
    return {"head": head, "mark": None, "instance": "i", "loaded": 100.0, "began": 0.0, "ended": 0.0, **fields, **other}


def told(*requests):
    return "".join(json.dumps(each) + "\n" for each in requests).encode()


def job(name, outputs=None, *, logged=(), failures=None, status=JobStatus.COMPLETED, **other):
    return JobFound(
        name,
        "bucket",
        "in",
        status,
        outputs={f"{key}.out": body for key, body in (outputs or {}).items()},
        container_log=tuple("smoke " + json.dumps(each) for each in logged),
        data_log=tuple(FAILURE.format(*each) for each in (failures or {}).items()),
        **other,
    )


def answer(switch, *jobs, refusals=None):
    return ASKED[switch].answer(Findings({each.name: each for each in jobs}, refusals or {}))


def statuses(**counts):
    """A job whose requests were answered so often with each status."""
    logged = [
        seen(f"status-{status} ", began=float(number))
        for status in smoke.STATUSES_RETRIED
        for number in range(counts.get(f"s{status}", 1))
    ]
    return job(smoke.RECORDS, logged=logged)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.switch)
def test_without_an_experiment_nothing_is_told_and_it_is_said_why(question):
    found = question.answer(Findings({}, {}))
    assert (found.value, found.evidence) == (None, ())
    assert found.why


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.switch)
def test_of_a_job_that_left_nothing_nothing_is_made_up(question):
    """Neither outputs nor logs: what fails as a whole is no reading of anything."""
    jobs = [job(name, status=JobStatus.FAILED, reason="InternalServerError") for name in question.needs]
    found = question.answer(Findings({each.name: each for each in jobs}, {}))
    assert found.value in (None, "true" if question.switch == "missing_manifest_key_fails" else None)


@pytest.mark.parametrize(
    ("counts", "value"),
    [
        ({}, "600"),
        ({"s500": 2, "s503": 2}, "500"),
        ({"s503": 2}, "503"),
        ({"s400": 2, "s429": 2, "s500": 2, "s503": 2}, "400"),
        ({"s429": 2}, None),
        ({"s429": 2, "s503": 2}, None),
    ],
)
def test_statuses_are_retried_from_one_on_or_it_is_none_of_the_readings(counts, value):
    found = answer("retried_statuses_from", statuses(**counts))
    assert (found.value, found.why) == (value, "")
    assert "requests by the status" in found.evidence[0]


def test_a_log_that_lacks_requests_tells_no_retries():
    assert "lacks requests" in answer("retried_statuses_from", statuses(s400=0)).why


def test_the_shortest_pause_is_told_and_all_are_shown():
    logged = [seen("status-500 ", began=each) for each in (10.0, 13.1)]
    logged += [seen("status-503 ", began=each) for each in (10.0, 15.2)]
    found = answer("retry_pause_seconds", job(smoke.RECORDS, logged=logged))
    assert (found.value, found.evidence) == ("3", ("seconds between a request and the same again: [3.1, 5.2]",))


@pytest.mark.parametrize(
    ("scored", "value"),
    [((201, 204, 299), "299"), ((), "200"), ((201,), "201"), ((201, 204), "204"), ((204,), None), ((299,), None)],
)
def test_statuses_are_scored_up_to_one_or_it_is_none_of_the_readings(scored, value):
    outputs = {"newline": told(seen()), **{f"status-{status}": b"" for status in scored}}
    assert answer("success_statuses_to", job(smoke.ANSWERS, outputs)).value == value


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("AAAAAAAAAAAAAAAA", "all_to_one"),
        ("AAAAAAAABBBBBBBB", "contiguous_ranges"),
        ("AAAAABBBBBBBBBBB", "contiguous_ranges"),
        ("ABBABAAABBABABBA", "hash_of_key"),
        ("ABABABABABABABAB", None),
        ("AAAAAAAABBBBBBBC", None),
    ],
)
def test_the_map_of_objects_to_instances_is_told_by_its_pattern(where, value):
    outputs = {name: told(seen(instance=at)) for name, at in zip(smoke.SHARDED, where, strict=True)}
    found = answer("sharding", job(smoke.SHARDS, outputs))
    assert found.value == value
    assert where in found.evidence[0]


@pytest.mark.parametrize(
    ("started", "loaded", "seconds", "billed"),
    [(20.0, 21.0, "20", "false"), (20.0, 80.0, "60", "true"), (0.5, 6.0, "6", "true"), (1.0, 2.0, "0", None)],
)
def test_a_start_up_is_billed_if_it_comes_after_the_start(started, loaded, seconds, billed):
    found = job(smoke.RECORDS, {"blank": told(seen(loaded=loaded))}, created=0.0, started=started)
    assert answer("instance_start_seconds", found).value == seconds
    assert answer("start_is_billed", found).value == billed


def timed(after_small, after_large):
    """Requests one after the other, with so many seconds behind each."""
    sizes, now, requests = [smoke.LARGE_BYTES, 6] * 4 + [6] * 5, 0.0, []
    for size in sizes:
        requests.append(seen(bytes=size, began=now, ended=now + 1.0))
        now += 1.0 + (after_large if size > 6 else after_small)
    return job(smoke.RECORDS, {"timed": told(*requests)})


@pytest.mark.parametrize(
    ("after_small", "after_large", "milliseconds", "nanoseconds"),
    [(0.005, 0.1, "0", "0"), (0.25, 0.25, "250", "0"), (0.01, 0.51, "0", "500"), (0.1, 0.3, "100", "200")],
)
def test_what_requests_and_bytes_cost_is_told_by_the_time_behind_them(
    after_small, after_large, milliseconds, nanoseconds
):
    found = timed(after_small, after_large)
    assert answer("milliseconds_per_request", found).value == milliseconds
    assert answer("nanoseconds_per_byte", found).value == nanoseconds


@pytest.mark.parametrize(
    ("starts", "connections", "value"),
    [((0, 1, 2, 3), 1, "false"), ((0, 1, 2, 3), 2, "false"), ((0, 1, 2, 3), 4, "true"), ((0, 0, 1, 1), 2, "true")],
)
def test_files_are_in_parallel_if_answered_at_once_or_waiting_for_it(starts, connections, value):
    each = [seen(began=float(at), ended=at + 0.9, connections=connections) for at in starts]
    outputs = {name: told(one) for name, one in zip(smoke.TOGETHER, each, strict=True)}
    assert answer("files_in_parallel", job(smoke.ANSWERS, outputs)).value == value


@pytest.mark.parametrize(
    ("switch", "found"),
    [
        ("bytes_per_mb", job(smoke.PAYLOAD, {"packed": told(seen(bytes=500_000), seen(bytes=600_000))})),
        ("payload_zero_sends_whole_objects", job(smoke.ZERO, {"three": told(seen(lines=2), seen(lines=1))})),
        ("blank_lines_are_records", job(smoke.RECORDS, {"blank": told(seen("first\n\nlast\n"))})),
        ("manifest_entries_keep_folders", job(smoke.ANSWERS, {"folder_kept": b""})),
        ("absent_content_type_is_empty", job(smoke.ZERO, {"three": told(seen(content_type="text/plain"))})),
        ("empty_object_fails", job(smoke.ANSWERS, {"empty": told(seen())})),
        ("newline_only_if_missing", job(smoke.ANSWERS, {"newline": told(seen()) + b"\n\n"})),
        ("slice_end_inclusive", job(smoke.FILTERS, {"cells": b"6\n"})),
        ("answer_type", job(smoke.FILTERS, {"typed": b"[1,2]\n"})),
        ("inner_accept", job(smoke.PIPELINE, {"told": told(seen(first=seen(accept="text/html")))})),
        ("inner_input_object", job(smoke.PIPELINE, {"told": told(seen(first=seen(named=False)))})),
        ("job_environment", job(smoke.PIPELINE, {"told": told(seen(mark="job", first=seen()))})),
        ("inner_payload_limit_mb", job(smoke.PIPELINE, failures={"big": "ClientError: 413"})),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_none_of_the_readings_is_told_as_it_is(switch, found):
    told_of_it = answer(switch, found)
    assert (told_of_it.value, told_of_it.why) == (None, "")
    assert told_of_it.evidence


def test_what_failed_is_told_in_the_words_of_the_data_log():
    found = answer("absent_content_type_is_empty", job(smoke.ZERO, failures={"three": "ClientError: 415"}))
    assert found.why == "zero: three was not scored: ClientError: 415"


@pytest.mark.parametrize(
    ("switch", "name"),
    [
        ("join_settings_message", smoke.JOIN_SETTINGS),
        ("payload_product_message", smoke.PRODUCT),
        ("duplicate_name_message", smoke.DUPLICATE),
        ("unknown_job_code", smoke.UNKNOWN),
    ],
)
def test_what_was_to_be_refused_and_was_not_is_none_of_the_readings(switch, name):
    found = answer(switch, refusals={name: Refusal("")})
    assert (found.value, found.why) == (None, "")


def test_a_refusal_for_another_reason_is_no_reading():
    found = answer("model_data_source_refused", refusals={smoke.DATA_SOURCE: Refusal("AccessDeniedException", "no")})
    assert (found.value, found.why) == (None, "")
    assert "AccessDeniedException: no" in found.evidence[0]


def test_a_job_that_ended_before_it_was_stopped_tells_nothing_of_stops():
    assert "before it was stopped" in answer("stop_keeps_outputs", job(smoke.STOP, was_scored=True)).why
    stopped = job(smoke.STOP, status=JobStatus.STOPPED)
    assert "no output of it was seen" in answer("stop_keeps_outputs", stopped).why
