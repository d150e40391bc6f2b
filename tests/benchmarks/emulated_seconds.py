"""Prints what the emulator bills for tables of up to 1 GB, beside what the simulation of `instance_seconds` says.

    python tests/benchmarks/emulated_seconds.py [--gigabytes 0.1 1] [--instances 1 4 16 64] [--seed 1]

The same objects, manifests, payload and concurrency; real requests to a real server that answers at once, with emulated
time: what is billed is what DescribeTransformJob tells, from TransformStartTime to TransformEndTime, times the
instances. The ways are *jobs* (`spread: jobs`), and *hash* (`spread: instances`, as the emulator shards by default).
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from batch_transform.core.run_settings import INSTANCES
from batch_transform.core.sending.manifests import manifest, sent_names
from batch_transform.core.uris import S3Uri
from benchmarks import instance_seconds
from benchmarks.instance_seconds import GB, Objects, Service, Taken
from support.emulator_aws import FINAL, Aws
from support.model_server import server_of
from transform_emulator.emulator import Emulator
from transform_emulator.service.switches import Switches
from transform_emulator.settings import Settings

INPUTS = S3Uri("data", "input")


@contextmanager
def emulated(service: Service) -> Iterator[Aws]:
    """An emulator whose instances take what the service's do, with a model that answers at once."""
    switches = Switches(
        instance_start_seconds=round(service.start_seconds),
        milliseconds_per_request=round(1000 * service.request_seconds),
        nanoseconds_per_byte=round(1000 * service.mb_seconds),
    )
    server = server_of(lambda seen: (200, b"1"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = Settings(
        {"model": f"http://127.0.0.1:{server.server_port}"}, buckets=["data"], switches=switches, emulated_time=True
    )
    with Emulator(settings) as emulator:
        yield Aws.of(emulator.endpoint_url)
    server.shutdown()
    server.server_close()


def put(aws: Aws, objects: Objects) -> None:
    """Writes the objects, a line for each request: what is sent is as large as its records would be."""
    for place, of in enumerate(objects.requests):
        lines = b"".join(b"x" * (int(size) - 1) + b"\n" for size in of)
        aws.s3.put_object(Bucket=INPUTS.bucket, Key=f"{INPUTS.key}/{place}", Body=lines)


def create(aws: Aws, name: str, objects: Objects, places: Sequence[int], instances: int) -> None:
    """Creates a job of these objects, as the pipeline would list them."""
    spans = objects.spans().take(list(places)).sort_by([("largest", "descending")])
    names = sent_names(spans, [])
    aws.s3.put_object(Bucket="data", Key=f"manifests/{name}", Body=b"".join(manifest(INPUTS, names)))
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://data/manifests/{name}"}
    aws.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName="model",
        MaxPayloadInMB=objects.limits.max_payload_mb,
        MaxConcurrentTransforms=objects.limits.max_concurrent_transforms,
        # A line is a request's whole body here, so each is sent alone.
        BatchStrategy="SingleRecord",
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/plain", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://data/output/{name}", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.xlarge", "InstanceCount": instances},
    )


def billed(aws: Aws, told: str, objects: Objects, jobs: Sequence[Sequence[int]], instances: int) -> Taken:
    """Returns what these jobs take side by side, as Describe tells it."""
    names = [f"{told}-{number}" for number in range(len(jobs))]
    for name, places in zip(names, jobs, strict=True):
        create(aws, name, objects, places, instances)
    ended: dict[str, dict[str, Any]] = {}
    while len(ended) < len(names):
        for name in names:
            found = aws.sagemaker.describe_transform_job(TransformJobName=name)
            if found["TransformJobStatus"] in FINAL:
                assert found["TransformJobStatus"] == "Completed", found
                ended[name] = found
    each = [(it["TransformEndTime"] - it["TransformStartTime"]).total_seconds() for it in ended.values()]
    begun = min(it["CreationTime"] for it in ended.values())
    elapsed = (max(it["TransformEndTime"] for it in ended.values()) - begun).total_seconds()
    return Taken(elapsed, instances * sum(each))


def lines(size_bytes: int, count: int, name: str, service: Service, seed: int) -> Iterator[str]:
    """Yields the lines of one table, for both ways."""
    transform = instance_seconds.settings_for(name, count, service, seed)
    for way in ("jobs", "hash"):
        asked = transform if way == "jobs" else instance_seconds.replace(transform, spread=INSTANCES)
        objects = instance_seconds.planned(name, size_bytes, service, asked, seed)
        jobs = instance_seconds.jobs_of(objects, asked)
        least = instance_seconds.needed(service, objects, count)
        with emulated(service) as aws:
            put(aws, objects)
            taken = billed(aws, way, objects, jobs, asked.instances_of_a_job)
        elapsed, paid = taken.over(least)
        simulated = instance_seconds.side_by_side(service, objects, jobs).over(least) if way == "jobs" else None
        beside = "" if simulated is None else f"{simulated[0]:+.1%}, {simulated[1]:+.1%}"
        seconds = f"{taken.elapsed:,.0f} | {taken.paid:,.0f}"
        yield (
            f"| {size_bytes / GB:g} | {count} | {name} | {way} | {len(jobs)} "
            f"| {seconds} | {elapsed:+.1%} | {paid:+.1%} | {beside} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[0.1, 1])
    parser.add_argument("--instances", type=int, nargs="+", default=list(instance_seconds.COUNTS))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("| GB | instances | records | way | jobs | elapsed s | billed s | elapsed | paid | simulated |")
    print("|---" * 10 + "|")
    for size in asked.gigabytes:
        for count in asked.instances:
            for name in instance_seconds.DISTRIBUTIONS:
                for line in lines(round(size * GB), count, name, Service(), asked.seed):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
