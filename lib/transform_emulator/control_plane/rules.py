"""The rules of CreateTransformJob that hold between fields, and what is not emulated yet."""

from collections.abc import Mapping
from typing import Any

from transform_emulator.control_plane.errors import validation
from transform_emulator.limits import MAX_INSTANCE_COUNT, MAX_PAYLOAD_MB, MAX_PAYLOAD_TIMES_CONCURRENCY_MB
from transform_emulator.switches import Switches

NOT_EMULATED = "is not emulated"


def check(body: Mapping[str, Any], switches: Switches) -> None:
    """Refuse a request whose fields contradict each other.

    Raises:
        ApiError: For the first rule that is broken.
    """
    _check_sizes(body, switches)
    _check_input(body)
    _check_supported(body)


def _check_sizes(body: Mapping[str, Any], switches: Switches) -> None:
    payload, concurrent = body.get("MaxPayloadInMB"), body.get("MaxConcurrentTransforms")
    if payload is not None and payload > MAX_PAYLOAD_MB:
        # botocore, MaxPayloadInMB: "The value cannot be greater than 100 MB"; no range in the shape says so.
        raise validation(f"MaxPayloadInMB ({payload}) must not be greater than {MAX_PAYLOAD_MB}.")
    # The rule holds "if you specify MaxConcurrentTransforms"; an unset payload is not multiplied.
    if payload and concurrent and payload * concurrent > MAX_PAYLOAD_TIMES_CONCURRENCY_MB:
        raise validation(switches.payload_product_message.format(concurrent=concurrent, payload=payload))
    count = body["TransformResources"]["InstanceCount"]
    if count > MAX_INSTANCE_COUNT:
        raise validation(f"InstanceCount ({count}) must not be greater than {MAX_INSTANCE_COUNT}.")


def _check_input(body: Mapping[str, Any]) -> None:
    source = body["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"]
    if source not in {"S3Prefix", "ManifestFile"}:
        # The enum is shared with training; botocore names these two for TransformS3DataSource.
        raise validation(f"S3DataType {source} is not valid for a transform job. Use ManifestFile or S3Prefix.")


def _check_supported(body: Mapping[str, Any]) -> None:
    given = body["TransformInput"]
    if given.get("SplitType") in {"RecordIO", "TFRecord"}:
        raise validation(f"SplitType {given['SplitType']} {NOT_EMULATED}.")
    if given.get("CompressionType") == "Gzip":
        raise validation(f"CompressionType Gzip {NOT_EMULATED}.")
    processing = body.get("DataProcessing", {})
    for name, default in (("InputFilter", "$"), ("OutputFilter", "$"), ("JoinSource", "None")):
        if processing.get(name, default) != default:
            raise validation(f"DataProcessing.{name} {NOT_EMULATED}.")
    if "DataCaptureConfig" in body:
        raise validation(f"DataCaptureConfig {NOT_EMULATED}.")
