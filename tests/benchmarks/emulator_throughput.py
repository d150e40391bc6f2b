"""The emulator's throughput against that of a bare client.

`python tests/benchmarks/emulator_throughput.py` prints both, and their ratio.

A model server that echoes (waitress and Flask, as a person would write it, or nothing but a socket with
`--server bare`) is asked first by a client that does nothing but post the mini-batches of an object, on kept
connections and from as many threads as the job has; then a job scores the same object through the emulator. Both move
the same bodies to the same server, in the same run, so their ratio is what the emulator's own work costs. With
`--state DIR` its objects are kept on disk. Before that, one client puts small objects one after the other.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import boto3

from transform_emulator.emulator import Emulator
from transform_emulator.settings import Settings

MB = 2**20
RECORD = b'{"features": [%s]}\n' % b", ".join(b"0.%06d" % (n * 7919 % 10**6) for n in range(32))
LIB = str(Path(__file__).parents[2] / "lib")
BUCKET = "data"
PART_BYTES = 64 * MB
DEADLINE_SECONDS = 600
SMALL_PUTS = 1000
SERVERS = {
    "waitress": Path(__file__).with_name("flask_server.py"),
    "bare": Path(__file__).parents[1] / "support" / "model_server.py",
}


def mini_batches(total_bytes: int, payload_bytes: int) -> Iterator[bytes]:
    """Yield bodies of whole records, each as large as fits."""
    per_batch = payload_bytes // len(RECORD)
    batch = RECORD * per_batch
    for _ in range(total_bytes // len(batch)):
        yield batch


def post_all(url: str, total_bytes: int, payload_bytes: int, concurrent: int) -> float:
    """Seconds in which a bare client posts all bodies and reads all answers."""
    parts, local = urlsplit(url), threading.local()

    def post(body: bytes) -> int:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        local.connection.request("POST", "/invocations", body, {"Content-Type": "application/jsonlines"})
        return len(local.connection.getresponse().read())

    begin = time.perf_counter()
    with ThreadPoolExecutor(concurrent) as pool:
        answered = sum(pool.map(post, mini_batches(total_bytes, payload_bytes)))
    seconds = time.perf_counter() - begin
    assert answered >= total_bytes * 0.9, "the server did not echo"
    return seconds


def put_input(s3, total_bytes: int) -> int:
    """The size of the object that was put, in parts so that no process holds it."""
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="in/records.jsonl")["UploadId"]
    target = {"Bucket": BUCKET, "Key": "in/records.jsonl", "UploadId": upload}
    part = RECORD * (PART_BYTES // len(RECORD))
    numbers = range(1, max(1, round(total_bytes / len(part))) + 1)
    tags = [s3.upload_part(**target, PartNumber=number, Body=part)["ETag"] for number in numbers]
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in zip(numbers, tags, strict=True)]
    s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    return len(part) * len(numbers)


def small_puts(s3) -> float:
    """How many objects of 1 kB a client puts in a second."""
    begin = time.perf_counter()
    for number in range(SMALL_PUTS):
        s3.put_object(Bucket=BUCKET, Key=f"small/{number}", Body=bytes(1000))
    return SMALL_PUTS / (time.perf_counter() - begin)


def run_job(endpoint_url: str, name: str, payload_mb: int, concurrent: int) -> float:
    """Seconds between the job's TransformStartTime and its TransformEndTime."""
    sagemaker = boto3.client("sagemaker", endpoint_url=endpoint_url, region_name="us-west-2", **KEYS)
    sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName="echo",
        MaxPayloadInMB=payload_mb,
        MaxConcurrentTransforms=concurrent,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}},
            "SplitType": "Line",
            "ContentType": "application/jsonlines",
        },
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/{name}"},
        TransformResources={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    )
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        job = sagemaker.describe_transform_job(TransformJobName=name)
        if job["TransformJobStatus"] in {"Completed", "Failed", "Stopped"}:
            assert job["TransformJobStatus"] == "Completed", job
            return (job["TransformEndTime"] - job["TransformStartTime"]).total_seconds()
        time.sleep(0.2)
    raise AssertionError("the job did not end")


KEYS = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "secret"}


def main() -> None:
    """Measure, and print one JSON line for each repetition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--payload-mb", type=int, default=6)
    parser.add_argument("--concurrent", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--server", choices=list(SERVERS), default="waitress")
    parser.add_argument("--state", type=Path, help="keep the emulator's state in this directory")
    chosen = parser.parse_args()
    total = int(chosen.gigabytes * 10**9)
    command = [sys.executable, str(SERVERS[chosen.server]), "echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": LIB}) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            with Emulator(Settings({"echo": url}, buckets=[BUCKET], state=chosen.state)) as emulator:
                s3 = boto3.client("s3", endpoint_url=emulator.endpoint_url, region_name="us-west-2", **KEYS)
                print(json.dumps({"small_puts_per_s": round(small_puts(s3))}), flush=True)
                size = put_input(s3, total)
                for number in range(chosen.repeat):
                    bare = size / post_all(url, size, chosen.payload_mb * MB, chosen.concurrent)
                    job = size / run_job(emulator.endpoint_url, f"job-{number}", chosen.payload_mb, chosen.concurrent)
                    figures = {"bytes": size, "bare_mb_s": round(bare / 1e6), "emulator_mb_s": round(job / 1e6)}
                    print(json.dumps(figures | {"ratio": round(job / bare, 2), "server": chosen.server}), flush=True)
                    s3.delete_object(Bucket=BUCKET, Key=f"job-{number}/records.jsonl.out")
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
