"""Placeholders, answers that cannot be read and keys, from the run file to the tables that are published."""

from __future__ import annotations

import time

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.isolation.data_log_evidence import MOST_EVIDENCE_CHARACTERS
from batch_transform.core.predictions.reader import PLACEHOLDER_REASON
from support.answers import answer, keys
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]
ROWS = 60
LONG = "<html>" + "é" * 3 * MOST_EVIDENCE_CHARACTERS
INSTEAD = {"5": "ERROR: no number 5", "17": ' \tERROR: "17"', "23": LONG, "41": '{"echo": 41}'}


@pytest.fixture(autouse=True)
def _small_objects(monkeypatch):
    monkeypatch.setattr("batch_transform.core.sending.object_sizes.MAX_OBJECT_BYTES", 300)


@pytest.fixture(scope="module")
def rows(spark):
    return spark.range(ROWS, numPartitions=2).select(F.col("id").cast("string").alias("key")).localCheckpoint()


@pytest.fixture
def answers(world, monkeypatch):
    """Makes the model answer the lines that a function makes of a request's keys."""

    def say(lines):
        script = world.models["echo"].script
        monkeypatch.setattr(script, "answer", lambda body: (200, "\n".join(lines(keys(body))).encode()))

    return say


def cooperative(asked):
    return [INSTEAD.get(key, answer(key)) for key in asked]


def run(world, rows, folder, **sections):
    """The result, and the seconds since 1970 between which it came about."""
    prediction = {"schema": "echo string", **sections.pop("prediction", {})}
    began = time.time()
    result = score(rows, **world.arguments(folder, prediction=prediction, **sections))
    return result, (began, time.time())


def test_a_cooperative_container_costs_a_round_and_its_lines_are_the_evidence(world, rows, tmp_path, answers):
    answers(cooperative)
    result, _ = run(world, rows, tmp_path, prediction={"placeholder": "ERROR"}, errors={"max_rows": 4})
    # Placeholders are believed; the lines that cannot be read are asked for again, in one job.
    assert (result.report["rounds"], len(result.report["jobs"])) == (2, 2)
    assert_same_rows(result.df, rows.where(~F.col("key").isin(*INSTEAD)).withColumn("echo", F.col("key")))
    errors = {row["key"]: row["error"] for row in result.dead_letters.collect()}
    assert {key: error["evidence"] for key, error in errors.items()} == {
        key: line[:MOST_EVIDENCE_CHARACTERS] for key, line in INSTEAD.items()
    }
    placed = {key for key, error in errors.items() if error["class"] == "placeholder instead of a prediction"}
    assert placed == {"5", "17"}
    assert errors["5"]["message"] == PLACEHOLDER_REASON
    assert errors["23"]["class"] == errors["41"]["class"] == "unreadable prediction"


def test_without_a_placeholder_the_same_line_is_an_answer_that_cannot_be_read(world, rows, tmp_path, answers):
    """And the time of an error is an instant, whatever the zone of the session."""
    answers(cooperative)
    result, (began, ended) = run(world, rows, tmp_path, errors={"max_rows": 4})
    found = result.dead_letters.select("error.class", F.unix_micros("error.time").alias("time")).collect()
    assert {row["class"] for row in found} == {"unreadable prediction"}
    for row in found:
        assert began - 1 <= row["time"] / 1e6 <= ended + 1


def swapped(asked):
    """Answers in order, but for two records when they come together."""
    lines = [answer(key) for key in asked]
    if {"17", "18"} <= set(asked):
        here, there = asked.index("17"), asked.index("18")
        lines[here], lines[there] = lines[there], lines[here]
    return lines


@pytest.mark.parametrize("key", one_in(2, ["echo", {"field": "echo", "column": "key"}]), ids=["name", "map"])
def test_a_key_puts_answers_that_changed_places_on_no_row(world, rows, tmp_path, answers, key):
    answers(swapped)
    named = rows.withColumn("echo", F.col("key")) if key == "echo" else rows
    result, _ = run(world, named, tmp_path, prediction={"key": key, "column": "answer"})
    assert result.df.where(~F.col("answer.echo").eqNullSafe(F.col("key"))).count() == 0
    assert (result.df.count(), result.dead_letters.count()) == (ROWS, 0)
    assert result.report["rounds"] > 1


def test_without_a_key_no_count_sees_that_answers_changed_places(world, rows, tmp_path, answers):
    """The limit that the README states: promise 2 then rests on the container's order."""
    answers(swapped)
    result, _ = run(world, rows, tmp_path)
    wrong = result.df.where(F.col("echo") != F.col("key")).select("key").collect()
    assert {row["key"] for row in wrong} == {"17", "18"}
    assert result.report["rounds"] == 1
