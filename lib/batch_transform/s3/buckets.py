"""What S3 says of a bucket: whether it is there, in which region, and what lies first below a place in it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batch_transform.core.aws_partitions import is_of_aws
from batch_transform.core.object_store import ObjectNotFound, StoreFailure
from batch_transform.core.uris import S3Uri
from batch_transform.s3.s3_errors import NO_SUCH_BUCKET, is_bare, s3_errors


def bucket_exists(client: Any, place: S3Uri) -> bool:
    """Returns whether there is the bucket of a place; one that this identity may not see raises StoreFailure.

    HeadBucket has no prefix, and so is refused where a policy allows ListBucket below some alone; and its answer
    has no body, so that of credentials that have ended it says "400 Bad Request". A listing has both.
    """
    try:
        with s3_errors("HeadBucket", f"s3://{place.bucket}"):
            client.head_bucket(Bucket=place.bucket)
    except ObjectNotFound:
        return False
    except StoreFailure as err:
        if not is_bare(err):
            raise
        try:
            first_key(client, place.bucket, place.prefix)
        except StoreFailure as listing:
            if listing.code == NO_SUCH_BUCKET:
                return False
            raise
    return True


def bucket_region(client: Any, bucket: str) -> str | None:
    """Returns the region of AWS that a bucket lies in; None: it is not told, or the client's S3 is not AWS's.

    "Regardless of the permissions on the bucket, you will receive a response header with the correct bucket location"
    (API reference, HeadBucket): a refusal has it as well. Other stores answer anything there.
    """
    if not is_of_aws(client.meta.endpoint_url):
        return None
    try:
        answer = client.head_bucket(Bucket=bucket)
    except ClientError as err:
        answer = err.response
    except BotoCoreError:
        return None
    region: str | None = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region")
    return region


def first_key(client: Any, bucket: str, prefix: str) -> str | None:
    """Returns the first key that begins with a prefix; None: there is none."""
    with s3_errors("ListObjectsV2", f"s3://{bucket}/{prefix}"):
        found = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents", ())
    return str(found[0]["Key"]) if found else None
