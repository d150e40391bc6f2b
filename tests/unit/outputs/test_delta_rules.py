"""What Delta's errors, metrics and log stores mean."""

from __future__ import annotations

import pytest

from batch_transform.outputs.delta_rules import Conflict, conflict_of, single_writer_warning, written_rows


@pytest.mark.parametrize(
    ("class_name", "message", "expected"),
    [
        ("ConcurrentAppendException", "[DELTA_CONCURRENT_APPEND.WITHOUT_HINT] Transaction conflict", Conflict.RETRY),
        ("ConcurrentDeleteReadException", "...", Conflict.RETRY),
        ("ProtocolChangedException", "...", Conflict.RETRY),
        ("MetadataChangedException", "...", Conflict.RETRY),
        ("UnknownException", "[DELTA_PROTOCOL_CHANGED] ...", Conflict.RETRY),
        ("AnalysisException", "[TABLE_OR_VIEW_ALREADY_EXISTS] Cannot create", Conflict.RETRY),
        ("Py4JJavaError", "o1.save.\n: io.delta.exceptions.ConcurrentWriteException: ...", Conflict.RETRY),
        ("ConcurrentTransactionException", "[DELTA_CONCURRENT_TRANSACTION] ...", Conflict.COMMITTED),
        ("Py4JJavaError", "o1.save.\n: io.delta.exceptions.ConcurrentTransactionException: x", Conflict.COMMITTED),
        ("AnalysisException", "[DELTA_METADATA_MISMATCH] A metadata mismatch", Conflict.NONE),
        ("Py4JJavaError", "[TASK_WRITE_FAILED] Task failed", Conflict.NONE),
    ],
)
def test_what_an_error_means(class_name, message, expected):
    assert conflict_of(class_name, message) is expected


def test_what_the_other_commit_says_is_not_read():
    """The message quotes the commit that won, whose metadata may hold anything."""
    quoted = "Conflicting commit: " + "x" * 500 + "DELTA_CONCURRENT_TRANSACTION"
    assert conflict_of("ConcurrentAppendException", quoted) is Conflict.RETRY


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"numFiles": "2", "numOutputRows": "5"}, 5),
        ({"numOutputRows": "0"}, 0),
        ({"numOutputRows": "3", "numCopiedRows": "1", "numDeletedRows": "2"}, 2),
        ({"numFiles": "0"}, 0),
        ({"numFiles": "2"}, None),
        ({}, None),
    ],
)
def test_rows_that_a_commit_brought_in(metrics, expected):
    assert written_rows(metrics) == expected


@pytest.mark.parametrize("path", ["s3://b/t", "s3a://b/t", "s3n://b/t"])
def test_the_default_log_store_on_s3_is_warned_of(path):
    warning = single_writer_warning(path, {}.get)
    assert path in warning
    assert f"spark.delta.logStore.{path.partition(':')[0]}.impl" in warning


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("/local", {}),
        ("file:///local", {}),
        ("abfss://c@a/t", {}),
        ("s3a://b/t", {"spark.delta.logStore.s3a.impl": "io.delta.storage.S3DynamoDBLogStore"}),
        ("s3a://b/t", {"spark.delta.logStore.class": "com.example.OurLogStore"}),
        ("s3://b/t", {"spark.databricks.clusterUsageTags.clusterId": "1"}),
    ],
)
def test_where_commits_are_coordinated_there_is_no_warning(path, settings):
    assert single_writer_warning(path, settings.get) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"spark.delta.logStore.s3a.impl": "io.delta.storage.S3SingleDriverLogStore"},
        {"spark.delta.logStore.s3.impl": "io.delta.storage.S3DynamoDBLogStore"},  # another scheme's
    ],
)
def test_a_log_store_that_does_not_help_is_warned_of(settings):
    assert single_writer_warning("s3a://b/t", settings.get)
