"""Objects in a state on disk, seen by boto3 before and after the emulator was killed."""

import contextlib
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from support.emulator_aws import Aws, request
from support.kept_process import LIB, KeptProcess, kept_process
from support.scripted_model import ScriptedModel
from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

MB = 2**20
OWN_HEADERS = {"date", "server", "x-amz-request-id", "x-amzn-requestid"}  # of one answer
AWKWARD_KEYS = ("a b+c/ü?.txt", "x//y", "/lead", "trail/", "%41", "k=1/p=ä&b", "\U0001f600")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptProcess]:
    with kept_process(tmp_path / "state") as process:
        yield process


def seen(aws: Aws, bucket: str) -> dict[str, Any]:
    """All that clients see of a bucket's objects: bytes, headers, listings, tags, versions."""
    found: dict[str, Any] = {"versions": aws.s3.list_object_versions(Bucket=bucket)}
    del found["versions"]["ResponseMetadata"]
    for listed in aws.s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        answer = aws.s3.get_object(Bucket=bucket, Key=listed["Key"])
        headers = {k: v for k, v in answer["ResponseMetadata"]["HTTPHeaders"].items() if k not in OWN_HEADERS}
        tags = aws.s3.get_object_tagging(Bucket=bucket, Key=listed["Key"])["TagSet"]
        found[listed["Key"]] = (answer["Body"].read(), headers, listed, tags)
    return found


def files_of(kept: KeptProcess) -> int:
    return len(list((kept.state / "objects").iterdir()))


def put_all_sorts(aws: Aws) -> None:
    """Objects by each call that makes one."""
    for key in AWKWARD_KEYS:
        aws.s3.put_object(
            Bucket="data",
            Key=key,
            Body=key.encode(),
            ContentType="text/x",
            Tagging="a=b",
            Metadata={"colour": "red"},
            ChecksumAlgorithm="SHA256",
            CacheControl="no-store",
        )
    source = {"Bucket": "data", "Key": AWKWARD_KEYS[0]}
    aws.s3.copy_object(Bucket="data", Key="copy", CopySource=source)
    changed = {"MetadataDirective": "REPLACE", "Metadata": {"New": "x"}, "ContentType": "q/r"}
    aws.s3.copy_object(Bucket="data", Key="changed copy", CopySource=source, **changed)
    aws.s3.upload_fileobj(io.BytesIO(os.urandom(20 * MB)), "data", "in parts")
    aws.s3.put_object(Bucket="data", Key="tagged later", Body=b"")
    aws.s3.put_object_tagging(Bucket="data", Key="tagged later", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    aws.s3.put_object(
        Bucket="data", Key="encrypted", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/mine"
    )


def test_objects_are_as_they_were(kept: KeptProcess) -> None:
    """Byte for byte, with equal ETag, LastModified and all other headers, whatever call made them."""
    put_all_sorts(kept.aws)
    before = seen(kept.aws, "data")
    kept.restart()
    assert seen(kept.aws, "data") == before
    assert len(before) == len(AWKWARD_KEYS) + 6


def test_deleted_objects_stay_deleted(kept: KeptProcess) -> None:
    """One by one and many at once; the file of each goes with it."""
    for key in ("one", *AWKWARD_KEYS, "stays"):
        kept.aws.s3.put_object(Bucket="data", Key=key, Body=b"1")
    kept.aws.s3.delete_object(Bucket="data", Key="one")
    kept.aws.s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": key} for key in (*AWKWARD_KEYS, "no")]})
    assert files_of(kept) == 1
    kept.restart()
    assert [item["Key"] for item in kept.aws.s3.list_objects_v2(Bucket="data")["Contents"]] == ["stays"]


def test_a_replaced_object_leaves_no_file(kept: KeptProcess) -> None:
    """The disk holds what S3 holds: a lease that is written every second must not fill it."""
    for number in range(50):
        kept.aws.s3.put_object(Bucket="data", Key="lease", Body=b"%d" % number)
    assert files_of(kept) == 1
    kept.restart()
    assert kept.aws.s3.get_object(Bucket="data", Key="lease")["Body"].read() == b"49"


def test_versions_and_settings_of_buckets(kept: KeptProcess) -> None:
    """A versioned bucket's versions and delete markers in their order; tags, policy, region and date of a bucket."""
    s3 = kept.aws.s3
    s3.create_bucket(Bucket="versioned", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2", b"3"):
        version = s3.put_object(Bucket="versioned", Key="k", Body=body)["VersionId"]
    s3.delete_object(Bucket="versioned", Key="k")
    s3.put_object(Bucket="versioned", Key="k", Body=b"4")
    s3.delete_object(Bucket="versioned", Key="k")
    s3.delete_object(Bucket="versioned", Key="k", VersionId=version)
    s3.put_bucket_tagging(Bucket="versioned", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    s3.put_bucket_policy(Bucket="versioned", Policy='{"Statement": []}')
    s3.put_public_access_block(Bucket="versioned", PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    s3.create_bucket(Bucket="gone", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.delete_bucket(Bucket="gone")

    def settings(aws: Aws) -> list[Any]:
        named = {"Bucket": "versioned"}
        asked = (
            *(aws.s3.get_bucket_versioning, aws.s3.get_bucket_tagging),
            *(aws.s3.get_bucket_policy, aws.s3.get_public_access_block),
        )
        answers = [*(ask(**named) for ask in asked), aws.s3.get_bucket_location(**named), aws.s3.list_buckets()]
        return [{k: v for k, v in answer.items() if k != "ResponseMetadata"} for answer in answers]

    before = seen(kept.aws, "versioned"), settings(kept.aws)
    kept.restart()
    assert (seen(kept.aws, "versioned"), settings(kept.aws)) == before
    assert [len(before[0]["versions"][kind]) for kind in ("Versions", "DeleteMarkers")] == [3, 2]


def test_conditions_hold_after_a_restart(kept: KeptProcess) -> None:
    """If-None-Match and If-Match, by which ledgers and leases are written, are decided on what was kept."""
    etag = kept.aws.s3.put_object(Bucket="data", Key="step", Body=b"1", IfNoneMatch="*")["ETag"]
    kept.restart()
    with pytest.raises(ClientError, match="PreconditionFailed"):
        kept.aws.s3.put_object(Bucket="data", Key="step", Body=b"2", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        kept.aws.s3.put_object(Bucket="data", Key="step", Body=b"2", IfMatch='"0"')
    kept.aws.s3.put_object(Bucket="data", Key="step", Body=b"3", IfMatch=etag)
    assert kept.aws.s3.get_object(Bucket="data", Key="step")["Body"].read() == b"3"


def test_completing_an_upload_can_be_asked_again(kept: KeptProcess) -> None:
    """A client whose answer was lost with the process retries; S3 answers the second call as the first."""
    target = {"Bucket": "data", "Key": "k"}
    upload = target | {"UploadId": kept.aws.s3.create_multipart_upload(**target)["UploadId"]}
    etag = kept.aws.s3.upload_part(**upload, PartNumber=1, Body=b"1")["ETag"]
    complete = upload | {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}
    first = kept.aws.s3.complete_multipart_upload(**complete)["ETag"]
    kept.restart()
    assert kept.aws.s3.complete_multipart_upload(**complete)["ETag"] == first


def test_a_part_of_an_object_is_read_by_its_number_again(kept: KeptProcess) -> None:
    target, bodies = {"Bucket": "data", "Key": "k"}, [b"a" * 5 * 2**20, b"bcd"]
    upload = target | {"UploadId": kept.aws.s3.create_multipart_upload(**target)["UploadId"]}
    tags = [kept.aws.s3.upload_part(**upload, PartNumber=n, Body=body)["ETag"] for n, body in enumerate(bodies, 1)]
    parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
    kept.aws.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    kept.restart()
    found = kept.aws.s3.get_object(**target, PartNumber=2)
    assert (found["PartsCount"], found["Body"].read()) == (2, bodies[1])


def test_an_object_that_the_disk_does_not_take(kept: KeptProcess) -> None:
    """The client gets a 500, and what it sees from then on is what a restart shows: the object before."""
    client = kept.aws.client("s3", config=boto3.session.Config(retries={"total_max_attempts": 1}))
    client.put_object(Bucket="data", Key="k", Body=b"before", Metadata={"n": "1"})
    before = seen(kept.aws, "data")
    objects = kept.state / "objects"
    objects.rename(kept.state / "away")
    for key in ("k", "other"):
        with pytest.raises(ClientError, match="InternalError"):
            client.put_object(Bucket="data", Key=key, Body=b"after")
    (kept.state / "away").rename(objects)
    assert seen(kept.aws, "data") == before


def test_what_was_being_written_is_removed(kept: KeptProcess) -> None:
    """A file that the index does not name, as a killed process leaves it, is gone after the next start."""
    kept.aws.s3.put_object(Bucket="data", Key="k", Body=b"1")
    kept.end()
    (kept.state / "objects" / ("0" * 32)).write_bytes(b"half")
    kept.start()
    assert files_of(kept) == 1


def refusal(state: Path) -> str:
    """What a process says that cannot have the directory; exit code 1 and nothing on standard output."""
    command = KeptProcess(state).command()
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": LIB}, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (1, b"")
    return ended.stderr.decode()


def test_a_second_process_is_refused(kept: KeptProcess) -> None:
    """One process at a time has a directory; the other one is told which, at once and when it has waited."""
    waits, ends = refusal(kept.state).splitlines()
    assert f"{kept.state} is in use by process " in waits
    assert ends.startswith(f"transform-emulator: {kept.state} is in use by another transform-emulator (process ")
    kept.aws.s3.put_object(Bucket="data", Key="k", Body=b"1")


def test_directories_that_are_not_a_state(kept: KeptProcess, tmp_path: Path) -> None:
    """Unknown files are never touched, and a damaged state is not taken for an empty one."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("all of it")
    assert "holds something else than an emulator's state" in refusal(tmp_path / "other")
    kept.aws.s3.put_object(Bucket="data", Key="k", Body=b"1")
    kept.end()
    (file,) = (kept.state / "objects").iterdir()
    file.rename(tmp_path / "moved")
    assert f"the file of an object is gone, as {file}; put the folder back" in refusal(kept.state)
    with contextlib.suppress(FileNotFoundError):
        (kept.state / "state.db-wal").unlink()
    (kept.state / "state.db").write_bytes(b"no database" * 1000)
    assert "state.db is damaged (file is not a database); put the folder back" in refusal(kept.state)


def test_objects_in_another_server(tmp_path: Path, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--s3-endpoint` the state has no objects, but the jobs over that server's objects and their logs."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIABEHIND")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    other = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    other.start()
    host, port = other.get_host_and_port()
    direct = Aws.of(f"http://{host}:{port}", "us-east-1")
    direct.s3.create_bucket(Bucket="elsewhere")
    arguments = ["--s3-endpoint", direct.endpoint_url, "--model", f"scripted={model.url}"]
    with kept_process(tmp_path / "state", *arguments) as kept:
        kept.aws.s3.put_object(Bucket="elsewhere", Key="in/a", Body=b"1\n")
        kept.aws.sagemaker.create_transform_job(**request("job", "elsewhere"))
        kept.aws.wait_until("job")
        before = kept.aws.log_lines("job", data_log=True)
        kept.restart()
        assert kept.aws.wait_until("job")["TransformJobStatus"] == "Completed"
        assert (kept.aws.log_lines("job", data_log=True), len(before)) == (before, 1)
        assert direct.outputs("elsewhere") == {"a.out": b"1\n"}
        assert files_of(kept) == 0
    other.stop()


def test_the_owner_alone_reads_a_state(tmp_path: Path) -> None:
    """Whatever the umask, and what an earlier version has made: objects hold rows, logs may quote them."""
    before = os.umask(0)
    try:
        settings = Settings({}, buckets=["data"], state=tmp_path / "state")
        for _ in range(2):
            with Emulator(settings) as emulator:
                Aws.of(emulator.endpoint_url).s3.put_object(Bucket="data", Key="k", Body=b"row")
                found = [tmp_path / "state", *(tmp_path / "state").rglob("*")]
                assert len(found) >= 5
                assert {path.name: oct(path.stat().st_mode & 0o777) for path in found} == {
                    path.name: "0o700" if path.is_dir() else "0o600" for path in found
                }
            for path in (tmp_path / "state").rglob("*"):  # as they were made before
                path.chmod(0o755 if path.is_dir() else 0o644)
            (tmp_path / "state").chmod(0o755)
    finally:
        os.umask(before)
