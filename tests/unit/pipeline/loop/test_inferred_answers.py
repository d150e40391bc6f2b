"""A schema is inferred from answers that count: from no control's, none that is disbelieved, and none of other rows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest

from batch_transform.core.errors import ServiceFailure
from batch_transform.core.object_names import control_name, rows_named
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.state import actions as act
from batch_transform.core.state.next_action import next_action
from batch_transform.pipeline.loop.handlers.infer import infer
from support.memory_run import LAYOUT, MemoryRun, all_rows

ODD = b'{"odd": true}'


def answers(records):
    return [b'{"p": 0.5}'] * len(records)


def before_inferring(model, sizes=(4, 4, 4), tamper=None, **prediction):
    placeholder = prediction.get("placeholder")
    run = MemoryRun(
        list(sizes), model, reader=PredictionReader(None, placeholder), prediction={"schema": "infer", **prediction}
    )
    if tamper is not None:
        run.service.tamper = tamper
    driver = run.driver()
    while not isinstance(next_action(driver.state), act.Infer):
        assert driver.step()
    return run, driver


def inferred(driver):
    assert driver.step()
    return driver.state.inferred


def test_an_output_that_does_not_count_is_not_sampled():
    _, driver = before_inferring(
        answers, tamper=lambda job, name, body: ODD + b"\n" if name.startswith("s0-") else body
    )
    assert inferred(driver) == "p double"


def test_it_is_looked_for_beyond_the_first_outputs():
    sizes = [3] * 30
    last = all_rows(sizes)[-3]
    _, driver = before_inferring(
        answers, sizes, lambda job, name, body: body if name.startswith(f"s{last}-") else ODD + b"\n"
    )
    assert inferred(driver) == "p double"


def test_where_no_answer_counts_nothing_is_inferred_and_a_later_round_is_sampled():
    run, driver = before_inferring(
        answers, tamper=lambda job, name, body: ODD + b"\n" if rows_named(name) > 1 else body
    )
    assert inferred(driver) is None
    # A step that is shown as done says what it has done.
    assert [each.text for each in run.events if each.text and each.step == "infer"] == [
        "no answer counts yet: prediction.schema is inferred once one does"
    ]
    while driver.state.inferred is None:
        assert driver.step()
    assert (driver.state.rounds, driver.state.inferred) == (2, "p double")


def test_answers_to_an_object_that_was_altered_before_its_job_ended_are_not_sampled():
    run, driver = before_inferring(answers)
    objects, (job,) = run.store.world.objects, driver.state.jobs
    (name,) = [key.rpartition("/")[2] for key in run.store.world.tree("rows/run/input/s0-")]
    body, _ = objects["bucket", f"rows/run/input/{name}"]
    objects["bucket", f"rows/run/input/{name}"] = body.replace(b"0", b"7"), datetime.fromisoformat(job.ended_at)
    output = "bucket", f"rows/run/output/{job.name}/{name}.out"
    objects[output] = (ODD + b"\n") * 4, objects[output][1]
    assert inferred(driver) == "p double"


def test_a_control_is_not_sampled():
    run, driver = before_inferring(answers)
    (job,) = driver.state.jobs
    control = control_name("0" * 16, ".jsonl")
    run.store.put(LAYOUT.outputs.join(job.name, f"{control}.out"), ODD + b"\n")
    state = driver.state.with_job(replace(job, controls=(control,)))
    for key in run.store.world.tree(f"rows/run/output/{job.name}/s"):
        del run.store.world.objects["bucket", key]
    assert infer(driver.ctx, state, act.Infer(state.unsettled)).payload == {"schema": None, "fields": ""}


def test_the_answer_to_a_copy_of_a_row_is_an_answer():
    """In the second round each row is tried alone several times; of one all tries but a copy's are refused."""
    calls = []

    def model(records):
        calls.append(len(records))
        return 400 if len(records) > 1 or len(calls) % 3 else answers(records)

    _, driver = before_inferring(model, sizes=(2,))
    while driver.state.inferred is None:
        assert driver.step()
    assert driver.state.inferred == "p double"


def test_lines_that_hold_the_placeholder_are_not_sampled():
    def model(records):
        return [b"ERROR" if json.loads(record)["id"] % 2 else b'{"p": 1}' for record in records]

    _, driver = before_inferring(model, placeholder="ERROR")
    assert inferred(driver) == "p bigint"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"ERROR", "holds no prediction, only what begins with prediction.placeholder; give a schema"),
        (b"<html>", "is JSON; see prediction.format"),
        (b"0.5", "prediction.format: text and prediction.schema: prediction double"),
    ],
)
def test_what_no_schema_can_be_inferred_of_is_said_at_once(line, words):
    _, driver = before_inferring(lambda records: [line] * len(records), placeholder="ERROR")
    with pytest.raises(ServiceFailure, match=words):
        driver.step()


def test_what_another_setting_reads_is_said_at_once():
    def model(records):
        return [json.dumps({"predictions": [0.5] * len(records)}).encode()]

    _, driver = before_inferring(model)
    with pytest.raises(ServiceFailure, match="records_path"):
        driver.step()


def test_blank_lines_between_answers_are_none_and_every_answer_counts():
    """AWS's own XGBoost ends each answer with a newline, to which the service adds its own."""
    _, driver = before_inferring(lambda records: [b'{"p": 0.5}\n'] * len(records))
    assert inferred(driver) == "p double"
