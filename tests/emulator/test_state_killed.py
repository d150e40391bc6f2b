"""The emulator killed at random moments under clients that change objects and run jobs, again and again."""

import contextlib
import hashlib
import io
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotoConnectionError

from support.emulator_aws import Aws, request
from support.kept_process import KeptProcess, kept_process
from support.scripted_model import ScriptedModel

pytestmark = pytest.mark.slow

MB = 2**20
CLIENTS = 3
KEYS = 12
CHECKED_JOBS = 5
LOST = (HTTPClientError, BotoConnectionError, IncompleteReadError, OSError)  # what a client sees of a kill
ONCE = boto3.session.Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)
IN_PARTS = TransferConfig(multipart_threshold=5 * MB, multipart_chunksize=5 * MB, use_threads=False)
Seen = tuple[str, str, dict[str, str]] | None  # the bytes' MD5, LastModified, metadata; None for no object


def look(s3: Any, bucket: str, key: str) -> Seen:
    try:
        answer = s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.NoSuchKey:
        return None
    body = answer["Body"].read()
    assert answer["ContentLength"] == len(body)
    return hashlib.md5(body).hexdigest(), str(answer["LastModified"]), answer["Metadata"]


class Client:
    """Changes objects of its own one after the other, and remembers what it was told.

    A change that has no answer may or may not have happened: the object is then as it was before, or as it was to be.
    """

    def __init__(self, number: int, seed: int) -> None:
        self.bucket = f"client-{number}"
        self.random = random.Random(f"{seed} {number}")
        self.told: dict[str, Seen] = {}
        self.etags: dict[str, str] = {}
        self.doubt: tuple[str, str | None] | None = None  # a key, and the MD5 that it was to have
        self.changes = 0

    def connect(self, aws: Aws) -> None:
        """Take the emulator that runs now."""
        self.s3 = aws.client("s3", config=ONCE)

    def work(self, ended: threading.Event) -> None:
        """Change objects until the emulator does not answer."""
        try:
            while not ended.is_set():
                change = self.random.choices(
                    [self.put, self.put_once, self.copy, self.delete, self.delete_many, self.upload], [6, 2, 2, 2, 1, 1]
                )[0]
                change(f"k{self.random.randrange(KEYS)}")
                self.doubt = None
                self.changes += 1
        except LOST:
            pass

    def check(self, aws: Aws) -> None:
        """Everything that was told is there; what was not told is there whole, or not at all."""
        if self.doubt is not None:
            key, intended = self.doubt
            now = look(aws.s3, self.bucket, key)
            assert now == self.told.get(key) or (now[0] if now else None) == intended, f"half of {key}"
            assert now is None or now == self.told.get(key) or now[2] == {"md5": intended}, "bytes without metadata"
            self.told[key], self.doubt = now, None
        assert {key: look(aws.s3, self.bucket, key) for key in self.told} == self.told
        listed = aws.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        assert {item["Key"] for item in listed} == {key for key, seen in self.told.items() if seen is not None}
        assert {item["Key"]: item["ETag"] for item in listed} == {
            item["Key"]: self.etags.get(item["Key"], item["ETag"]) for item in listed
        }
        for item in listed:
            with pytest.raises(ClientError, match="PreconditionFailed"):
                aws.s3.put_object(Bucket=self.bucket, Key=item["Key"], Body=b"", IfNoneMatch="*")

    def put(self, key: str, **condition: str) -> None:
        body = self.random.randbytes(self.random.choice([0, 10, 1000, 100_000, 6 * MB]))
        intended = hashlib.md5(body).hexdigest()
        self._change(key, intended, self.s3.put_object, Body=body, Metadata={"md5": intended}, **condition)

    def put_once(self, key: str) -> None:
        if self.told.get(key) is None:
            self.put(key, IfNoneMatch="*")

    def copy(self, key: str) -> None:
        # Not of an upload in parts: moto gives the copy the parts' checksum, and boto3 refuses to read it.
        source = next((k for k, etag in self.etags.items() if "-" not in etag and k != key), None)
        if source is not None:
            intended = self.told[source][0]  # type: ignore[index]
            self._change(key, intended, self.s3.copy_object, CopySource={"Bucket": self.bucket, "Key": source})

    def upload(self, key: str) -> None:
        body = self.random.randbytes(11 * MB)
        intended = hashlib.md5(body).hexdigest()
        self._change(
            key,
            intended,
            self.s3.upload_fileobj,
            Fileobj=io.BytesIO(body),
            ExtraArgs={"Metadata": {"md5": intended}},
            Config=IN_PARTS,
        )

    def delete(self, key: str) -> None:
        self._change(key, None, self.s3.delete_object)

    def delete_many(self, key: str) -> None:
        self.doubt = (key, None)
        self.etags.pop(key, None)
        self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key}, {"Key": "never there"}]})
        self._told(key)

    def _change(self, key: str, intended: str | None, call: Callable[..., Any], **arguments: Any) -> None:
        self.doubt = (key, intended)
        self.etags.pop(key, None)
        call(Bucket=self.bucket, Key=key, **arguments)
        self._told(key)

    def _told(self, key: str) -> None:
        # What a client is shown must hold as well as what it is told; the change is in doubt until both are known.
        self.told[key] = look(self.s3, self.bucket, key)
        seen = self.told[key]
        assert (seen[0] if seen else None) == self.doubt[1]  # type: ignore[index]
        if seen is not None:
            self.etags[key] = self.s3.head_object(Bucket=self.bucket, Key=key)["ETag"]


class Jobs:
    """Runs one job after the other, a new one once the last has ended."""

    FILES = 10
    LINES = 60

    def __init__(self) -> None:
        self.created: dict[str, Any] = {}
        self.doubt: str | None = None
        self.count = 0

    def connect(self, aws: Aws) -> None:
        """Take the emulator that runs now."""
        self.s3, self.sagemaker = aws.client("s3", config=ONCE), aws.client("sagemaker", config=ONCE)

    def work(self, ended: threading.Event) -> None:
        """Create jobs until the emulator does not answer."""
        s3, sagemaker = self.s3, self.sagemaker
        try:
            while not ended.is_set():
                self.doubt = name = f"job-{self.count}"
                self.count += 1
                for number in range(self.FILES):
                    s3.put_object(Bucket=name, Key=f"in/{number}", Body=b"%d\n" % number * self.LINES)
                sagemaker.create_transform_job(**request(name, name, BatchStrategy="SingleRecord"))
                self.created[name] = sagemaker.describe_transform_job(TransformJobName=name)["CreationTime"]
                self.doubt = None
                while not ended.is_set() and not self._is_done(sagemaker, name):
                    time.sleep(0.01)
        except LOST:
            pass

    def _is_done(self, sagemaker: Any, name: str) -> bool:
        return sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Completed"

    def check(self, aws: Aws) -> None:
        """Each job that was created ends with every output right, and its name is taken for good.

        So does one whose creation had no answer, if it is there: what it still writes is no file too many.
        """
        if self.doubt is not None:
            with contextlib.suppress(ClientError):  # it was not created
                described = aws.sagemaker.describe_transform_job(TransformJobName=self.doubt)
                self.created[self.doubt] = described["CreationTime"]
            self.doubt = None
        # All that were in flight, and some of those that were looked at before.
        old, new = [*self.created][:-CHECKED_JOBS], [*self.created][-CHECKED_JOBS:]
        for name in [*random.sample(old, min(len(old), CHECKED_JOBS)), *new]:
            created = self.created[name]
            assert aws.wait_until(name)["TransformJobStatus"] == "Completed"
            assert aws.sagemaker.describe_transform_job(TransformJobName=name)["CreationTime"] == created
            assert aws.outputs(name) == {f"{n}.out": b"%d\n" % n * self.LINES for n in range(self.FILES)}
            with pytest.raises(ClientError, match="ResourceInUse"):
                aws.sagemaker.create_transform_job(**request(name, name))


@pytest.fixture
def kept(tmp_path: Path, model: ScriptedModel) -> Iterator[KeptProcess]:
    with kept_process(tmp_path / "state", "--model", f"scripted={model.url}") as process:
        yield process


@pytest.mark.parametrize("kills", [3, pytest.param(150, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_nothing_that_was_answered_is_lost(kept: KeptProcess, kills: int) -> None:
    """After each SIGKILL: all acknowledged changes, nothing in halves, jobs that end as if nothing had happened."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    clients, jobs = [Client(number, seed) for number in range(CLIENTS)], Jobs()
    for client in clients:
        kept.aws.s3.head_bucket(Bucket=client.bucket)
    for _ in range(kills):
        ended = threading.Event()
        for each in [*clients, jobs]:
            each.connect(kept.aws)
        with ThreadPoolExecutor() as pool:
            working = [pool.submit(each.work, ended) for each in [*clients, jobs]]
            time.sleep(moments.uniform(0.05, 1.5))
            kept.end()
            ended.set()
        for work in working:
            work.result()
        kept.start()
        for each in [*clients, jobs]:
            each.check(kept.aws)
    listed = (kept.aws.s3.list_objects_v2(Bucket=each["Name"]) for each in kept.aws.s3.list_buckets()["Buckets"])
    assert len(list((kept.state / "objects").iterdir())) == sum(page["KeyCount"] for page in listed)
    print(f"{kills} kills, {sum(client.changes for client in clients)} changes, {len(jobs.created)} jobs")
