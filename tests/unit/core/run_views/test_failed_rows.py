"""What failed, as a person reads it: which row, by its number, and where its columns can be read. No value of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from batch_transform.core.run_views.failed_rows import RowPlaces, failed_rows, lines_of_failures
from batch_transform.core.spans import StagedFile
from batch_transform.core.staged_table import Staged
from support.published_report import PUBLISHED

OBJECT, JOB = "s1234-8-5a885fbe62274cc8.jsonl", "job-r4-s0-a1"
EXAMPLE = {"job": JOB, "object": OBJECT, "line": 2, "message": "the model answered 400"}
STAGED = Staged(
    json.dumps({"type": "struct", "fields": [{"name": "__row_number"}, {"name": "other"}]}),
    tuple(StagedFile(f"file:/s/part-{task}.parquet", 2000, task << 33, (task << 33) + 1999, 0, 0) for task in (0, 1)),
)


def told(places, example=EXAMPLE, **report):
    errors = [{"class": "rejected by the model", "spans": 1, "rows": 1, "examples": [example]}]
    found = failed_rows({**PUBLISHED, "errors": errors, **report}, lambda example: None, places)
    return found, "\n".join(lines_of_failures(found))


@pytest.mark.parametrize("name", [OBJECT, f"c1a2b3c4d-{OBJECT}"])
@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_row_is_told_by_its_place_in_a_staged_file(name, is_forgotten):
    """Its number has the task that wrote the file in its upper bits."""
    second = name.replace("s1234", f"s{(1 << 33) + 75}")
    for each, file, row in ((name, 1, 1236), (second, 2, 77)):
        found, text = told(RowPlaces(None, STAGED, is_forgotten), {**EXAMPLE, "object": each})
        example = found["errors"][0]["examples"][0]
        assert (example["staged_file"], example["row"]) == (file, row)
        assert f"  row {row} of staged file {file}, line 2 of {each} in {JOB}" in text
    assert str((1 << 33) + 77) not in text.partition("nothing is published")[0]


def test_a_row_of_a_copied_file_is_read_by_its_place_for_it_has_no_column_of_numbers():
    name = OBJECT.replace("s1234", f"s{(1 << 33) + 75}")
    found, _ = told(RowPlaces(None, replace(STAGED, is_copied=True)), {**EXAMPLE, "object": name}, dead_letter=None)
    assert found["read_row"] == "spark.read.parquet('file:/s/part-1.parquet').where('_metadata.row_index = 77')"


def test_columns_are_read_where_they_are_published():
    _, text = told(RowPlaces("file:/kept", STAGED), dead_letter="s3://b/out_dead_letter")
    assert text.endswith("in `error` object and line as above: s3://b/out_dead_letter")
    assert "kept" not in text
    assert "spark.read" not in text


def test_columns_of_a_run_with_too_many_dead_letters_are_read_where_those_are_kept():
    found, text = told(RowPlaces("file:/kept", STAGED), dead_letter=None)
    assert text.endswith("in `error` object and line as above (not published; Parquet): file:/kept")
    assert (found["kept_dead_letters"], found["read_row"]) == ("file:/kept", None)


def test_how_to_go_on_stands_last():
    _, text = told(RowPlaces(), next="resume it", error=["failed"])
    assert text.endswith("\n\nTo go on: resume it")
    _, text = told(RowPlaces(), next="resume it", ways=["To send this row once more: retry"])
    assert text.endswith("\n\nTo send this row once more: retry")


def test_columns_that_no_table_of_dead_letters_has_are_read_among_the_staged_rows():
    found, text = told(RowPlaces(None, STAGED), dead_letter=None)
    reading = "spark.read.parquet('file:/s/part-0.parquet').where('__row_number = 1236')"
    assert found["read_row"] == reading
    assert text.endswith(f"nothing is published; the columns of the first of these rows: {reading}")


@pytest.mark.parametrize(
    ("places", "example"),
    [
        (RowPlaces(), EXAMPLE),
        (RowPlaces(None, STAGED, True), EXAMPLE),
        (RowPlaces(None, replace(STAGED, schema_json="{}")), EXAMPLE),
        (RowPlaces(None, STAGED), {**EXAMPLE, "job": None, "object": None, "line": None}),
        (RowPlaces(None, STAGED), {**EXAMPLE, "line": None}),
    ],
)
def test_rows_that_are_forgotten_or_were_never_sent_have_no_place(places, example):
    found, text = told(places, example, dead_letter=None)
    assert found["read_row"] is None
    assert "spark.read" not in text


def test_what_goes_on_with_a_run_that_was_held_back_stands_last():
    _, text = told(RowPlaces(), ways=["To send these rows once more: a", "To publish: b"])
    assert text.endswith("\n\nTo send these rows once more: a\nTo publish: b")


def test_where_no_row_has_failed_no_table_of_such_rows_is_named():
    found = failed_rows({**PUBLISHED, "errors": [], "dead_letter": "s3://b/dead"}, lambda example: None, RowPlaces())
    assert lines_of_failures(found) == ["flights: no row has failed as far as it has come"]
