"""What S3 says of a bucket: whether it is there, in which region, and what lies first below a place in it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from batch_transform.core.answer_headers import header
from batch_transform.core.aws_partitions import is_of_aws
from batch_transform.core.object_store import Bucket, ObjectNotFound, StoreFailure
from batch_transform.core.uris import S3Uri
from batch_transform.s3.s3_errors import NO_SUCH_BUCKET, is_bare, s3_errors


def bucket_of(client: Any, place: S3Uri) -> Bucket | None:
    """Returns the bucket of a place, None: there is none; one that this identity may not see raises StoreFailure.

    HeadBucket has no prefix, and so is refused where a policy allows ListBucket below some alone; and its answer
    has no body, so that of credentials that have ended it says "400 Bad Request". A listing has both. "Regardless of
    the permissions on the bucket, you will receive a response header with the correct bucket location" (API reference,
    HeadBucket): a refusal has it as well.
    """
    try:
        with s3_errors("HeadBucket", f"s3://{place.bucket}"):
            answer = client.head_bucket(Bucket=place.bucket)
    except ObjectNotFound:
        return None
    except StoreFailure as err:
        if not (is_bare(err) and isinstance(err.__cause__, ClientError)):
            raise
        try:
            first_key(client, place.bucket, place.prefix)
        except StoreFailure as listing:
            if listing.code == NO_SUCH_BUCKET:
                return None
            raise
        answer = err.__cause__.response
    # Other stores than AWS's answer anything there.
    return Bucket(header(answer, "x-amz-bucket-region") if is_of_aws(client.meta.endpoint_url) else None)


def first_key(client: Any, bucket: str, prefix: str) -> str | None:
    """Returns the first key that begins with a prefix; None: there is none."""
    with s3_errors("ListObjectsV2", f"s3://{bucket}/{prefix}"):
        found = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents", ())
    return str(found[0]["Key"]) if found else None
