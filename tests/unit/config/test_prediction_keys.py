"""`prediction.placeholder`, `prediction.key`, `transform.max_parallel_jobs`: what they may be and what they change."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql.types import LongType, StringType, TimestampType

from batch_transform.config.changes import differences
from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import JSON_LINES
from batch_transform.core.predictions.answer_form import AnswerForm
from batch_transform.core.predictions.output_counts import KeyCheck
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.input_rows import check_blank_lines, check_filtered, key_check

INPUTS = S3Uri.parse("s3://bucket/run/input")
READER = PredictionReader(pa.schema([("id", pa.string()), ("p", pa.float64()), ("day", pa.date32())]))


def build(**prediction):
    return from_arguments(run_id="r", model="m", workspace="s3://bucket/work", prediction=prediction)


def faults(**prediction):
    with pytest.raises(ConfigurationError) as refused:
        build(**prediction)
    return refused.value.faults


def test_a_name_is_that_of_field_and_column():
    key = build(schema="id string", key="id").prediction.key
    assert (key.field, key.column) == ("id", "id")
    key = build(schema="id string", key={"field": "id", "column": "customer"}).prediction.key
    assert (key.field, key.column) == ("id", "customer")


@pytest.mark.parametrize("key", ["id", {"field": "id", "column": "customer"}])
def test_a_key_survives_being_written_down(key):
    config = build(schema="id string", key=key)
    assert type(config).from_document(config.to_document()) == config


def test_a_key_needs_a_schema():
    (fault,) = faults(key="id")
    assert "prediction.key: names the field id, but there is no prediction.schema" in fault


@pytest.mark.parametrize("key", [{"field": "id"}, {"field": "id", "column": "c", "more": 1}, 3])
def test_a_key_of_another_shape_is_refused(key):
    assert "prediction.key" in faults(schema="id string", key=key)[0]


@pytest.mark.parametrize("placeholder", ["", "  ", "a\nb", 3])
def test_a_placeholder_is_the_beginning_of_a_line(placeholder):
    assert "prediction.placeholder" in faults(placeholder=placeholder)[0]


def test_both_belong_to_a_runs_identity():
    plain, changed = build(schema="id string"), build(schema="id string", key="id", placeholder="ERROR")
    found = differences(plain.to_document(), changed.to_document(), publishing=True)
    assert [line.partition(":")[0] for line in found] == [
        "prediction.key.column",
        "prediction.key.field",
        "prediction.placeholder",
    ]


RECORD = {"id": StringType(), "customer": StringType(), "number": LongType(), "at": TimestampType()}


def checked(field, column):
    key = build(schema="x int", key={"field": field, "column": column}).prediction.key
    return key_check(key, READER, RECORD, INPUTS, JSON_LINES)


def test_a_key_of_field_and_column_is_what_workers_compare():
    assert checked("id", "customer") == KeyCheck("id", "customer", INPUTS)
    assert key_check(None, READER, RECORD, INPUTS, JSON_LINES) is None


@pytest.mark.parametrize(
    ("field", "column", "words"),
    [
        ("nope", "id", "no field nope in prediction.schema; it has id, p, day"),
        ("id", "nope", "no column nope in the record; it has id, customer, number, at"),
        ("id", "number", "the column number is bigint, the field string; they must be of one kind"),
        ("day", "at", "the column at is timestamp, the field date32"),
        ("p", "id", "the field p is double; valid: string, integer, date"),
    ],
)
def test_a_key_that_cannot_be_compared_is_refused(field, column, words):
    with pytest.raises(ConfigurationError, match=words):
        checked(field, column)


def limited(jobs):
    return from_arguments(run_id="r", model="m", workspace="s3://bucket/work", transform={"max_parallel_jobs": jobs})


@pytest.mark.parametrize("jobs", [1, 100])
def test_jobs_side_by_side_are_bounded(jobs):
    assert limited(jobs).transform.max_parallel_jobs == jobs


@pytest.mark.parametrize("jobs", [0, 101, 1.5, "many", True])
def test_no_job_or_too_many_or_a_part_of_one_is_refused(jobs):
    with pytest.raises(ConfigurationError, match=r"transform\.max_parallel_jobs"):
        limited(jobs)


def test_another_driver_may_run_more_jobs_side_by_side():
    assert differences(limited(2).to_document(), limited(5).to_document(), publishing=True) == []


JOINED = "$['customer','SageMakerOutput']"


@pytest.mark.parametrize("output_filter", [None, "$", "$.SageMakerOutput", "$['id']", "$['ID','x']", "$[0,1]"])
def test_a_filter_that_may_leave_a_field_of_the_schema_is_taken(output_filter):
    check_filtered(output_filter, READER)


def test_a_filter_that_leaves_no_field_of_the_schema_is_refused():
    """Every answer would be unreadable, which was told after the jobs were paid for."""
    with pytest.raises(ConfigurationError, match=r"leaves customer and SageMakerOutput of each .*none could be read"):
        check_filtered(JOINED, READER)
    check_filtered(JOINED, PredictionReader())  # one string: the line as it is
    check_filtered(JOINED, PredictionReader(READER.schema, form=AnswerForm(steps=("SageMakerOutput",))))


@pytest.mark.parametrize(("format", "kind"), [("text", pa.float64()), ("csv", pa.int32()), ("jsonlines", pa.string())])
def test_blank_lines_are_refused_only_where_one_may_be_an_answer(format, kind):
    """`refuse` was passed over, without a word, where answers are no bare strings."""
    reader = PredictionReader(pa.schema([("p", kind)]), form=AnswerForm(format))
    with pytest.raises(ConfigurationError, match=r"prediction\.blank_lines: is refuse.* leave the key out"):
        check_blank_lines("refuse", reader)
    check_blank_lines("skip", reader)
    check_blank_lines("refuse", PredictionReader())
    check_blank_lines("refuse", PredictionReader(pa.schema([("p", pa.string())]), form=AnswerForm("text")))
