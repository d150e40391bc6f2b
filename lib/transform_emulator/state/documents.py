"""Moto's buckets and versions of objects as JSON documents, and back.

An object is made by moto's own constructor and given what was kept, so that what a later moto adds has its default.
"""

import json
from datetime import datetime
from typing import Any, cast

from moto.s3.models import (
    FakeAcl,
    FakeBucket,
    FakeDeleteMarker,
    FakeGrant,
    FakeGrantee,
    FakeKey,
    FakeMultipart,
    PublicAccessBlock,
)
from moto.s3.models import s3_backends as backends

from transform_emulator.moto.parts import part_sizes

# Attributes whose values JSON has.
PLAIN_OF_KEY = (
    "_etag",
    "_is_versioned",
    "_storage_class",
    "_version_id",
    "bucket_key_enabled",
    "checksum_algorithm",
    "checksum_parts",
    "checksum_type",
    "checksum_value",
    "contentsize",
    "encryption",
    "kms_key_id",
    "lock_legal_status",
    "lock_mode",
    "lock_until",
    "website_redirect_location",
)
PLAIN_OF_BUCKET = (
    "accelerate_configuration",
    "default_lock_days",
    "default_lock_mode",
    "default_lock_years",
    "encryption",
    "object_lock_enabled",
    "ownership_rule",
    "payer",
    "versioning_status",
)
BYTES_OF_BUCKET = ("policy", "website_configuration")
BLOCKS = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")


def bucket_text(bucket: FakeBucket) -> str:
    """Returns the bucket's document: owner and settings but those that the README says are lost."""
    block = bucket.public_access_block
    return _text(
        {name: getattr(bucket, name) for name in PLAIN_OF_BUCKET}
        | {name: (getattr(bucket, name) or b"").decode("latin-1") for name in BYTES_OF_BUCKET}
        | {
            "account": bucket.account_id,
            "region": bucket.region_name,
            "created": bucket.creation_date.isoformat(),
            "acl": _grants(bucket.acl),
            "public_access_block": None if block is None else [getattr(block, name) for name in BLOCKS],
            "tags": backends[bucket.account_id][bucket.partition].tagger.get_tag_dict_for_resource(bucket.arn),
        }
    )


def bucket_of(name: str, text: str) -> FakeBucket:
    """Returns the bucket of a document, known to moto and without objects."""
    document = json.loads(text)
    bucket = FakeBucket(name, document["account"], document["region"])  # type: ignore[abstract]
    for attribute in PLAIN_OF_BUCKET:
        setattr(bucket, attribute, document[attribute])
    for attribute in BYTES_OF_BUCKET:
        setattr(bucket, attribute, document[attribute].encode("latin-1") or None)
    bucket.creation_date = datetime.fromisoformat(document["created"])
    bucket.acl = _acl(document["acl"])
    if (blocked := document.get("public_access_block")) is not None:  # which an earlier version did not write
        bucket.public_access_block = PublicAccessBlock(*blocked)
    backend = backends[bucket.account_id][bucket.partition]
    backend.tagger.tag_resource(bucket.arn, [{"Key": k, "Value": v} for k, v in document["tags"].items()])
    backend.buckets[name] = bucket
    return bucket


def version_text(version: FakeKey | FakeDeleteMarker) -> str:
    """Returns the document of one version of an object, without its bytes."""
    common = {"modified": version.last_modified.isoformat()}
    if isinstance(version, FakeDeleteMarker):
        return _text(common | {"marker": version.version_id})
    expiry = version._expiry
    multipart = version.multipart
    return _text(
        common
        | {name: getattr(version, name) for name in PLAIN_OF_KEY}
        | {
            "account": version.account_id,
            "region": version.region_name,
            "acl": _grants(version.acl),
            "expiry": None if expiry is None else [expiry.isoformat(), version._status],
            "metadata": dict(version.metadata.items()),
            # With it CompleteMultipartUpload can be asked again, and HeadObject knows the number of parts.
            "upload": None if multipart is None else [multipart.id, list(multipart.partlist), part_sizes(version)],
            "tags": backends[version.account_id][version.partition].tagger.get_tag_dict_for_resource(version.arn),
        }
    )


def marker_of(document: dict[str, Any], name: str, before: FakeKey | FakeDeleteMarker | None) -> FakeDeleteMarker:
    """Returns the delete marker of a document, on top of the version before it, if that is still there."""
    beneath: Any = before or FakeKey(name, b"", "", "us-east-1")
    marker = FakeDeleteMarker(beneath)
    marker._version_id = document["marker"]
    marker.last_modified = datetime.fromisoformat(document["modified"])
    return marker


def key_of(document: dict[str, Any], bucket: str, name: str) -> FakeKey:
    """Returns the version of an object that a document describes, with no bytes yet."""
    key = FakeKey(name, b"", document["account"], document["region"], bucket_name=bucket)
    for attribute in PLAIN_OF_KEY:
        setattr(key, attribute, document[attribute])
    key.last_modified = datetime.fromisoformat(document["modified"])
    key.acl = _acl(document["acl"])
    key.set_metadata(dict(document["metadata"]))
    if document["expiry"] is not None:
        expiry, key._status = document["expiry"]
        key.set_expiry(datetime.fromisoformat(expiry))
    if document["upload"] is not None:
        key.multipart = FakeMultipart(name, cast(Any, {}), key.account_id, key.region_name)
        # An earlier version did not write the sizes of the parts.
        key.multipart.id, key.multipart.partlist, *sizes = document["upload"]
        setattr(key.multipart, "sizes", sizes[0] if sizes else None)  # noqa: B010
    tagger = backends[key.account_id][key.partition].tagger
    tagger.delete_all_tags_for_resource(key.arn)
    tagger.tag_resource(key.arn, [{"Key": k, "Value": v} for k, v in document["tags"].items()])
    return key


def _grants(acl: FakeAcl | None) -> list[dict[str, Any]] | None:
    if acl is None:
        return None
    return [
        {"permissions": grant.permissions, "grantees": [[g.id, g.uri, g.display_name] for g in grant.grantees]}
        for grant in acl.grants
    ]


def _acl(grants: list[dict[str, Any]] | None) -> FakeAcl | None:
    if grants is None:
        return None
    return FakeAcl([FakeGrant([FakeGrantee(*g) for g in each["grantees"]], each["permissions"]) for each in grants])


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True)
