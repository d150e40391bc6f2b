"""Zip and join read answers alike in the forms that servers give them: with marks, newlines and wrappings."""

from __future__ import annotations

import json

import pytest
from pyspark.sql import functions as F

from batch_transform.core.predictions.answer_form import CSV, JSON, TEXT, AnswerForm
from batch_transform.spark.prediction_columns import prediction_shape
from batch_transform.spark.settings import OWN_SETTINGS, session_settings
from support.sampling import in_turn
from support.staged_tables import answered

pytestmark = pytest.mark.spark
ROWS, MARK = 6, "\ufeff"


def pairs(lines):
    return "".join(json.dumps(["\n".join(part), "application/jsonlines"]) for part in (lines[:2], lines[2:]))


def of_csv(lines):
    cells = [str(json.loads(line)["p"]) for line in lines]
    return "\n".join(cells[:3]) + "\n\r\n" + MARK + "\n".join(cells[3:]) + "\n"


def of_text(lines):
    return MARK + ",".join(str(json.loads(line)["p"]) for line in lines) + "\n\n"


CASES = {
    "marks": (AnswerForm(), lambda lines: MARK + "\n".join(lines[:2]) + "\n" + MARK * 2 + "\n".join(lines[2:])),
    "newlines": (AnswerForm(), lambda lines: "\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:]) + "\n \n"),
    "marked text": (AnswerForm(TEXT, separator=","), of_text),
    "marked documents": (AnswerForm(JSON), lambda lines: MARK.join(["", *lines])),
    "body and type": (AnswerForm(is_wrapped=True), pairs),
    "JSON of JSON": (AnswerForm(JSON, is_wrapped=True), lambda lines: MARK + json.dumps("".join(lines))),
    "csv": (AnswerForm(CSV), of_csv),
}


@pytest.mark.parametrize(("case", "way"), in_turn(CASES, ["zip", "join"]))
def test_each_row_has_its_own_answer(spark, world, tmp_path, case, way):
    form, written = CASES[case]
    df = spark.range(ROWS).select("id", (F.col("id") * 10).alias("ten")).coalesce(1)
    with session_settings(spark, OWN_SETTINGS):
        shape = prediction_shape(spark, "p double", form=form)
        run = answered(world, df, lambda place: {"p": place + 0.5}, tmp_path, shape.reader.form, written)
        rows = sorted(tuple(row) for row in run.result(shape, way).collect())
    assert rows == [(place, place * 10, place + 0.5) for place in range(ROWS - 1)]
