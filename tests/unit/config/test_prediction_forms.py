"""The keys that say in which form answers are, and those of filters and joins: what they may be, beside what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.validate import validate_parameters

from batch_transform.config.changes import differences
from batch_transform.config.loading import from_arguments
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.predictions.answer_form import CSV, JOINED_FIELD, JSON, JSON_LINES, TEXT, AnswerForm
from batch_transform.core.predictions.records_path import EACH
from batch_transform.core.sending.job_planning import Throughput, plan_lanes
from batch_transform.core.sending.job_request import job_settings, transform_request
from batch_transform.core.sending.object_sizes import headroom
from batch_transform.core.uris import S3Uri
from support.aws_shapes import CREATE
from support.core_tables import span, spans


def build(transform=None, record=None, **prediction):
    return from_arguments(
        run_id="r",
        model="m",
        workspace="s3://bucket/work",
        prediction=prediction,
        transform=transform or {},
        record=record or {},
    )


@pytest.mark.parametrize(
    ("prediction", "form"),
    [
        ({}, AnswerForm(JSON_LINES)),
        ({"format": "json"}, AnswerForm(JSON)),
        ({"records_path": "predictions"}, AnswerForm(JSON_LINES, ("predictions", EACH))),
        ({"format": "json", "records_path": "[]"}, AnswerForm(JSON, (EACH,))),
        ({"format": "json", "records_path": "$values"}, AnswerForm(JSON, ("$values", EACH))),
        ({"format": "text", "separator": ",", "blank_lines": "skip"}, AnswerForm(TEXT, (), ",")),
        ({"format": "text", "separator": "\t"}, AnswerForm(TEXT, (), "\t")),
        ({"format": "text", "separator": " "}, AnswerForm(TEXT, (), " ")),
        ({"format": "csv", "schema": "a int"}, AnswerForm(CSV)),
    ],
)
def test_the_section_says_how_predictions_lie_in_an_output(prediction, form):
    config = build(**prediction)
    assert config.answer_form == replace(form, skips_blank=True)
    assert type(config).from_document(config.to_document()) == config


JOIN = {"join_source": "input"}


@pytest.mark.parametrize(
    ("transform", "prediction", "form"),
    [
        (JOIN, {}, AnswerForm(steps=(JOINED_FIELD,), has_records=True)),
        (JOIN, {"records_path": "p"}, AnswerForm(steps=(JOINED_FIELD, "p", EACH), has_records=True)),
        ({**JOIN, "output_filter": "$.x"}, {}, AnswerForm(has_records=True)),
    ],
)
def test_a_joined_prediction_lies_where_the_service_puts_it(transform, prediction, form):
    assert build(transform, **prediction).answer_form == replace(form, skips_blank=True)


CSV_RECORD, CSV_ANSWER = {"format": "csv"}, {"format": "csv", "schema": "p double"}


def test_a_joined_line_of_csv_is_read_once_the_record_is_filtered_out_of_it():
    form = build({**JOIN, "output_filter": "$[3:]"}, CSV_RECORD, **CSV_ANSWER).answer_form
    assert form == AnswerForm(CSV, skips_blank=True, has_records=True)


@pytest.mark.parametrize("record", [CSV_RECORD, {"content_type": "text/csv"}])
def test_a_run_file_without_the_section_is_held_to_the_same(record):
    """Its jobs were paid for, and of their lines of CSV none could be read as JSON."""
    given = {"run_id": "r", "workspace": "s3://bucket/w", "model": "m", "record": record}
    with pytest.raises(ConfigurationError, match=r"a line is CSV: set prediction\.format: csv"):
        from_arguments(**given, transform=JOIN)
    kept = from_arguments(**given, transform={**JOIN, "output_filter": "$[3:]"})
    assert kept.answer_form == AnswerForm(skips_blank=True, has_records=True)


def test_a_line_may_be_as_long_as_the_section_says_and_beside_a_record_by_the_largest_longer():
    assert build().answer_form.most_line_bytes == AnswerForm().most_line_bytes == 32_000_000
    assert build(max_line_mb=100).answer_form.with_room_for(5).most_line_bytes == 100_000_000
    assert build(JOIN, max_line_mb=1).answer_form.with_room_for(5).most_line_bytes == 1_000_005


@pytest.mark.parametrize("reading", [True, False])
def test_how_long_a_line_may_be_may_change_until_an_answer_was_read(reading):
    before, now = build().to_document(), build(max_line_mb=100).to_document()
    told = ["prediction.max_line_mb: was not given, now 100"] if reading else []
    assert differences(before, now, publishing=False, reading=reading) == told
    del before["prediction"]["max_line_mb"]  # of a version that had no such bound
    assert differences(before, build().to_document(), publishing=True, reading=True) == []


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"format": "csv"}, "prediction.format: is csv, but there is no prediction.schema"),
        ({"format": "csv", "schema": "infer"}, "is csv, whose values have no names to infer"),
        ({"format": "text", "schema": "infer"}, "is text, whose values have no names to infer"),
        ({"format": "text", "records_path": "a"}, "prediction.records_path: is given beside format: text"),
        ({"records_path": "a[0]"}, r"prediction.records_path: is 'a\[0\]'; valid"),
        ({"records_path": "$.a[*].b"}, r"is '\$\.a\[\*\]\.b', and begins as a JSONPath does; write it as 'a\[\]\.b'"),
        ({"format": "json", "records_path": "$"}, r"begins as a JSONPath does; write it as '\[\]'"),
        ({"records_path": "$['a b'][*][\"b\"]"}, r"does; write it as 'a b\[\]\.b'"),
        ({"records_path": "$[0]"}, "does; write the names to the predictions: predictions, outputs"),
        ({"records_path": "$..a"}, "does; write the names to the predictions: predictions, outputs"),
        ({"records_path": "$['a.b']"}, "does; write the names to the predictions: predictions, outputs"),
        ({"separator": ","}, "prediction.separator: is given beside format: jsonlines"),
        ({"format": "text", "separator": ", "}, "must be one ASCII character"),
        ({"format": "text", "separator": ""}, "prediction.separator: is ''; it must be one ASCII character"),
        ({"format": "text", "separator": "\n"}, r"prediction.separator: is '\\n'; it must be one ASCII character"),
        ({"blank_lines": "drop"}, "valid: refuse, skip"),
        ({"max_line_mb": 0}, "prediction.max_line_mb: is 0; it must be at least 1"),
        ({"max_line_mb": 1001}, "prediction.max_line_mb: is 1001; it must be at most 1000"),
        ({"sql": []}, "prediction.sql: is an empty list"),
        ({"sql": ["p"], "schema": "infer"}, "prediction.sql: is over fields, but prediction.schema is infer"),
        ({"key": "p", "schema": "infer"}, "prediction.key: names the field p, but prediction.schema is infer"),
        ({"provenance": "yes"}, "prediction.provenance: must be true or false"),
        ({"transform": JOIN, "format": "text"}, "with transform.join_source: input a line is JSON"),
        ({"transform": JOIN, "record": {"content_type": "text/csv"}}, "a line is CSV: set prediction.format: csv"),
        (
            {"transform": JOIN, "record": CSV_RECORD, **CSV_ANSWER},
            "a cell of the input could pass for a prediction",
        ),
        ({"transform": JOIN, "record": {"content_type": "image/png"}}, "records are image/png, and the service reads"),
        ({"transform": {**JOIN, "split": "None"}}, "has join_source: input beside split: None"),
        ({"transform": {**JOIN, "accept": "text/csv"}}, "the service takes the same type for both"),
        ({"transform": {"output_filter": "$.a", "accept": "text/html"}}, "beside output_filter, and the service reads"),
        ({"transform": {"input_filter": "a"}}, r"transform.input_filter: is 'a'; it must begin with \$"),
        ({"transform": {"output_filter": "$[0:2,246:]"}}, r"transform.output_filter: is .*one range \[1:4\] alone"),
        ({"transform": {"environment": {"A": "x\0y"}}}, "has a NUL character in the value of A, which no variable"),
        ({"transform": {"output_filter": "$" * 64}}, "transform.output_filter: has 64 characters; the limit is 63"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(sections, words):
    with pytest.raises(ConfigurationError, match=words):
        build(**sections)


@pytest.mark.parametrize(
    "transform",
    [
        {"input_filter": "$[:14]", "output_filter": "$['class']", "accept": "application/json"},
        {"output_filter": "$['class']", "accept": "application/jsonlines; charset=utf-8"},
        {"input_filter": "$[:14]", "accept": "application/x-npy"},
    ],
)
def test_answers_that_are_filtered_may_have_another_type_than_the_records(transform):
    config = build(transform, CSV_RECORD, format="json")
    where = S3Uri.parse("s3://bucket/x")
    job = job_settings(
        "j", config.settings, config.record.media_type, where, where, Throughput(6, 16), instance_type=None
    )
    asked = transform_request(job)
    assert asked["TransformInput"]["ContentType"] == "text/csv"
    assert asked["TransformOutput"]["Accept"] == transform["accept"]


def changed(publishing: bool, reading: bool, **prediction):
    documents = build(schema="p int").to_document(), build(**{"schema": "p int", **prediction}).to_document()
    return [
        line.partition(":")[0].removeprefix("prediction.")
        for line in differences(*documents, publishing=publishing, reading=reading)
    ]


def test_how_answers_are_read_may_change_before_any_was_accepted_and_what_they_become_before_publishing():
    form = {"format": "text", "schema": "p double", "separator": ",", "blank_lines": "refuse"}
    becomes = {"sql": ["p + 1 AS q"], "column": "c", "provenance": True}
    assert changed(False, False, **form, **becomes) == []
    assert changed(False, True, **form, **becomes) == ["blank_lines", "format", "schema", "separator"]
    assert changed(True, True, **becomes) == ["column", "provenance", "sql"]
    assert changed(False, False, placeholder="ERROR") == ["placeholder"]


@pytest.mark.parametrize("publishing", [False, True])
def test_blank_lines_may_be_skipped_at_any_time_as_no_output_that_was_accepted_has_one(publishing):
    """It was `refuse` unless given, and is in the ledgers of runs that go on."""
    before, now = build(blank_lines="refuse").to_document(), build().to_document()
    assert now["prediction"]["blank_lines"] == "skip"
    assert differences(before, now, publishing=publishing, reading=True) == []
    assert differences(now, before, publishing=publishing, reading=True)


def test_that_answers_are_wrapped_may_be_said_before_any_was_accepted_and_is_new_to_runs_of_before():
    assert changed(False, False, body="wrapped") == []
    assert changed(False, True, body="wrapped") == ["body"]
    assert build(body="wrapped").answer_form.is_wrapped
    document = build(schema="p int").to_document()
    before = document | {"prediction": {key: value for key, value in document["prediction"].items() if key != "body"}}
    assert differences(before, document, publishing=True) == []
    with pytest.raises(ConfigurationError, match=r"has body: wrapped beside transform\.join_source"):
        build(JOIN, body="wrapped")


def test_filters_and_join_are_in_a_request_that_botocore_accepts():
    config = build({**JOIN, "input_filter": "$.features", "output_filter": "$['id','SageMakerOutput']"})
    where = S3Uri.parse("s3://bucket/x")
    job = job_settings(
        "j", config.settings, config.record.media_type, where, where, Throughput(6, 16), instance_type=None
    )
    request = transform_request(job)
    validate_parameters(request, CREATE)
    assert request["DataProcessing"] == {
        "InputFilter": "$.features",
        "OutputFilter": "$['id','SageMakerOutput']",
        "JoinSource": "Input",
    }
    # The service takes one type for both, and one way to split and to assemble (FACTS.md, 2.4).
    assert request["TransformOutput"]["Accept"] == request["TransformInput"]["ContentType"] == "application/jsonlines"
    assert request["TransformOutput"]["AssembleWith"] == request["TransformInput"]["SplitType"]


def test_a_join_leaves_room_for_record_and_prediction():
    assert [headroom(build(transform).settings.transform) for transform in ({}, JOIN)] == [1, 2]
    for largest, payload in ((2_000_000, 4), (5_000_000, 10), (40_000_000, 80), (70_000_000, 100)):
        (lane,) = plan_lanes(spans(span(0, 9, largest=largest)), "auto", "auto", headroom=2)
        assert lane.throughput.max_payload_mb == payload
