"""Requests of S3's before moto has them: in path style, and refused where their names, numbers or XML are none.

S3 refuses those before it looks for a bucket; moto raises anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, unquote_to_bytes
from xml.etree import ElementTree

from werkzeug.http import parse_date

from transform_emulator.http.protocol_errors import Failure
from transform_emulator.http.s3_digests import digest_fault
from transform_emulator.http.s3_frames import without_frames
from transform_emulator.service.allowed_callers import Doors

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# What no bucket's name has, also of those that S3 allowed once (S3 user guide, general purpose bucket naming rules).
NOT_IN_BUCKETS = re.compile(r"[^A-Za-z0-9._-]")
MOST_DELETED_AT_ONCE = 1000  # S3 API reference, DeleteObjects
MOST_KEY_BYTES = 1024  # S3 user guide, object key naming guidelines
MOST_METADATA_BYTES = 2048  # S3 user guide, user-defined object metadata: of keys and values together
METADATA = "HTTP_X_AMZ_META_"
FORM_TYPES = ("multipart/", "application/x-www-form-urlencoded")
NUMBERS = ("max-keys", "max-parts", "max-uploads", "part-number-marker", "partNumber")
# Sub-resources that are put as XML, and of which nothing to put means nothing (S3 API reference).
DOCUMENTS = frozenset(
    {
        *(
            "accelerate",
            "analytics",
            "cors",
            "encryption",
            "intelligent-tiering",
            "inventory",
            "legal-hold",
            "lifecycle",
        ),
        *("logging", "metrics", "notification", "object-lock", "ownershipControls", "publicAccessBlock", "replication"),
        *("requestPayment", "restore", "retention", "tagging", "versioning", "website", "delete", "select"),
    }
)
# These too, but an ACL may be in the headers.
OPTIONAL_DOCUMENTS = frozenset({"acl", "uploadId"})
POSTED_TO_BUCKETS = frozenset({"delete", "metadataTable", "metadataConfiguration"})
POSTED_TO_OBJECTS = frozenset({"uploads", "uploadId", "select", "restore"})
CANNED_ACLS = frozenset(
    {
        *("private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read"),
        *("bucket-owner-full-control", "log-delivery-write"),
    }
)


def fault_of(environ: WSGIEnvironment, body: bytes) -> Failure | None:
    """Returns why a request in path style is refused; None for one that S3 would look at, which has no frames then."""
    bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="replace")
    if NOT_IN_BUCKETS.search(bucket):
        return _bad("InvalidBucketName", "The specified bucket is not valid.")
    if len(key) > MOST_KEY_BYTES:  # as WSGI has it, a character is a byte
        return _bad("KeyTooLongError", "Your key is too long")
    metadata = (len(name) - len(METADATA) + len(environ[name]) for name in environ if name.startswith(METADATA))
    if sum(metadata) > MOST_METADATA_BYTES:
        return _bad("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    if environ.get("HTTP_X_AMZ_ACL", "private") not in CANNED_ACLS:
        return _bad("InvalidArgument", "x-amz-acl is no canned ACL.")
    if "/" not in unquote(environ.get("HTTP_X_AMZ_COPY_SOURCE", "b/k")).lstrip("/"):
        return _bad("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    for name in NUMBERS:
        if name in query and not re.fullmatch("[0-9]{1,9}", query[name][0]):
            return _bad("InvalidArgument", f"Provided {name} not an integer or within integer range")
    if "partNumber" in query and "HTTP_RANGE" in environ:
        return _bad("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
    return _body_fault(bucket, key, query.keys(), environ, body)


def in_path_style(environ: WSGIEnvironment, doors: Doors) -> None:
    """Moves the bucket of a virtual-host request (data.localhost:5000/key) into its path, where everybody looks for it.

    Raises:
        UnicodeDecodeError: The path is not UTF-8, which S3's keys are.
    """
    unquote_to_bytes(environ["RAW_URI"].partition("?")[0]).decode("utf-8")
    bucket = doors.bucket_of(environ.get("HTTP_HOST", ""))
    if bucket is not None:
        for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI"):
            environ[name] = f"/{bucket}{environ[name]}"
    # A date does not count where it is none, or beside an ETag (RFC 9110, 13.1.3 and 13.2.2).
    for kind in ("HTTP_IF", "HTTP_X_AMZ_COPY_SOURCE_IF"):
        for date, etag in (("MODIFIED_SINCE", "NONE_MATCH"), ("UNMODIFIED_SINCE", "MATCH")):
            name = f"{kind}_{date}"
            if name in environ and (f"{kind}_{etag}" in environ or parse_date(environ[name]) is None):
                del environ[name]
    # Moto takes the body of a form apart, also where it is an object, and keeps nothing of it.
    if environ["REQUEST_METHOD"] == "PUT" and environ.get("CONTENT_TYPE", "").startswith(FORM_TYPES):
        environ["CONTENT_TYPE"] = "binary/octet-stream"
    # Moto takes the first word of a name that it does not know for a bucket.
    environ["HTTP_HOST"] = f"localhost:{environ['SERVER_PORT']}"


def _body_fault(bucket: str, key: str, query: Collection[str], environ: WSGIEnvironment, body: bytes) -> Failure | None:
    """What is wrong with what a request puts, or posts."""
    method, form = environ["REQUEST_METHOD"], environ.get("CONTENT_TYPE", "").startswith(FORM_TYPES)
    payload = without_frames(environ, body)
    if isinstance(payload, Failure):
        return payload
    if (failure := digest_fault(environ, payload)) is not None:
        return failure
    if method not in {"PUT", "POST"} or form:
        return None
    asked = set(query) & (POSTED_TO_OBJECTS if key else POSTED_TO_BUCKETS)
    if not bucket or (method == "POST" and not asked):
        text = "The specified method is not allowed against this resource."
        return Failure(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", text)
    return _document_fault(bool(key), query, environ, payload)


def _document_fault(of_object: bool, query: Collection[str], environ: WSGIEnvironment, body: bytes) -> Failure | None:
    """What is wrong with the document that a request puts, if it puts one."""
    if "policy" in query and not of_object:
        return None if _is_json(body) else _bad("MalformedPolicy", "Policies must be valid JSON.")
    acl_is_missing = "acl" in query and not any(
        key.startswith(("HTTP_X_AMZ_ACL", "HTTP_X_AMZ_GRANT")) for key in environ
    )
    if not body and (DOCUMENTS.intersection(query) or acl_is_missing):
        return _bad("MissingRequestBodyError", "Request Body is empty")
    holds_xml = bool((DOCUMENTS | OPTIONAL_DOCUMENTS).intersection(query)) and "partNumber" not in query
    too_many = "delete" in query and body.count(b"<Object>") > MOST_DELETED_AT_ONCE
    if too_many or (body and (holds_xml or not of_object) and not _is_xml(body)):
        text = "The XML you provided was not well-formed or did not validate against our published schema"
        return _bad("MalformedXML", text)
    return None


def _bad(code: str, message: str) -> Failure:
    return Failure(HTTPStatus.BAD_REQUEST, code, message)


def _is_xml(body: bytes) -> bool:
    try:
        ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):  # LookupError: an encoding that nobody knows
        return False
    return True


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
