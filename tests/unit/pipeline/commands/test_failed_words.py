"""What a model said of rows that failed, of a run whose rows are there, are gone, or are others by now."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from batch_transform.core.predictions.answer_form import AnswerForm
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.failed_words import FailedWords
from batch_transform.pipeline.ending.cleaning import leftovers
from batch_transform.pipeline.recorded import read_run
from support.memory_run import MemoryRun

PLACEHOLDER = "ERROR"
ONE_ROW = {"max_rows": 1}
READER = PredictionReader(pa.schema([("echo", pa.int64())]), PLACEHOLDER)


class Model:
    def __call__(self, records):
        ids = [json.loads(record)["id"] for record in records]
        return [PLACEHOLDER.encode() if row == 2 else b'{"echo": %d}' % row for row in ids]


def ended(**transform):
    """A published run with a dead letter that has its line in an output."""
    prediction = {"schema": "echo long", "placeholder": PLACEHOLDER}
    run = MemoryRun([4], Model(), reader=READER, prediction=prediction, errors=ONE_ROW, transform=transform)
    run.to_the_end()
    return run


def words(run):
    found = read_run(S3Uri.parse("s3://bucket"), "run", run.store)
    (errors,) = found.state.report["errors"]
    return FailedWords(found, found.state).of(errors["examples"][0])


def test_the_line_of_an_output_that_is_no_prediction_is_what_the_model_said():
    assert words(ended()) == PLACEHOLDER


@pytest.mark.parametrize("join_source", ["None", "Input"])
def test_of_a_cleaned_run_nothing_is_known_and_its_ledger_is_not_told_as_damaged(join_source):
    """Where records stand in outputs, a part says how large they are, and that is removed as well."""
    run = ended(join_source=join_source)
    driver = run.driver()
    left = leftovers(driver.ctx.config, run.layout, driver.state, run.store, driver.ctx.ledger)
    run.store.delete(S3Uri("bucket", found.key) for found in left.objects())
    assert words(run) is None


def test_of_an_output_that_is_another_one_by_now_nothing_is_known():
    """These outputs are not joined, as those of the service would be."""
    assert words(ended(join_source="Input")) is None


def test_of_an_answer_that_is_an_error_it_is_as_it_came():
    """It is not taken apart: nothing was shown of it."""
    error = json.dumps({"statusCode": 500, "body": "row too odd"}, indent=1)

    def model(records):
        wrapped = ({"statusCode": 200, "body": json.dumps({"echo": json.loads(record)["id"]})} for record in records)
        return [error.encode() if '"echo": 2' in each["body"] else json.dumps(each).encode() for each in wrapped]

    reader = PredictionReader(pa.schema([("echo", pa.int64())]), form=AnswerForm(is_wrapped=True))
    run = MemoryRun([4], model, reader=reader, prediction={"schema": "echo long", "body": "wrapped"}, errors=ONE_ROW)
    run.to_the_end()
    assert words(run) == error
