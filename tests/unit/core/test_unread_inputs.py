"""What is told of an input that cannot be read says what to look at, and no word of Spark's classes."""

from __future__ import annotations

import pytest

from batch_transform.core.unread_inputs import no_documents, unread_input

PLACE = "s3a://bucket/customers"
PARQUET_FOOTER = (
    "[FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER] Encountered error while reading file file:/in/a.csv. Could not read "
    "footer. Please ensure that the file is in either ORC or Parquet format."
)
CASES = {
    "no path": (
        "[PATH_NOT_FOUND] Path does not exist: s3a://bucket/customers.",
        "cannot be read: there is no such file or folder; check input.path",
    ),
    "no bucket": (
        "UnknownStoreException: `s3a://bucket/customers': getFileStatus on it:: NoSuchBucketException: The specified",
        "cannot be read: there is no bucket bucket; check input.path",
    ),
    "no bucket, of an older SDK": ("AmazonS3Exception: NoSuchBucket; Request ID", "there is no bucket bucket;"),
    "no files": (
        "[UNABLE_TO_INFER_SCHEMA] Unable to infer schema for Parquet. It must be specified manually.",
        "cannot be read: no file of parquet is there to be read. ",
    ),
    "a format misspelt": (
        "this Spark session lacks a class ([DATA_SOURCE_NOT_FOUND] Failed to find the data source: parqet. Make sure",
        "input.format: Spark has no format parqet (did you mean parquet?)",
    ),
    "no Delta table": ("[DELTA_TABLE_NOT_FOUND] Delta table `x` doesn't exist.", "no Delta table is there; check"),
    "another format": (PARQUET_FOOTER, "Did you mean input.format: csv?"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_failure_is_told_with_what_to_do(name):
    words, expected = CASES[name]
    told = unread_input(PLACE, "parquet", words)
    assert told is not None
    assert expected in told
    assert "Exception" not in told


@pytest.mark.parametrize(
    "words",
    [
        "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: org_elasticsearch. Make sure",
        "ConnectException: Connection refused",
        "[FAILED_READ_FILE] file:/in/a.parquet is not a Parquet file. Expected magic number at tail",
    ],
)
def test_what_it_does_not_know_is_left_as_it_is(words):
    assert unread_input(PLACE, "parquet", words) is None


@pytest.mark.parametrize(
    ("options", "columns", "expected"),
    [
        ({}, ["_corrupt_record"], "multiLine: true"),
        ({"columnNameOfCorruptRecord": "bad"}, ["bad"], "multiLine: true"),
        ({"MultiLine": "true"}, ["_corrupt_record"], "none of its files"),
    ],
)
def test_files_of_json_without_a_document_are_told_as_that(options, columns, expected):
    assert expected in (no_documents("json", options, columns) or "")


@pytest.mark.parametrize(
    ("format", "columns"), [("json", ["_corrupt_record", "key"]), ("json", ["key"]), ("csv", ["_corrupt_record"])]
)
def test_files_with_a_document_or_of_another_format_are_not(format, columns):
    assert no_documents(format, {}, columns) is None
