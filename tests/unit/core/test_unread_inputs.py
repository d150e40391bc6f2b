"""What is told of an input that cannot be read says what to look at, and no word of Spark's classes."""

from __future__ import annotations

import pytest

from batch_transform.core.unread_inputs import doubted_options, no_documents, unread_input, word_faults

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


def test_several_paths_are_told_how_they_are_named():
    told = unread_input("s3a://b/a,s3a://b/c", "parquet", "[PATH_NOT_FOUND] Path does not exist") or ""
    assert told.endswith("check input.path; it is one path: several are a pattern, {first,second}")


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


LEFT_OUT = "IllegalArgumentException"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"maxColumns": "x"}, "maxColumns should be an integer. Found x."),
        ({"modifiedAfter": "yesterday"}, "The timestamp provided for the 'modifiedafter' option is invalid."),
        ({"quote": "abc", "header": "true"}, "The value of quote cannot be more than one character"),
        ({"multiLine": "maybe", "header": "true"}, 'For input string: "maybe"'),
        ({"sep": "", "quote": "'"}, "Delimiter cannot be empty"),
        ({"pathGlobFilter": "[a"}, "error parsing regexp: Unclosed character class at pos 2: `[a`"),
        ({"encoding": "utf-99"}, "expects one of the utf-16, utf-32, utf-8, but got utf-99."),
    ],
)
def test_an_option_is_named_that_an_error_speaks_of_by_its_name_or_by_its_value(options, said):
    assert doubted_options(options, ["wrapped", said], LEFT_OUT) == (
        f". Is input.options: {{{next(iter(options))}: ...}} as the reader takes it?"
    )


@pytest.mark.parametrize(
    ("options", "said", "told"),
    [
        ({"header": "true"}, 'For input string: "maybe" is neither true nor false', LEFT_OUT),
        ({"sep": "a"}, "a row that holds an a", LEFT_OUT),
        ({"encoding": "utf-9"}, "got utf-99", LEFT_OUT),
        ({"header": "yes"}, "header flag can be true or false", "input: header flag can be true or false"),
        ({"header": "true"}, "The authorization header is malformed", LEFT_OUT),
        ({"quote": "'"}, "TextParsingException: Parser Configuration: Quote character='", LEFT_OUT),
        ({}, "Delimiter cannot be empty", LEFT_OUT),
    ],
)
def test_no_option_is_named_that_may_well_be_right_or_is_told_already(options, said, told):
    assert doubted_options(options, [said], told) == ""


def test_no_option_is_named_that_an_expression_has_as_a_text():
    said = "[INVALID_ARRAY_INDEX_IN_ELEMENT_AT] out of bounds\n== SQL (line 1) ==\nelement_at(split(a, ','), 3)\n^^^"
    assert doubted_options({"sep": ",", "nullValue": "split"}, [said], "out of bounds") == ""


def test_an_option_is_not_told_by_a_condition_that_is_called_as_it_is():
    said = "The value of parameter(s) `charset` in `iconv` is invalid: expects one of the utf-8, but got utf-99"
    told = "[INVALID_PARAMETER_VALUE.CHARSET] a function or an option is given a value that it does not take"
    assert "{charset: ...}" in doubted_options({"charset": "utf-99"}, [said], told)


@pytest.mark.parametrize(
    ("format", "options", "fault"),
    [
        (
            "csv",
            {"mode": "FAILFATS"},
            "mode: not FAILFATS (did you mean FAILFAST?); valid: PERMISSIVE, DROPMALFORMED, ",
        ),
        ("JSON", {"Mode": "strict"}, "Mode: not strict; valid: PERMISSIVE, DROPMALFORMED, FAILFAST"),
        ("parquet", {"datetimeRebaseMode": "legacy"}, "datetimeRebaseMode: not legacy (did you mean LEGACY?); valid: "),
        ("parquet", {"int96RebaseMode": "x"}, "int96RebaseMode: not x; valid: EXCEPTION, CORRECTED, LEGACY"),
    ],
)
def test_a_word_that_spark_passes_over_is_a_fault(format, options, fault):
    (found,) = word_faults(format, options)
    assert found.startswith(f"input.options.{fault}")


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("csv", {"mode": "failfast", "sep": ";"}),
        ("xml", {"mode": "DropMalformed"}),
        ("parquet", {"datetimeRebaseMode": "LEGACY", "int96RebaseMode": "CORRECTED"}),
        ("com.example.reader", {"mode": "fast"}),
        ("parquet", {"mode": "fast"}),
    ],
)
def test_a_word_that_is_one_or_another_readers_is_none(format, options):
    assert word_faults(format, options) == []
