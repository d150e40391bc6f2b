"""What clients other than transform jobs rely on in the emulator's S3."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import partial
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.test import create_environ, run_wsgi_app

from support.emulator_aws import Aws
from transform_emulator.faults.register import FaultRegister
from transform_emulator.http.s3_front import S3Front
from transform_emulator.http.s3_requests import fault_of


def status_of(put) -> int:
    try:
        return put()["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_conditional_puts(aws: Aws, name: str) -> None:
    """S3: If-None-Match creates once, If-Match replaces what was seen; otherwise 412."""
    put = aws.s3.put_object
    etag = put(Bucket=name, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert status_of(lambda: put(Bucket=name, Key="k", Body=b"2", IfNoneMatch="*")) == 412
    assert status_of(lambda: put(Bucket=name, Key="k", Body=b"3", IfMatch=etag)) == 200
    assert status_of(lambda: put(Bucket=name, Key="k", Body=b"4", IfMatch=etag)) == 412
    assert aws.s3.get_object(Bucket=name, Key="k")["Body"].read() == b"3"


@pytest.mark.parametrize("key", ["k", "in//ü +k"])
def test_a_copy_is_of_the_source_that_was_seen(aws: Aws, name: str, key: str) -> None:
    """S3: x-amz-copy-source-if-match copies "if its entity tag (ETag) matches the specified tag"; otherwise 412."""
    source = {"Bucket": name, "Key": key}
    seen = aws.s3.put_object(**source, Body=b"1")["ETag"]

    def copy(etag: str) -> int:
        return status_of(lambda: aws.s3.copy_object(Bucket=name, Key="c", CopySource=source, CopySourceIfMatch=etag))

    assert copy(seen) == 200
    aws.s3.put_object(**source, Body=b"2")
    assert copy(seen) == 412
    assert aws.s3.get_object(Bucket=name, Key="c")["Body"].read() == b"1"
    part = {"Bucket": name, "Key": "p", "UploadId": aws.s3.create_multipart_upload(Bucket=name, Key="p")["UploadId"]}
    asked = {**part, "PartNumber": 1, "CopySource": source, "CopySourceIfMatch": seen}
    assert status_of(lambda: aws.s3.upload_part_copy(**asked)) == 412


LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=timezone.utc), datetime(2100, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "asked",
    [
        {"CopySourceIfUnmodifiedSince": LONG_AGO},
        {"CopySourceIfModifiedSince": FAR_AHEAD},
        {"IfNoneMatch": "*"},
        {"IfMatch": '"another"'},
    ],
)
def test_a_copy_is_made_under_its_conditions_alone(aws: Aws, name: str, asked: dict[str, Any]) -> None:
    """S3: 412 where a condition on the source, or on what is there already, does not hold; moto replaced the object."""
    for key in "ab":
        aws.s3.put_object(Bucket=name, Key=key, Body=key.encode())
    source = {"Bucket": name, "Key": "a"}
    assert status_of(lambda: aws.s3.copy_object(Bucket=name, Key="b", CopySource=source, **asked)) == 412
    assert aws.s3.get_object(Bucket=name, Key="b")["Body"].read() == b"b"


@pytest.mark.parametrize("held", [True, False])
def test_an_upload_replaces_the_object_that_was_seen(aws: Aws, name: str, held: bool) -> None:
    etag = aws.s3.put_object(Bucket=name, Key="k", Body=b"1")["ETag"] if held else '"another"'
    upload = {"Bucket": name, "Key": "k", "UploadId": aws.s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]}
    part = {"PartNumber": 1, "ETag": aws.s3.upload_part(**upload, PartNumber=1, Body=b"2")["ETag"]}

    def complete() -> int:
        parts = {"Parts": [part]}
        return status_of(lambda: aws.s3.complete_multipart_upload(**upload, MultipartUpload=parts, IfMatch=etag))

    if not held:
        assert complete() == 404
        aws.s3.put_object(Bucket=name, Key="k", Body=b"3")
    assert complete() == (200 if held else 412)


def test_of_two_conditions_the_etag_counts(aws: Aws, name: str) -> None:
    """RFC 9110, 13.2.2: If-Unmodified-Since counts without If-Match only, If-Modified-Since without If-None-Match."""
    etag = aws.s3.put_object(Bucket=name, Key="k", Body=b"1")["ETag"]
    read = partial(aws.s3.get_object, Bucket=name, Key="k")
    assert status_of(partial(read, IfMatch=etag, IfUnmodifiedSince=LONG_AGO)) == 200
    assert status_of(partial(read, IfNoneMatch='"x"', IfModifiedSince=FAR_AHEAD)) == 200


@pytest.mark.parametrize("key", ["x" * 1024, "é" * 512])
def test_a_key_has_at_most_1024_bytes(aws: Aws, name: str, key: str) -> None:
    assert status_of(lambda: aws.s3.put_object(Bucket=name, Key=key)) == 200
    with pytest.raises(ClientError, match="KeyTooLongError"):
        aws.s3.put_object(Bucket=name, Key=f"{key}x")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_an_object_that_is_put_as_a_form_is_kept(aws: Aws, name: str, kind: str) -> None:
    """What curl and urllib say of any body, as to a presigned address: the object was empty, and the answer 200."""
    aws.s3.put_object(Bucket=name, Key="k", Body=b"a=1&b", ContentType=kind)
    assert aws.s3.get_object(Bucket=name, Key="k")["Body"].read() == b"a=1&b"


WRONG = {
    "a token that nobody gave": (
        "list_objects_v2",
        {"ContinuationToken": "x"},
        "InvalidArgument.*token provided is inc",
    ),
    "another's MD5": ("put_object", {"ContentMD5": "ndTkYSaMgDT1yFZOFVxnpg=="}, "BadDigest.*Content-MD5 you specified"),
    "no MD5": ("put_object", {"ContentMD5": "x"}, "InvalidDigest.*Content-MD5 you specified was invalid"),
    "another's CRC": ("put_object", {"ChecksumCRC32": "AAAAAA=="}, "BadDigest.*The CRC32 you specified did not match"),
    "another's CRC32C": ("put_object", {"ChecksumCRC32C": "AAAAAA=="}, "BadDigest.*The CRC32C you specified did not"),
    "another's CRC64": ("put_object", {"ChecksumCRC64NVME": "A" * 11 + "="}, "BadDigest.*The CRC64NVME you specified"),
    "another's SHA-1": ("put_object", {"ChecksumSHA1": "A" * 27 + "="}, "BadDigest.*The SHA1 you"),
    "another's SHA-256": ("put_object", {"ChecksumSHA256": "A" * 43 + "="}, "BadDigest.*The SHA256 you"),
    "no CRC": ("put_object", {"ChecksumCRC64NVME": "AAAA"}, "InvalidRequest.*x-amz-checksum-crc64nvme header is inv"),
    "a part and a range": ("get_object", {"PartNumber": 1, "Range": "bytes=0-0"}, "InvalidRequest.*both Range header"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_s3_refuses_is_refused(aws: Aws, name: str, case: str) -> None:
    """S3's own codes and words; moto failed at the first, and passed over the others."""
    operation, asked, words = WRONG[case]
    key = {"put_object": {"Key": "k", "Body": b"2"}, "get_object": {"Key": "k"}}.get(operation, {})
    aws.s3.put_object(Bucket=name, Key="k", Body=b"1")
    with pytest.raises(ClientError, match=words):
        getattr(aws.s3, operation)(Bucket=name, **key, **asked)
    assert aws.s3.get_object(Bucket=name, Key="k")["Body"].read() == b"1"


@pytest.mark.parametrize(("kind", "digest"), [("CRC32C", "4waSgw=="), ("CRC64NVME", "rosUhgp5mIg=")])
def test_a_crc_that_is_the_bodys_is_taken(kind: str, digest: str) -> None:
    """Of "123456789", as catalogues of CRCs have them."""
    put = create_environ("/b/k", method="PUT", headers={f"x-amz-checksum-{kind.lower()}": digest})
    assert fault_of(put, b"123456789") is None
    assert fault_of(put, b"123456780") is not None
    assert fault_of(put, bytes(2**16 + 1)) is None  # which would take too long


NOT_EMULATED = {
    "a line break in a key": ("put_object", {"Key": "a\nb"}),
    "a control character in a key": ("create_multipart_upload", {"Key": "a\x01b"}),
    "a put over another ETag": ("put_object", {"Key": "k", "IfNoneMatch": '"x"'}),
    "an append": ("put_object", {"Key": "k", "WriteOffsetBytes": 1}),
    "a new name": ("rename_object", {"Key": "new", "RenameSource": "k"}),
    "a torrent": ("get_object_torrent", {"Key": "k"}),
}


@pytest.mark.parametrize("case", NOT_EMULATED)
def test_what_moto_passes_over_is_refused(aws: Aws, name: str, case: str) -> None:
    """Moto answered 200: an append replaced, a new name was an empty object."""
    operation, asked = NOT_EMULATED[case]
    aws.s3.put_object(Bucket=name, Key="k", Body=b"1")
    with pytest.raises(ClientError, match="NotImplemented"):
        getattr(aws.s3, operation)(Bucket=name, **asked)
    assert [each["Key"] for each in aws.s3.list_objects_v2(Bucket=name)["Contents"]] == ["k"]
    assert "Uploads" not in aws.s3.list_multipart_uploads(Bucket=name)


def test_no_more_than_1000_objects_are_deleted_at_once(aws: Aws, name: str) -> None:
    with pytest.raises(ClientError, match="MalformedXML"):
        aws.s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": str(number)} for number in range(1001)]})


def test_metadata_has_at_most_2048_bytes(aws: Aws, name: str) -> None:
    put = partial(aws.s3.put_object, Bucket=name, Key="k")
    assert status_of(lambda: put(Metadata={"a-b": "x" * 2045})) == 200
    with pytest.raises(ClientError, match="MetadataTooLarge"):
        put(Metadata={"a": "x" * 1000, "b": "x" * 1047})


@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_deletion_names_what_it_did_not_delete_alone(aws: Aws, name: str, quiet: bool) -> None:
    keys = ["a", "<Deleted>", "b&"]
    for key in keys:
        aws.s3.put_object(Bucket=name, Key=key, Body=b"")
    told = aws.s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": quiet})
    assert [each["Key"] for each in told.get("Deleted", [])] == ([] if quiet else keys)
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=name)


def test_a_query_that_nobody_can_read_is_a_fault_of_its_sender(aws: Aws, name: str) -> None:
    """It was a 500, and a stack on standard error."""
    aws.s3.put_object(Bucket=name, Key="k", Body=b'{"a": 1}\n')
    asked = {"ExpressionType": "SQL", "InputSerialization": {"JSON": {"Type": "LINES"}}}
    select = partial(aws.s3.select_object_content, Bucket=name, OutputSerialization={"JSON": {}}, **asked)
    with pytest.raises(ClientError, match="UnsupportedSyntax"):
        select(Key="k", Expression="FROM nothing (")
    with pytest.raises(ClientError, match="NoSuchKey"):
        select(Key="none", Expression="SELECT * FROM S3Object")
    told = [
        event["Records"]["Payload"]
        for event in select(Key="k", Expression="SELECT * FROM S3Object")["Payload"]
        if "Records" in event
    ]
    assert told == [b'{"a":1}\n']


OTHERS = {"HTTP_X_AMZ_CHECKSUM_CRC32": "AAAAAA=="}  # of the object
TAKEN = {
    "a copy": create_environ(
        "/b/k",
        method="PUT",
        headers={"x-amz-copy-source": "b/o", "Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="},  # the source's, of Hadoop 3.3
        environ_overrides=OTHERS,
    ),
    "a completion": create_environ("/b/k?uploadId=u", method="POST", environ_overrides=OTHERS),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_a_client_says_of_something_else_than_this_body_is_not_compared_with_it(case: str) -> None:
    body = b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>"
    assert fault_of(TAKEN[case], body) is None


def test_a_part_is_read_by_its_number(aws: Aws, name: str) -> None:
    """S3: "a 'ranged' GET request for the part specified"; whoever reads all of them goes by the count of parts."""
    place = {"Bucket": name, "Key": "k"}
    bodies = [b"a" * 5 * 2**20, b"bcd"]
    upload = {**place, "UploadId": aws.s3.create_multipart_upload(**place)["UploadId"]}
    tags = [aws.s3.upload_part(**upload, PartNumber=n, Body=body)["ETag"] for n, body in enumerate(bodies, 1)]
    parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
    whole = aws.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["ETag"]
    aws.s3.copy_object(Bucket=name, Key="at once", CopySource=place)
    for number, body in enumerate(bodies, 1):
        found, seen = (call(**place, PartNumber=number) for call in (aws.s3.get_object, aws.s3.head_object))
        assert found["Body"].read() == body
        for answer in (found, seen):
            assert (answer["ContentLength"], answer["PartsCount"], answer["ETag"]) == (len(body), 2, whole)
            assert answer["ContentRange"].endswith(f"/{sum(map(len, bodies))}")
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    for key, number in (("k", 3), ("at once", 2)):
        for call, code in ((aws.s3.get_object, "InvalidPartNumber"), (aws.s3.head_object, "416")):
            with pytest.raises(ClientError) as refused:
                call(Bucket=name, Key=key, PartNumber=number)
            told = refused.value.response
            assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == (code, 416)
    assert "PartsCount" not in aws.s3.head_object(Bucket=name, Key="at once", PartNumber=1)
    aws.s3.put_object(Bucket=name, Key="empty", Body=b"")
    assert "ContentRange" not in aws.s3.get_object(Bucket=name, Key="empty", PartNumber=1)  # it was "bytes 0--1/0"


def test_pages_of_a_listing_go_on_where_the_last_one_ended(aws: Aws, name: str) -> None:
    for key in "abc":
        aws.s3.put_object(Bucket=name, Key=key, Body=b"", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=name, PaginationConfig={"PageSize": 1})
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == ["a", "b", "c"]


def test_pages_of_the_older_listing_have_each_name_once(aws: Aws, name: str) -> None:
    """S3: keys and common prefixes of a page are counted together, and come back as they are called.

    Each page had all prefixes, with a blank for a plus sign, and a page's end was taken for another name.
    """
    for key in ("a/1", "a/2", "b+c /1", "b%41", "b0", "d/1"):
        aws.s3.put_object(Bucket=name, Key=key, Body=b"")
    pages = aws.s3.get_paginator("list_objects").paginate(Bucket=name, Delimiter="/", PaginationConfig={"PageSize": 2})
    found = [
        [each.get("Key") or each["Prefix"] for each in (*page.get("Contents", []), *page.get("CommonPrefixes", []))]
        for page in pages
    ]
    assert found == [["b%41", "a/"], ["b0", "b+c /"], ["d/"]]


def test_a_page_has_at_most_1000_names(aws: Aws, name: str) -> None:
    """S3 API reference: MaxKeys "returns up to 1,000 key names", also to who asks for more."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: aws.s3.put_object(Bucket=name, Key=f"{n:04d}", Body=b""), range(1001)))
    kinds = {"list_objects_v2": "Contents", "list_objects": "Contents", "list_object_versions": "Versions"}
    for operation, member in kinds.items():
        page = getattr(aws.s3, operation)(Bucket=name, MaxKeys=5000)
        assert (len(page[member]), page["IsTruncated"], page["MaxKeys"]) == (1000, True, 1000), operation
        pages = aws.s3.get_paginator(operation).paginate(Bucket=name, PaginationConfig={"PageSize": 2000})
        assert sum(len(page[member]) for page in pages) == 1001, operation


def test_a_prefix_of_deleted_objects_alone_is_listed_no_more(aws: Aws, name: str) -> None:
    aws.s3.head_bucket(Bucket=name)
    aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    aws.s3.put_object(Bucket=name, Key="a/1", Body=b"")
    aws.s3.delete_object(Bucket=name, Key="a/1")
    for listing in (aws.s3.list_objects, aws.s3.list_objects_v2):
        assert "CommonPrefixes" not in listing(Bucket=name, Delimiter="/")


@pytest.mark.parametrize("operation", ["upload_part", "upload_part_copy", "complete_multipart_upload"])
def test_an_upload_that_was_ended_takes_no_part(aws: Aws, name: str, operation: str) -> None:
    aws.s3.put_object(Bucket=name, Key="k", Body=b"1")
    upload = {"Bucket": name, "Key": "k", "UploadId": aws.s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]}
    aws.s3.abort_multipart_upload(**upload)
    asked = {
        "upload_part": {"PartNumber": 1, "Body": b"2"},
        "upload_part_copy": {"PartNumber": 1, "CopySource": {"Bucket": name, "Key": "k"}},
        "complete_multipart_upload": {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": '"x"'}]}},
    }
    with pytest.raises(ClientError, match="NoSuchUpload"):
        getattr(aws.s3, operation)(**upload, **asked[operation])


@pytest.mark.parametrize(
    ("key", "asked", "code"), [("none", None, "NoSuchKey"), ("k", "bytes=0-3", "InvalidArgument.*of size: 2")]
)
def test_a_part_is_copied_of_what_is_there(aws: Aws, name: str, key: str, asked: str | None, code: str) -> None:
    aws.s3.put_object(Bucket=name, Key="k", Body=b"12")
    part = {"Bucket": name, "Key": "p", "UploadId": aws.s3.create_multipart_upload(Bucket=name, Key="p")["UploadId"]}
    of = {"CopySourceRange": asked} if asked else {}
    with pytest.raises(ClientError, match=code):
        aws.s3.upload_part_copy(**part, PartNumber=1, CopySource={"Bucket": name, "Key": key}, **of)


@pytest.mark.parametrize("who", ["a bucket's policy", "nobody"])
def test_who_may_not_is_told_so(aws: Aws, name: str, who: str) -> None:
    """S3: AccessDenied, for what a policy denies and for who has not signed; there was a 403 without a word."""
    aws.s3.put_object(Bucket=name, Key="k", Body=b"1")
    client = aws.client("s3", config=Config(signature_version=UNSIGNED)) if who == "nobody" else aws.s3
    if who != "nobody":
        denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*Object", "Resource": f"arn:aws:s3:::{name}/k"}
        aws.s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    for call in (client.get_object, partial(client.put_object, Body=b"2")):
        with pytest.raises(ClientError) as refused:
            call(Bucket=name, Key="k")
        told = refused.value.response
        assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDenied", 403)
    with pytest.raises(ClientError, match="403"):  # an answer to HEAD has no body
        client.head_object(Bucket=name, Key="k")


def test_one_of_many_conditional_puts_wins(aws: Aws, name: str) -> None:
    """S3: of conditional writes at the same time, "the first one to finish succeeds", the others get 412."""
    aws.s3.put_object(Bucket=name, Key="other", Body=b"")

    def attempt(number: int) -> int:
        return status_of(lambda: aws.s3.put_object(Bucket=name, Key=f"k{number // 8}", Body=b"x", IfNoneMatch="*"))

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(attempt, range(80)))
    assert (statuses.count(200), statuses.count(412)) == (10, 70)


def test_an_object_that_is_replaced_while_it_is_read_is_read_again() -> None:
    """Moto closes the bytes of the old one: it was InternalError, with a stack on standard error."""
    asked = []

    def moto(environ: Any, start_response: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        if len(asked) == 1:
            raise ValueError("I/O operation on closed file.")
        start_response("200 OK", [])
        return [b"new"]

    front = S3Front(moto, FaultRegister(), None)
    answer = run_wsgi_app(lambda *given: front(None, *given), create_environ("/bucket/key"))
    assert (b"".join(answer[0]), answer[1], asked) == (b"new", "200 OK", ["/bucket/key"] * 2)


def test_another_error_of_motos_is_not_asked_for_once_more() -> None:
    asked = []

    def moto(environ: Any, _start_response: Any) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        raise ValueError("invalid literal for int() with base 10: 'x'")

    front = S3Front(moto, FaultRegister(), None)
    with pytest.raises(ValueError, match="invalid literal"):
        run_wsgi_app(lambda *given: front(None, *given), create_environ("/bucket/key"))
    assert asked == ["/bucket/key"]


def test_a_copy_whose_source_is_replaced_while_it_is_looked_at_or_read_is_made_again() -> None:
    asked = []

    def moto(environ: Any, start_response: Any) -> list[bytes]:
        asked.append(environ["REQUEST_METHOD"])
        if len(asked) in (1, 3):
            raise ValueError("I/O operation on closed file.")
        start_response("200 OK", [("ETag", '"seen"')])
        return [b"copied"]

    front = S3Front(moto, FaultRegister(), None)
    headers = {"x-amz-copy-source": "/bucket/source", "x-amz-copy-source-if-match": '"seen"'}
    answer = run_wsgi_app(
        lambda *given: front(None, *given), create_environ("/bucket/key", method="PUT", headers=headers)
    )
    assert (b"".join(answer[0]), answer[1], asked) == (b"copied", "200 OK", ["HEAD", "HEAD", "PUT", "PUT"])


def test_missing_buckets_are_made_by_writes_and_heads_only(aws: Aws, name: str) -> None:
    """An option of the emulator: a person's workspace bucket need not exist; a read of a missing bucket is an error."""
    with pytest.raises(ClientError, match="NoSuchBucket"):
        aws.s3.list_objects_v2(Bucket=name)
    assert status_of(lambda: aws.s3.head_bucket(Bucket=name)) == 200
    assert aws.s3.list_objects_v2(Bucket=name)["KeyCount"] == 0


def test_a_connection_serves_many_requests(aws: Aws, name: str) -> None:
    """HTTP/1.1: bodies, empty answers and errors leave the connection in step with its requests."""
    import http.client

    aws.s3.put_object(Bucket=name, Key="k", Body=b"x")
    connection = http.client.HTTPConnection(aws.endpoint_url.removeprefix("http://"))
    sockets, headers = set(), {"Authorization": "AWS4-HMAC-SHA256 Credential=A/20200101/us-east-1/s3/aws4_request, x"}
    for method, path, body in [("PUT", "k2", b"12345"), ("HEAD", "k2", None), ("GET", "no", None), ("GET", "k2", None)]:
        connection.request(method, f"/{name}/{path}", body, headers)
        answer = connection.getresponse().read()
        sockets.add(connection.sock)
    assert (answer, len(sockets)) == (b"12345", 1)
    assert sockets != {None}
    connection.close()
