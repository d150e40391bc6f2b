"""Answers in another form than was configured: the run stops at once, and reads them again for nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pyarrow as pa
import pytest

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.core.predictions.answer_form import JSON, AnswerForm, answer_form
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.predictions.records_path import parse_path
from batch_transform.core.run_settings import RunSettings
from batch_transform.pipeline.commands.command_options import COLLECT
from support.memory_run import READER, MemoryRun, all_rows, echoing

AS_JSON = {"schema": "echo long", "format": "json", "records_path": "[]"}
JSON_READER = replace(READER, form=AnswerForm(JSON, parse_path("[]")))
AS_TEXT = {"schema": "echo string", "format": "text"}
TEXT_READER = PredictionReader(
    pa.schema([("echo", pa.string())]), form=answer_form(RunSettings.of({"prediction": AS_TEXT}))
)
GOOD = echoing(lambda row: None)


def in_an_array(job, name, body):
    return b"[" + body.rstrip(b"\n").replace(b"\n", b",") + b"]\n"


def misread(sizes=(30, 40, 1), tamper=in_an_array, model=GOOD, **how):
    run = MemoryRun(list(sizes), model, **how)
    run.service.tamper = tamper
    return run


def stopped(run):
    with pytest.raises(ServiceFailure) as failure:
        run.to_the_gate()
    return str(failure.value)


def test_the_run_stops_after_its_first_round_and_says_what_to_set():
    run = misread()
    words = stopped(run)
    assert "all 3 answers are in another form" in words
    assert "1 JSON array of 30 values where 30 lines were expected" in words
    assert "Set prediction.format: json and prediction.records_path: '[]'" in words
    assert "nothing is paid for twice" in words
    assert (run.state().rounds, run.service.records_sent) == (1, 71)


def test_with_the_setting_the_same_run_goes_on_without_another_job():
    run = misread()
    stopped(run)
    run.prediction, run.reader = AS_JSON, JSON_READER
    state = run.to_the_gate()
    assert all(outcome == row for row, outcome in run.outcomes(state).items())
    assert (len(run.service.requests), run.service.records_sent, state.rounds) == (1, 71, 1)


def test_a_wrong_setting_is_told_so_again_and_costs_nothing():
    run = misread()
    stopped(run)
    path = parse_path("predictions")
    run.prediction = {**AS_JSON, "records_path": "predictions"}
    run.reader = replace(READER, form=AnswerForm(JSON, path))
    assert "'[]'" in stopped(run)
    run.prediction, run.reader = AS_JSON, JSON_READER
    run.to_the_gate()
    assert run.service.records_sent == 71


@pytest.mark.parametrize("sizes", [(30, 40, 1), (1,) * 40])
def test_started_again_as_it_was_the_run_says_the_same_pays_nothing_and_keeps_the_answers(sizes):
    """An orchestrator's retry: of objects of one row it paid for all of them each time."""
    run = misread(sizes=sizes)
    assert len({stopped(run) for _ in range(3)}) == 1
    run.prediction, run.reader = AS_JSON, JSON_READER
    state = run.to_the_gate()
    assert all(outcome == row for row, outcome in run.outcomes(state).items())
    assert (state.rounds, run.service.records_sent) == (1, sum(sizes))


def test_an_object_of_one_row_does_not_hide_the_shape_of_the_others_where_there_is_no_schema():
    """Whatever it holds is one good string; it is not settled either, so that it may be read otherwise."""
    run = misread(prediction={}, reader=PredictionReader())
    assert "all 2 answers are in another form" in stopped(run)
    assert run.state().round_records[0].scored_rows == 0
    run.prediction, run.reader = AS_JSON, JSON_READER
    outcomes = run.outcomes(run.to_the_gate())
    assert all(outcome == row for row, outcome in outcomes.items())
    assert (len(outcomes), run.service.records_sent) == (71, 71)


def test_a_row_that_is_refused_beside_misread_answers_is_not_given_up_before_they_are_read():
    sizes = (1,) * 5
    run = misread(sizes=sizes, model=echoing(lambda row: 400 if row == all_rows(sizes)[3] else None))
    assert "all 4 answers" in stopped(run)
    assert run.state().round_records[0].dead_rows == 0
    run.prediction, run.reader = AS_JSON, JSON_READER
    outcomes = run.outcomes(run.to_the_gate())
    assert sum(isinstance(outcome, dict) for outcome in outcomes.values()) == 1


def test_without_a_schema_objects_of_one_row_alone_are_no_other_form():
    run = misread(sizes=(1, 1), tamper=lambda job, name, body: body, prediction={}, reader=PredictionReader())
    assert run.to_the_gate().round_records[0].scored_rows == 2


def test_a_small_run_with_an_odd_row_goes_on_with_the_setting_that_it_names():
    """Its one object seems to be in another form."""

    def answer(records):
        ids = [json.loads(record)["id"] for record in records]
        return [b for i in ids for b in ([b'{"echo": 1}', b""] if i == 7 else [b'{"echo": %d}' % i])]

    same = lambda job, name, body: body  # noqa: E731
    refusing = {"blank_lines": "refuse"}
    run = misread(sizes=(20,), tamper=same, model=answer, prediction=refusing, reader=PredictionReader())
    assert "1 blank line between 20 answers" in stopped(run)
    run.prediction, run.reader = {"blank_lines": "skip"}, PredictionReader(form=AnswerForm(skips_blank=True))
    assert run.to_the_gate().round_records[0].scored_rows == run.service.records_sent == 20


def test_body_and_media_type_stop_the_run_after_its_first_round_and_can_be_read_by_the_same_run():
    """Also objects of two rows, of which they would be two answers."""

    def pairs(job, name, body):
        answers = [json.loads(line)["echo"] for line in body.split(b"\n")[:-1]]
        return json.dumps([json.dumps(answers), "application/json"]).encode()

    run = misread(sizes=(2, 40, 1), tamper=pairs, prediction=AS_JSON, reader=JSON_READER)
    words = stopped(run)
    assert 'array of a body and its media type, "application/json"' in words
    assert "Set prediction.body: wrapped (or let the model's function return the body alone" in words
    assert (run.state().rounds, run.service.records_sent) == (1, 43)
    run.prediction = AS_JSON | {"body": "wrapped"}
    run.reader = replace(READER, form=AnswerForm(JSON, parse_path("[]"), is_wrapped=True))
    state = run.to_the_gate()
    assert all(outcome == row for row, outcome in run.outcomes(state).items())
    assert (len(run.service.requests), run.service.records_sent, state.rounds) == (1, 43, 1)


def test_one_output_of_another_shape_among_good_ones_is_isolated_as_ever():
    run = misread(tamper=lambda job, name, body: in_an_array(job, name, body) if name.startswith("s0-30-") else body)
    state = run.to_the_gate()
    assert all(outcome == row for row, outcome in run.outcomes(state).items())


def test_rows_that_the_model_refuses_do_not_hide_the_shape_of_the_others():
    run = misread(model=echoing(lambda row: 500 if row == 3 else None))
    assert "all 2 answers" in stopped(run)
    run.prediction, run.reader = AS_JSON, JSON_READER
    outcomes = run.outcomes(run.to_the_gate())
    assert {row for row, outcome in outcomes.items() if outcome != row} == {3}


def test_how_answers_are_read_may_change_until_one_is_accepted():
    run = misread(sizes=(5, 5), tamper=lambda job, name, body: body)
    run.to_the_gate()
    run.prediction = AS_JSON
    with pytest.raises(ConfigurationError, match=r"prediction\.format: was 'jsonlines', now 'json'"):
        run.driver()


def test_what_was_judged_before_the_setting_changed_is_judged_again():
    """A driver died between the verdicts on two jobs; the next one reads both in the new way."""
    run = misread(sizes=(30, 40), oversize=[35])
    driver = run.driver()
    while not any(job.verdicts for job in driver.state.jobs):
        assert driver.step()
    driver.ctx.lease.release()
    assert len(run.state().jobs) == 2
    run.prediction, run.reader = AS_JSON, JSON_READER
    state = run.to_the_gate()
    assert all(outcome == row for row, outcome in run.outcomes(state).items())
    assert run.service.records_sent == 70


INFER = {"schema": "infer"}


def inferring(sizes=(30, 40), **how):
    return MemoryRun(list(sizes), how.pop("model", GOOD), prediction=INFER, reader=PredictionReader(), **how)


def test_a_schema_is_inferred_once_the_first_jobs_have_ended():
    run = inferring()
    state = run.to_the_gate()
    assert state.inferred == "echo bigint"
    assert any("prediction.schema: echo bigint" in event.text for event in run.events)
    run.reader = READER
    assert all(outcome == row for row, outcome in run.outcomes(state).items())


def test_a_driver_that_takes_over_has_the_same_schema():
    run = inferring()
    driver = run.driver()
    while driver.state.inferred is None:
        assert driver.step()
    driver.ctx.lease.release()
    run.reader = READER  # as a driver makes it of what the ledger has
    assert run.to_the_gate().inferred == "echo bigint"
    kinds = [step.kind for step in run.reader_of_the_ledger().load()]
    assert kinds.count("inferred") == 1


@pytest.mark.parametrize("died", [False, True])
def test_a_step_that_read_the_ledger_before_reads_answers_as_it_says_once_it_holds_the_run(died):
    """Its reader was made of what the ledger had; where the other process has died it also records that it goes on."""
    run = inferring()
    driver = run.driver()
    while driver.state.inferred is None:
        assert driver.step()
    if not died:
        driver.ctx.lease.release()
    late = run.rejoined(COLLECT)
    assert late.state.staged.answers == driver.state.staged.answers
    assert late.ctx.objects.reader.schema.names == ["echo"]


def test_a_round_without_an_answer_leaves_the_schema_to_the_next():
    run = inferring()
    run.service.job_faults.append("internal")
    state = run.to_the_gate()
    assert (state.inferred, state.rounds) == ("echo bigint", 2)


def test_answers_that_are_no_predictions_say_which_form_they_have():
    run = inferring()
    run.service.tamper = lambda job, name, body: json.dumps(
        [json.loads(line) for line in body.split(b"\n")[:-1]], indent=1
    ).encode()
    words = stopped(run)
    assert "prediction.schema: infer" in words
    assert "Set prediction.format: json" in words or "set prediction.format: json" in words
    run.prediction, run.reader = {**AS_JSON, "schema": "infer"}, replace(PredictionReader(), form=JSON_READER.form)
    assert run.to_the_gate().inferred == "echo bigint"
    assert run.service.records_sent == 70


def test_of_values_without_names_a_schema_is_asked_for_beside_their_form():
    """`infer` beside text is refused: whoever did as he was told would be refused once more."""
    run = inferring()
    run.service.tamper = lambda job, name, body: b",".join(b"0.5" for _ in body.split(b"\n")[:-1]) + b"\n"
    words = "prediction.format: text and prediction.separator: ',' and a prediction.schema of one field"
    assert words in stopped(run)


def test_a_field_of_two_kinds_keeps_what_was_paid_for():
    ids = lambda records: [json.loads(record)["id"] for record in records]  # noqa: E731
    answer = lambda records: [b'{"echo": 1}' if i % 2 else b'{"echo": "x"}' for i in ids(records)]  # noqa: E731
    run = inferring(model=answer)
    assert "the field echo has values of two kinds" in stopped(run)
    run.prediction, run.reader = "echo long", PredictionReader(pa.schema([("echo", pa.int64())]))
    state = run.to_the_gate()
    objects = [len(names) for names in [run.service.sent]]
    assert objects[0] > 70  # rows whose answers cannot be read are confirmed, one by one; no other is sent again
    assert not [name for name in run.service.sent if re.search(r"s[13579]*[13579]-1-", name)]
    assert sum(isinstance(outcome, dict) for outcome in run.outcomes(state).values()) == 35
    assert state.rounds <= 3


def answering(lines, **prediction):
    reader = PredictionReader(placeholder=prediction.get("placeholder"))
    model = lambda records: [lines[i % len(lines)] for i in range(len(records))]  # noqa: E731
    return MemoryRun([30, 40], model, prediction={**INFER, **prediction}, reader=reader)


@pytest.mark.parametrize(
    ("line", "asked", "words"),
    [
        (b'{"p": 1, "P": 2}', {}, "the fields p and P differ in case only"),
        (
            b'{"Provenance": 1}',
            {"provenance": True},
            "the name of the column of prediction.provenance; set prediction.c",
        ),
        (b"0.5", {}, "set prediction.format: text and prediction.schema: prediction double"),
        (b"[1, 2]", {}, "set prediction.format: json"),
        (b"ERROR", {"placeholder": "ERROR"}, "only what begins with prediction.placeholder"),
        (b"error", {}, "no line of .* is JSON"),
    ],
)
def test_a_schema_that_would_be_refused_is_not_inferred(line, asked, words):
    run = answering([line], **asked)
    with pytest.raises(ServiceFailure, match=words):
        run.to_the_gate()
    assert run.state().inferred is None


@pytest.mark.parametrize("line", [b'{"error": 1}', b'{"__row_number": 1}'])
def test_a_field_may_have_a_name_that_the_pipeline_has_in_another_table(line):
    (name,) = json.loads(line)
    assert answering([line]).to_the_gate().inferred == f"{name} bigint"
    assert answering([line], column="c").to_the_gate().inferred == f"{name} bigint"


def test_lines_that_begin_with_the_placeholder_say_nothing_of_the_schema():
    lines = [b'{"error": "no age"}', b'{"echo": 1}']
    assert answering(lines, placeholder='{"error"').to_the_gate().inferred == "echo bigint"


@pytest.mark.parametrize("ends", [b"\n", b"\n\n"])
def test_a_server_that_ends_its_answers_in_newlines_is_read_without_a_setting(ends):
    """A newline behind the answer to each request, to which the service adds its own."""
    run = misread(tamper=lambda job, name, body: body + ends, prediction=AS_TEXT, reader=TEXT_READER)
    outcomes = run.outcomes(run.to_the_gate())
    assert all(json.loads(outcome)["echo"] == row for row, outcome in outcomes.items())
    assert (len(outcomes), run.service.records_sent) == (71, 71)


def test_of_bare_strings_an_answer_that_is_missing_is_missed_by_the_count():
    """Its row is left with a blank line, and no other row moves up."""
    silent = lambda records: [b"" if json.loads(r)["id"] == 7 else r for r in records]  # noqa: E731
    run = misread(
        sizes=(20,), tamper=lambda job, name, body: body, model=silent, prediction=AS_TEXT, reader=TEXT_READER
    )
    outcomes = run.outcomes(run.to_the_gate())
    assert all(json.loads(outcome)["id"] == row for row, outcome in outcomes.items() if row != 7)
    assert [row for row, outcome in outcomes.items() if isinstance(outcome, dict)] == [7]
