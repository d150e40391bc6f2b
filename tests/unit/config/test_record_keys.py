"""Which records and requests go together, which do not, and what the run's document then says."""

from __future__ import annotations

import pytest

from batch_transform.config import from_arguments
from batch_transform.config.changes import differences
from batch_transform.core.errors import ConfigurationError


def build(record=None, prediction=None, **transform):
    return from_arguments(
        run_id="r",
        model="m",
        workspace="s3://bucket/work",
        record=record or {},
        transform=transform,
        prediction=prediction,
    )


def fault(*sections, **transform):
    with pytest.raises(ConfigurationError) as caught:
        build(*sections, **transform)
    (words,) = caught.value.faults
    return words


@pytest.mark.parametrize(
    ("format", "media_type"),
    [
        ("jsonlines", "application/jsonlines"),
        ("json", "application/json"),
        ("csv", "text/csv"),
        ("text", "text/plain"),
        ("binary", "application/octet-stream"),
    ],
)
def test_a_content_type_follows_from_the_format_and_can_be_set(format, media_type):
    strategy = {"strategy": "SingleRecord"} if format == "json" else {}
    assert build({"format": format}, **strategy).record.media_type == media_type
    assert build({"format": format, "content_type": "image/png"}, **strategy).record.media_type == "image/png"


def test_raw_bytes_must_say_what_they_are():
    assert "record.content_type: is required with record.format raw" in fault({"format": "raw"})
    assert build({"format": "raw", "content_type": "text/x"}).record.media_type == "text/x"


@pytest.mark.parametrize(
    ("format", "given", "split"),
    [
        ("jsonlines", None, "Line"),
        ("binary", None, "None"),
        ("csv", "none", "None"),
        ("csv", "LINE", "Line"),
        ("json", "None", "None"),
    ],
)
def test_the_document_says_how_objects_are_split(format, given, split):
    transform = {"split": given} if given else {}
    config = build({"format": format}, **transform)
    assert config.to_document()["transform"]["split"] == split
    assert type(config).from_document(config.to_document()) == config


@pytest.mark.parametrize("split", ["RecordIO", "tfrecord"])
def test_splits_of_other_formats_are_not_offered(split):
    assert "which is not offered: records are lines, or objects as they are; valid: Line, None" in fault(split=split)


@pytest.mark.parametrize(
    ("record", "transform", "words"),
    [
        ({"format": "binary"}, {"split": "Line"}, "a row's bytes are one object and one request"),
        ({"format": "csv", "header": True}, {}, "would reach the first mini-batch of an object only"),
        ({"rows_per_object": "all"}, {}, "record.rows_per_object would decide nothing; set transform.split: None"),
        ({"format": "json"}, {}, "several JSON documents are no JSON document"),
        ({}, {"split": "None", "strategy": "SingleRecord"}, "set record.rows_per_object: 1, or transform.split: Line"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_remedy(record, transform, words):
    found = fault(record, **transform)
    assert ": transform: has " in found
    assert words in found


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"header": True}, "record.header: is true, but only csv has a header, and record.format is jsonlines"),
        ({"columns": ["a"], "sql": "a"}, "record.sql: is given beside record.columns"),
        ({"columns": ["a"], "column": "a"}, "record: has column beside columns"),
        ({"format": "binary", "rows_per_object": 2}, "with record.format binary an object that is one request holds"),
        ({"rows_per_object": 0}, "record.rows_per_object: is 0; valid: all, or a whole number from 1 on"),
        ({"rows_per_object": True}, "record.rows_per_object: is true"),
        ({"compression": "zip"}, "record.compression: is 'zip'"),
        ({"format": "avro"}, "record.format: is 'avro'; valid: binary, csv, json, jsonlines, raw, text"),
    ],
)
def test_records_that_are_none_are_refused(record, words):
    assert words in fault(record, split="None") or words in fault(record)


@pytest.mark.parametrize("record", [{"rows_per_object": 1}, {"format": "json"}, {"format": "binary"}])
def test_one_row_an_object_may_be_called_a_single_record(record):
    assert build(record, split="None", strategy="SingleRecord").transform.split == "None"


def test_one_column_is_a_list_of_one():
    assert build({"column": "content", "format": "binary"}).record.columns == ("content",)


@pytest.mark.parametrize("format", ["csv", "text", "binary"])
def test_a_key_is_compared_in_json_alone(format):
    prediction = {"schema": "id string", "key": "id"}
    assert f"but record.format is {format}" in fault({"format": format}, prediction)
    assert build({"format": "json"}, prediction, strategy="SingleRecord").prediction.key is not None


def test_what_is_sent_is_part_of_a_runs_identity():
    plain = build({"format": "csv"}, split="None")
    other = build(
        {"format": "csv", "header": True, "compression": "gzip", "sql": "struct(a)", "rows_per_object": 5},
        split="None",
    )
    found = differences(plain.to_document(), other.to_document(), publishing=True)
    assert [line.partition(":")[0] for line in found] == [
        "record.compression",
        "record.header",
        "record.rows_per_object",
        "record.sql",
    ]
