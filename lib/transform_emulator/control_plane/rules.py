"""The rules of CreateTransformJob that hold between fields, and the one thing that is not emulated."""

from collections.abc import Mapping
from typing import Any

from transform_emulator.control_plane.errors import validation
from transform_emulator.filters.data_processing import FORMATS, media_type
from transform_emulator.service.limits import (
    MAX_CONCURRENT_TRANSFORMS,
    MAX_INSTANCE_COUNT,
    MAX_PAYLOAD_MB,
    MAX_PAYLOAD_TIMES_CONCURRENCY_MB,
)
from transform_emulator.service.switches import Switches

# Instance families with local NVMe storage among those that a transform job may have (EC2 instance types).
NVME_FAMILIES = frozenset({"g4dn", "g5", "g6", "g6e", "trn1"})

NOT_EMULATED = "is not emulated"


def check(body: Mapping[str, Any], switches: Switches) -> None:
    """Refuses a request whose fields contradict each other.

    Raises:
        ApiError: For the first rule that is broken.
    """
    _check_sizes(body, switches)
    _check_volume_key(body["TransformResources"])
    _check_input(body)
    _check_processing(body, switches)
    check_environment(body)
    _check_supported(body)


def _check_sizes(body: Mapping[str, Any], switches: Switches) -> None:
    payload, concurrent = body.get("MaxPayloadInMB"), body.get("MaxConcurrentTransforms")
    if payload is not None and payload > MAX_PAYLOAD_MB:
        # botocore, MaxPayloadInMB: "The value cannot be greater than 100 MB"; no range in the shape says so.
        raise validation(f"MaxPayloadInMB ({payload}) must not be greater than {MAX_PAYLOAD_MB}.")
    if concurrent is not None and concurrent > MAX_CONCURRENT_TRANSFORMS:
        raise validation(
            f"MaxConcurrentTransforms ({concurrent}) must not be greater than {MAX_CONCURRENT_TRANSFORMS}."
        )
    # The rule holds "if you specify MaxConcurrentTransforms"; an unset payload is not multiplied.
    if payload and concurrent and payload * concurrent > MAX_PAYLOAD_TIMES_CONCURRENCY_MB:
        raise validation(switches.payload_product_message.format(concurrent=concurrent, payload=payload))
    count = body["TransformResources"]["InstanceCount"]
    if count > MAX_INSTANCE_COUNT:
        raise validation(f"InstanceCount ({count}) must not be greater than {MAX_INSTANCE_COUNT}.")


def _check_volume_key(resources: Mapping[str, Any]) -> None:
    kind = resources["InstanceType"]
    if resources.get("VolumeKmsKeyId") and kind.split(".")[1] in NVME_FAMILIES:
        # The words of kubeflow/pipelines#8335.
        raise validation(
            f"VolumeKmsKeyId is not supported for instance type: {kind}. KMS volume encryption is not supported for "
            "local NVMe instance storage. Please remove VolumeKmsKeyId in the request or choose a different instance "
            "type."
        )


def _check_input(body: Mapping[str, Any]) -> None:
    source = body["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"]
    if source not in {"S3Prefix", "ManifestFile"}:
        # The enum is shared with training; botocore names these two for TransformS3DataSource.
        raise validation(f"S3DataType {source} is not valid for a transform job. Use ManifestFile or S3Prefix.")


def _check_processing(body: Mapping[str, Any], switches: Switches) -> None:
    processing, given, output = body.get("DataProcessing", {}), body["TransformInput"], body["TransformOutput"]
    joins = processing.get("JoinSource", "None") == "Input"
    filters = [name for name in ("InputFilter", "OutputFilter") if processing.get(name, "$") not in {"$", ""}]
    if not joins and not filters:
        return
    content_type = media_type(given.get("ContentType"))
    if content_type not in FORMATS:
        raise validation(f"DataProcessing requires ContentType to be one of {', '.join(FORMATS)}, not {content_type}.")
    same_type = media_type(output.get("Accept")) == content_type
    same_records = output.get("AssembleWith", "None") == given.get("SplitType", "None")
    if joins and not (same_type and same_records):
        raise validation(switches.join_settings_message)


def check_environment(container: Mapping[str, Any]) -> None:
    """Refuses a variable that no process can have.

    Raises:
        ApiError: Its value holds a NUL; the API's pattern lets it pass, and no container would start.
    """
    for name, value in (container.get("Environment") or {}).items():
        if "\0" in value:
            raise validation(f"The value of {name} in Environment holds a NUL character, which no variable can.")


def _check_supported(body: Mapping[str, Any]) -> None:
    if "DataCaptureConfig" in body:
        raise validation(f"DataCaptureConfig {NOT_EMULATED}: no captured data would be written.")
