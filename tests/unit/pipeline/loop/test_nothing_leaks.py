"""Marked secrets and marked row values, through a failing run of each class: where nobody is to see them they are not.

A row's values lie in the objects that are sent, in outputs and in dead letters, and the model's words, which may quote
one, are evidence. A secret lies in the request that is sent, and in nothing that is stored or told.
"""

from __future__ import annotations

import io
import json
from contextlib import suppress
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from batch_transform.core.errors import BatchTransformError, ConfigurationError
from batch_transform.core.isolation.data_log_evidence import LogEntry
from batch_transform.core.isolation.error_classes import ErrorClass
from batch_transform.pipeline.commands.command_options import COLLECT, PREPARE, SUBMIT
from batch_transform.pipeline.ending.exits import exit_of
from batch_transform.pipeline.ending.reporting import report_of_end
from support import memory_service
from support.memory_run import LAYOUT, READER, MemoryRun, echoing

SECRET = "marked-secret-4711"
ROW = "marked-row-0815"
ENVIRONMENT = {"API_TOKEN": SECRET, "PLAIN": f"{SECRET}-too", "WORKERS": "2"}
TRANSFORM = {"environment": ENVIRONMENT, "invocations_max_retries": 0, "max_payload_mb": 1}
BAD = 7


def refusing(how):
    return echoing(lambda row: how if row == BAD else None)


def answering(line):
    """A model that answers a line of its own for the bad row."""

    def answer(records):
        rows = [json.loads(record)["id"] for record in records]
        return [line if row == BAD else json.dumps({"echo": row}).encode() for row in rows]

    return answer


class Marked(MemoryRun):
    """Each record has the marked value; the bad row's prediction, where there is one, quotes it."""

    def record(self, row):
        return super().record(row).replace(b"}", f', "text": "{ROW}"}}'.encode())


def befallen(fault, times=40):
    def make(run):
        run.service.job_faults.extend([fault] * times)

    return refusing(None), make


def tampered(body):
    def make(run):
        run.service.tamper = lambda job, name, found: body(found) if name.startswith("s0-20") else found

    return refusing(None), make


def plain(model):
    return model, lambda run: None


def out_of_memory(run):
    run.service.runs_out = lambda kind, name: not name.startswith("s0-")


CASES = {
    ErrorClass.REJECTED: plain(refusing(400)),
    ErrorClass.MODEL_ERROR: plain(refusing(500)),
    ErrorClass.UNAVAILABLE: plain(refusing(503)),
    ErrorClass.TOO_LARGE: plain(refusing(413)),
    ErrorClass.MISCONFIGURED: plain(refusing(415)),
    ErrorClass.THROTTLED: plain(refusing(429)),
    ErrorClass.TIMED_OUT: plain(refusing("timeout")),
    ErrorClass.NO_ANSWER: plain(refusing("drop")),
    ErrorClass.OVER_LIMIT: plain(refusing("too much")),
    ErrorClass.UNREADABLE: plain(answering(f'{{"echo": "{ROW}"}}'.encode())),
    ErrorClass.PLACEHOLDER: plain(answering(f"n/a {ROW}".encode())),
    ErrorClass.MISMATCH: plain(answering(f'{{"echo": 1}}\n{{"text": "{ROW}"}}'.encode())),
    ErrorClass.CAPACITY: befallen("capacity"),
    ErrorClass.INTERNAL: befallen("internal"),
    ErrorClass.UNHEALTHY: befallen("ping"),
    ErrorClass.STOPPED: befallen("stopped"),
    ErrorClass.NO_OUTPUT: befallen("lost"),
    ErrorClass.OUT_OF_MEMORY: (refusing(None), out_of_memory),
}


def marked(model, **options):
    return Marked(
        [20, 20], model, transform=TRANSFORM, sections={"secrets": ["transform.environment.PLAIN"]}, **options
    )


def shown(run, *more):
    """All that is stored of the run beside its rows, or told."""
    stored = run.store.world.tree(f"{LAYOUT.kept.key}/")
    parts = [pq.read_table(io.BytesIO(body)) for body in stored.values() if body.startswith(b"PAR1")]
    assert parts
    assert len(stored) > len(parts) + 3
    return "\n".join([str(stored), *(str(part.to_pylist()) for part in parts), str(run.events), *more])


def ended(run):
    """What the process tells and reports, whatever became of the run."""
    driver, error = run.driver(), None
    try:
        driver.run()
    except BatchTransformError as err:
        error = err
    found = exit_of(error) if error else None
    report = driver.state.report
    if found is not None:
        report = report_of_end(driver.ctx, driver.state, found, error)
    report = driver.close(report)
    page = driver.ctx.store.get(driver.ctx.places.layout.page)[0].decode()
    return json.dumps([report, found.report() if found else {}]), page


@pytest.fixture(autouse=True)
def model_quotes_the_row(monkeypatch):
    """The model says of the row that it refuses what it holds, and of its own environment what that holds."""
    entry = memory_service._entry
    quoting = lambda answer: LogEntry(entry(answer).headline, f"cannot read {ROW}")  # noqa: E731
    monkeypatch.setattr(memory_service, "_entry", quoting)


@pytest.mark.parametrize("failing", CASES, ids=lambda each: each.value)
@pytest.mark.parametrize("budget", [{"max_rows": 0}, {"max_fraction": 1.0}], ids=["refused", "published"])
def test_neither_a_secret_nor_a_row_is_in_what_is_stored_and_told(failing, budget):
    model, befall = CASES[failing]
    run = marked(model, errors=budget, reader=replace(READER, placeholder="n/a"))
    befall(run)
    told = shown(run, *ended(run))
    assert failing.value in told
    assert SECRET not in told
    assert ROW not in told
    assert SECRET not in str(run.store.world.tree())
    assert run.service.requests
    assert all(request["Environment"] == ENVIRONMENT for request in run.service.requests)


def test_the_markers_are_there_to_be_found():
    run = marked(refusing(400))
    ended(run)
    assert ROW in str(run.store.world.tree(f"{LAYOUT.input.key}/"))
    assert "<secret hmac-sha256:" in shown(run)


@pytest.mark.parametrize("crash", ["lost", "quota", "throttled"])
def test_a_create_that_is_repeated_or_adopted_is_the_same_job(crash):
    run = marked(refusing(400))
    run.service.refusals.append(crash)
    ended(run)
    assert len({request["TransformJobName"] for request in run.service.requests}) == len(run.service.requests)
    assert run.state().report is not None


def test_the_steps_of_an_orchestrator_send_the_values_of_later_jobs_too():
    run = marked(refusing(400))
    for command in (PREPARE, SUBMIT, *[COLLECT] * 40):
        if run.step(command)["status"] == "published":
            break
        run.sleep(60)
    assert run.state().rounds > 1
    assert all(request["Environment"] == ENVIRONMENT for request in run.service.requests)
    assert SECRET not in str(run.store.world.tree())


@pytest.mark.parametrize("name", ["API_TOKEN", "PLAIN"])
def test_another_value_is_refused_by_its_key_before_anything_is_sent(name):
    run = marked(refusing(400))
    run.step(PREPARE)
    run.transform = {**TRANSFORM, "environment": {**ENVIRONMENT, name: "another"}}
    for go_on in (run.driver, lambda: run.rejoined(SUBMIT)):
        with pytest.raises(ConfigurationError) as caught:
            go_on()
        (difference,) = caught.value.faults
        assert f"run_id: transform.environment.{name}: " in difference
    assert run.service.requests == []


def test_a_secret_on_which_no_answer_depends_may_change_and_the_next_job_has_the_new_one():
    run = marked(refusing(400))
    run.step(PREPARE)
    now = {**ENVIRONMENT, "API_TOKEN": "rotated-since"}
    run.transform = {**TRANSFORM, "environment": now, "environment_may_change": ["API_TOKEN"]}
    with suppress(BatchTransformError):
        ended(run)
    assert run.service.requests
    assert all(request["Environment"] == now for request in run.service.requests)
