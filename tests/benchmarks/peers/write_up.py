"""The production pipeline of workload A, as its write-up describes it, on the emulator.

Spark loads Parquet and divides it into partitions, each of which becomes a file of JSON Lines on S3. One transform job
takes them by a manifest, with a payload of 8 MB and 12 requests at once (8 x 12 <= 100). When it has ended, each output
is put beside its input by file name and by the order of rows, and stored as Parquet. Nothing is counted, retried or
resumed; a job that has failed ends it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from pyspark.sql import functions as F

from benchmarks.peers.input_tables import PREDICTION
from benchmarks.peers.plain_session import MEMORY, session
from benchmarks.peers.posting import arguments, working

BUCKET, JOB, MODEL = "write-up", "the-job", "numbers"
PAYLOAD_MB, CONCURRENT, POLL_SECONDS = 8, 12, 1
OBJECT_BYTES = 28_000_000  # the middle one of the sizes that it names: 12, 28 and 45 MB
KEYS = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-west-2"}


@contextmanager
def _emulator(url: str) -> Iterator[str]:
    command = [sys.executable, "-m", "transform_emulator", "--port", "0", "--exit-with-stdin", "--bucket", BUCKET]
    process = subprocess.Popen(
        [*command, "--model", f"{MODEL}={url}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["endpoint_url"]
    finally:
        process.stdin.close()
        process.wait()


def _client(service: str, endpoint: str) -> Any:
    return boto3.client(service, endpoint_url=endpoint, **KEYS)


def _upload(endpoint: str, part: int, records: Iterable[str]) -> Iterator[str]:
    key = f"part-{part:05}.jsonl"
    body = "\n".join(records).encode()
    if body:
        _client("s3", endpoint).put_object(Bucket=BUCKET, Key=f"input/{key}", Body=body)
        yield key


def _run_job(endpoint: str, names: list[str], instances: int) -> None:
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/input/"}, *names]).encode()
    _client("s3", endpoint).put_object(Bucket=BUCKET, Key="manifest", Body=manifest)
    sagemaker = _client("sagemaker", endpoint)
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/manifest"}}
    sagemaker.create_transform_job(
        TransformJobName=JOB,
        ModelName=MODEL,
        BatchStrategy="MultiRecord",
        MaxPayloadInMB=PAYLOAD_MB,
        MaxConcurrentTransforms=CONCURRENT,
        ModelClientConfig={"InvocationsTimeoutInSeconds": 3600},
        TransformInput={"DataSource": source, "ContentType": "application/jsonlines", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/output/", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.xlarge", "InstanceCount": instances},
    )
    while (status := sagemaker.describe_transform_job(TransformJobName=JOB)["TransformJobStatus"]) == "InProgress":
        time.sleep(POLL_SECONDS)
    assert status == "Completed", status


def _beside(endpoint: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    client = _client("s3", endpoint)
    for name in names:
        keys = (f"input/{name}", f"output/{name}.out")
        texts = [client.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() for key in keys]
        yield from zip(*(text.removesuffix("\n").split("\n") for text in texts), strict=True)


def main() -> None:
    """Scores the table."""
    parser = arguments(__doc__)
    parser.add_argument("--instances", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True, help="of the table as JSON")
    asked = parser.parse_args()
    partitions = max(asked.instances, round(asked.bytes / OBJECT_BYTES))
    with _emulator(asked.url) as endpoint:
        spark = session(asked.cores, {})
        told = f"local[{asked.cores}], spark.driver.memory={MEMORY}, {partitions} partitions"
        with working(f"{told}, {asked.instances} instances, payload {PAYLOAD_MB} MB, {CONCURRENT} at once"):
            df = spark.read.parquet(asked.input)
            records = df.repartition(partitions).toJSON(use_unicode=True)
            names = records.mapPartitionsWithIndex(lambda part, rows: _upload(endpoint, part, rows)).collect()
            _run_job(endpoint, names, asked.instances)
            pairs = spark.sparkContext.parallelize(names, len(names)).mapPartitions(
                lambda some: _beside(endpoint, some)
            )
            merged = spark.createDataFrame(pairs, "record string, answer string", verifySchema=False)
            row, answer = F.from_json("record", df.schema), F.from_json("answer", f"{PREDICTION} long")
            rows = merged.select(row.alias("row"), answer.alias("answer")).select("row.*", "answer.*")
            rows.write.parquet(asked.output)
        spark.stop()


if __name__ == "__main__":
    main()
