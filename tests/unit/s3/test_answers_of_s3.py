"""Answers of S3 that no emulator gives, through a client whose answers are set."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from batch_transform.core.object_store import ObjectNotFound, StoreFailure
from batch_transform.core.uris import S3Uri
from batch_transform.s3.store import S3Store
from support.stubbed_clients import answering, unreached

KEY = S3Uri("b", "ws/k")
ENDED = "ListObjectsV2 s3://b/ws/.*: ExpiredToken: The provided token has expired.; the credentials have ended"


@pytest.fixture
def client():
    return unreached("s3")


@pytest.fixture
def stub(client):
    with answering(client) as stubber:
        yield stubber


def expired(stub):
    stub.add_client_error("list_objects_v2", "ExpiredToken", "The provided token has expired.", 400)


def test_an_object_is_told_with_the_time_that_it_is_for_s3(client, stub):
    """This machine's clock may be a quarter of an hour off, and a lease is over in a minute."""
    now = {"HTTPHeaders": {"date": "Wed, 01 May 2024 00:00:20 GMT"}}
    put = datetime(2024, 5, 1, tzinfo=timezone.utc)
    found = {"ETag": '"e"', "ContentLength": 1, "LastModified": put, "ResponseMetadata": now}
    stub.add_response("head_object", found)
    info = S3Store(client).head(KEY)
    assert (info.told_at - info.last_modified).total_seconds() == 20.0


def test_credentials_that_have_ended_are_told_though_the_answer_has_no_body(client, stub):
    """A HEAD of S3's has a status alone, 400 for them (boto#2916, aws-sdk-js#2219; API reference, HeadBucket)."""
    stub.add_client_error("head_bucket", "400", "Bad Request", 400)
    expired(stub)
    with pytest.raises(StoreFailure, match=ENDED):
        S3Store(client).bucket(S3Uri("b", "ws"))
    stub.add_client_error("head_object", "400", "Bad Request", 400)
    expired(stub)
    with pytest.raises(StoreFailure, match=ENDED):
        S3Store(client).head(KEY)


def test_a_clock_that_is_wrong_is_not_told_as_a_permission_that_lacks(client, stub):
    """RequestTimeTooSkewed is a 403 (API reference, error responses), as a denial is."""
    stub.add_client_error("head_object", "403", "Forbidden", 403)
    stub.add_client_error("list_objects_v2", "RequestTimeTooSkewed", "The difference is too large.", 403)
    with pytest.raises(StoreFailure, match=r"RequestTimeTooSkewed: The difference is too large\.; .* clock") as told:
        S3Store(client).head(KEY)
    assert "iam RUNFILE" not in str(told.value)


def test_a_status_that_a_listing_does_not_explain_stays_what_it_is(client, stub):
    stub.add_client_error("head_object", "400", "Bad Request", 400)
    stub.add_response("list_objects_v2", {})
    with pytest.raises(StoreFailure, match="HeadObject s3://b/ws/k: 400: Bad Request") as told:
        S3Store(client).head(KEY)
    assert not isinstance(told.value, ObjectNotFound)


def test_what_a_batch_of_deletions_could_not_do_for_a_moment_is_asked_again(client, stub):
    """Of the keys of a batch some come back with InternalError, and botocore repeats nothing of it (boto3#3052)."""
    failed = {"Key": "ws/k", "Code": "InternalError", "Message": "We encountered an internal error. Please try again."}
    stub.add_response("delete_objects", {"Errors": [failed]})
    stub.add_response("delete_object", {}, {"Bucket": "b", "Key": "ws/k"})
    S3Store(client).delete([S3Uri("b", "ws/a"), KEY])


def test_why_a_copy_in_parts_failed_is_told_though_it_may_not_be_aborted(client, stub):
    """`s3:AbortMultipartUpload` is a permission of its own (user guide, multipart upload and permissions)."""
    stub.add_client_error("head_object", "404", "Not Found", 404)
    stub.add_response("create_multipart_upload", {"UploadId": "u"})
    stub.add_client_error("upload_part_copy", "KMS.DisabledException", "the key is disabled", 400)
    stub.add_client_error("abort_multipart_upload", "AccessDenied", "not authorized to perform s3:Abort...", 403)
    with pytest.raises(StoreFailure, match=r"CopyObject .*: KMS\.DisabledException: the key is disabled"):
        S3Store(client, copy_limit_bytes=1).copy(S3Uri("b", "from"), '"e"', 2, KEY)


COPIED = {"ETag": '"0a-2"', "ContentLength": 2, "LastModified": datetime(2024, 1, 2, tzinfo=timezone.utc)}
OLD = {**COPIED, "LastModified": datetime(2024, 1, 1, tzinfo=timezone.utc)}
LOST = [("NoSuchUpload", 404), ("RequestTimeout", 400), ("InternalError", 500)]


def copy_whose_end_is_not_answered(client, stub, before, after, code="NoSuchUpload", status=404):
    def head(found):
        if found is None:
            stub.add_client_error("head_object", "404", "Not Found", 404)
        else:
            stub.add_response("head_object", found)

    head(before)
    stub.add_response("create_multipart_upload", {"UploadId": "u"})
    for number in (1, 2):
        stub.add_response("upload_part_copy", {"CopyPartResult": {"ETag": f'"{number}"'}})
    stub.add_client_error("complete_multipart_upload", code, "told", status)
    head(after)
    return S3Store(client, copy_limit_bytes=1, copy_part_bytes=1)


@pytest.mark.parametrize(("code", "status"), LOST)
@pytest.mark.parametrize("before", [None, OLD])
def test_a_copy_in_parts_is_made_though_the_answer_to_its_completion_is_lost(client, stub, before, code, status):
    """botocore asks once more, and is told NoSuchUpload of an upload that has been completed."""
    store = copy_whose_end_is_not_answered(client, stub, before, COPIED, code, status)
    store.copy(S3Uri("b", "from"), '"e"', 2, KEY)


@pytest.mark.parametrize("after", [None, OLD, {**COPIED, "ContentLength": 3}, {**COPIED, "ETag": '"0a"'}])
def test_a_copy_in_parts_of_which_nothing_is_seen_has_failed(client, stub, after):
    """Whoever ends old uploads has ended it, and what is there is what was there, or another's."""
    store = copy_whose_end_is_not_answered(client, stub, OLD if after is OLD else None, after)
    stub.add_client_error("abort_multipart_upload", "NoSuchUpload", "told", 404)
    with pytest.raises(StoreFailure, match="NoSuchUpload: told"):
        store.copy(S3Uri("b", "from"), '"e"', 2, KEY)


def test_of_uploads_that_are_ended_one_that_has_ended_meanwhile_hinders_no_other(client, stub):
    found = [{"Key": f"ws/{name}", "UploadId": name} for name in "ab"]
    stub.add_response("list_multipart_uploads", {"Uploads": found}, {"Bucket": "b", "Prefix": "ws/"})
    stub.add_client_error("abort_multipart_upload", "NoSuchUpload", "told", 404)
    stub.add_response("abort_multipart_upload", {}, {"Bucket": "b", "Key": "ws/b", "UploadId": "b"})
    S3Store(client).end_uploads(S3Uri("b", "ws"))
