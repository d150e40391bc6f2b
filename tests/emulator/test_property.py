"""The concurrent emulator gives the bytes of a sequential reference of a few lines, for random jobs."""

import gzip
import hashlib
import struct
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.emulator_aws import Aws, request
from support.scripted_model import ScriptedModel
from transform_emulator.service.switches import Switches

pytestmark = pytest.mark.slow

MB = 2**20
SMALL_MB = 64
TOO_LARGE = None


def answer(body: bytes) -> bytes:
    """What the model says: short, and different for different bodies."""
    return b"%d:%s" % (len(body), hashlib.blake2b(body, digest_size=4).hexdigest().encode())


def records(data: bytes, split: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield each record as it is in the object, and as it is without its wrapper."""
    if split == "Line":
        lines = [line + b"\n" for line in data.split(b"\n")]
        lines[-1] = lines[-1][:-1]
        yield from ((line, line) for line in lines if line)
    elif split == "None":
        yield from [(data, data)] if data else []
    elif split == "RecordIO":
        while data:
            size = struct.unpack("<I", data[4:8])[0]
            end = 8 + size + -size % 4
            yield data[:end], data[8 : size + 8]
            data = data[end:]
    else:
        while data:
            size = struct.unpack("<Q", data[:8])[0]
            yield data[: size + 16], data[12 : size + 12]
            data = data[size + 16 :]


def reference(data: bytes, job: dict[str, Any], megabyte: int) -> bytes | None:
    """The output of one object: cut it, ask for each body in turn, put the answers one after the other."""
    limit, bodies = job["MaxPayloadInMB"] * megabyte or sys.maxsize, [b""]
    for wrapped, plain in records(data, job["TransformInput__SplitType"]):
        single = job["BatchStrategy"] == "SingleRecord" or job["TransformInput__SplitType"] == "None"
        record = plain if single else wrapped
        if len(record) > limit:
            return TOO_LARGE
        if single or len(bodies[-1]) + len(record) > limit:
            bodies.append(b"")
        bodies[-1] += record
    end = b"\n" if job["TransformOutput__AssembleWith"] == "Line" else b""
    # A first body that nothing fitted into is none; a record without a byte is one all the same.
    sent = bodies if bodies[0] else bodies[1:]
    return b"".join(answer(body) + end for body in sent)


def encode(sizes: list[int], split: str) -> bytes:
    """An object with records of these sizes."""
    data = [b"%d" % number * size for number, size in enumerate(sizes)]
    if split == "TFRecord":
        return b"".join(struct.pack("<Q", len(each)) + b"cccc" + each + b"dddd" for each in data)
    if split == "RecordIO":
        return b"".join(struct.pack("<II", 0xCED7230A, len(each)) + each + bytes(-len(each) % 4) for each in data)
    return b"\n".join(data)


def sizes(megabyte: int) -> list[int]:
    """Record sizes near the limits of 1 and 2 MB, and small ones: bodies are full, records too large, lines empty."""
    thirds, halves = megabyte // 3, megabyte // 2
    wrapped = [halves - 16, halves - 8]  # two of them fill a megabyte, as TFRecord and as RecordIO
    return [0, 1, thirds, *wrapped, halves - 1, halves, megabyte - 8, megabyte - 1, megabyte + 1]


# A small "megabyte" puts many records and all boundaries into few bytes; the real one makes objects of many chunks.
FILES = st.sampled_from([SMALL_MB, SMALL_MB, SMALL_MB, MB]).flatmap(
    lambda unit: st.tuples(
        st.just(unit),
        st.lists(
            st.lists(st.sampled_from(sizes(unit)), max_size=7 if unit == MB else 20),
            min_size=1,
            max_size=4,
        ),
    )
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    unit_and_files=FILES,
    job=st.fixed_dictionaries(
        {
            "TransformInput__SplitType": st.sampled_from(["None", "Line", "RecordIO", "TFRecord"]),
            "TransformInput__CompressionType": st.sampled_from(["None", "Gzip"]),
            "BatchStrategy": st.sampled_from(["SingleRecord", "MultiRecord"]),
            "TransformOutput__AssembleWith": st.sampled_from(["None", "Line"]),
            "MaxPayloadInMB": st.integers(0, 2),
            "MaxConcurrentTransforms": st.integers(1, 5),
            "TransformResources__InstanceCount": st.integers(1, 3),
        }
    ),
)
def test_the_bytes_of_a_sequential_reference(
    make_aws: Callable[..., Aws],
    model: ScriptedModel,
    name: str,
    unit_and_files: tuple[int, list[list[int]]],
    job: dict[str, Any],
) -> None:
    """Files, splits, strategies, payloads, compression, concurrency, instances and assembly at random.

    Order is the developer guide's "listed in the same order"; a file with a record over the limit has no output.
    """
    megabyte, files = unit_and_files
    aws = make_aws(Switches(bytes_per_mb=megabyte))
    model.script.answer = lambda body: (200, answer(body))
    place = f"{name}-{uuid.uuid4().hex[:8]}"
    data = {str(number): encode(sizes, job["TransformInput__SplitType"]) for number, sizes in enumerate(files)}
    packed = gzip.compress if job["TransformInput__CompressionType"] == "Gzip" else bytes
    for key, body in data.items():
        aws.s3.put_object(Bucket=name, Key=f"{place}/in/{key}", Body=packed(body))
    places = {
        "TransformInput__DataSource__S3DataSource__S3Uri": f"s3://{name}/{place}/in/",
        "TransformOutput__S3OutputPath": f"s3://{name}/{place}/out/",
    }
    aws.sagemaker.create_transform_job(**request(place, name, **places, **job))
    described = aws.wait_until(place)
    expected = {f"{key}.out": reference(body, job, megabyte) for key, body in data.items()}
    failed = TOO_LARGE in expected.values()
    assert described["TransformJobStatus"] == ("Failed" if failed else "Completed")
    kept = {key: output for key, output in expected.items() if output is not TOO_LARGE}
    assert aws.outputs(name, f"{place}/out/") == kept
