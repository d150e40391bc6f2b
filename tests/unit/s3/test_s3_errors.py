"""What S3's client raises is told with what a person can do about it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from batch_transform.core.object_store import StoreFailure
from batch_transform.s3.s3_errors import s3_errors


def test_where_no_credentials_are_found_it_is_said_how_to_name_some_and_how_to_do_without():
    with (
        pytest.raises(StoreFailure, match=r"AWS_PROFILE.*--emulator") as failure,
        s3_errors("HeadBucket", "s3://my-bucket"),
    ):
        raise NoCredentialsError
    assert failure.value.code == "NoCredentialsError"


def told(code, message="told", retries=0):
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"RetryAttempts": retries}}
    with pytest.raises(StoreFailure) as failure, s3_errors("PutObject", "s3://b/k"):
        raise ClientError(answer, "PutObject")
    return str(failure.value)


def test_an_answer_is_told_by_its_own_words_once_and_how_often_it_came():
    assert told("InternalError", "try again") == "PutObject s3://b/k: InternalError: try again"
    assert told("SlowDown", retries=4) == "PutObject s3://b/k: SlowDown: told (tried 5 times)"
    assert "when calling the PutObject operation" in told("Strange", "")


def test_who_may_not_or_not_any_more_is_told_what_to_do():
    assert told("AccessDenied").endswith("told; `batch-transform iam RUNFILE` prints what must be allowed, and to whom")
    assert told("ExpiredToken").endswith("with new ones the same command goes on")
