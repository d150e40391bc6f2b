"""The CreateTransformJob request of a lane, and whether a job that is already there was asked for in the same way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from batch_transform.core.framing import GZIP, WHOLE
from batch_transform.core.naming import spread
from batch_transform.core.sending.instance_types import instance_types
from batch_transform.core.sending.planning import Throughput
from batch_transform.core.uris import S3Uri


def manifest(inputs: S3Uri, names: Iterable[str]) -> bytes:
    """Returns a manifest of objects below `inputs`: `[{"prefix": "s3://bucket/inputs/"}, "name", ...]`.

    The service makes a key by joining prefix and entry as they are (botocore, TransformS3DataSource). Entries are
    flat, so that `<output>/<entry>.out` does not depend on what it makes of a slash.
    """
    return json.dumps([{"prefix": f"{inputs}/"}, *names], separators=(",", ":")).encode()


def sent_names(spans: pa.Table, controls: Sequence[str]) -> list[str]:
    """Returns the names of all objects of a job: its spans', their copies, and the controls.

    Copies and controls lie between the others as chance has it, so that no moment of the job is one row's alone.

    Args:
        spans: of the job (spans.SPAN_SCHEMA).
        controls: of the job.
    """
    copies = [name for names in spans["copies"].to_pylist() for name in names or []]
    names = [*spans["object"].to_pylist(), *copies, *controls]
    return spread(names) if len(names) > spans.num_rows else names


def transform_request(
    name: str,
    config: Mapping[str, Any],
    content_type: str,
    manifest_uri: S3Uri,
    output: S3Uri,
    limits: Throughput,
    instance_type: str | None = None,
) -> dict[str, Any]:
    """Returns the whole request, without the keys that are left to the service or to the container.

    Args:
        name: TransformJobName.
        config: the run's configuration document.
        content_type: of the records.
        manifest_uri: lists the input objects.
        output: S3OutputPath, of this job alone: jobs that share one overwrite each other.
        limits: payload and concurrency.
        instance_type: of those that are configured; None: the first.
    """
    transform = config["transform"]
    processing = _processing(transform)
    whole = transform["split"] == WHOLE
    request = {
        "TransformJobName": name,
        "ModelName": config["model"]["name"],
        "MaxPayloadInMB": limits.max_payload_mb,
        "MaxConcurrentTransforms": limits.max_concurrent_transforms,
        # "To enable the batch strategy, you must set SplitType to Line, RecordIO, or TFRecord" (botocore).
        "BatchStrategy": None if whole else transform["strategy"],
        "ModelClientConfig": _given(
            InvocationsTimeoutInSeconds=transform["invocations_timeout_seconds"],
            InvocationsMaxRetries=transform["invocations_max_retries"],
        ),
        "Environment": dict(transform["environment"]) or None,
        "TransformInput": _given(
            DataSource={"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": str(manifest_uri)}},
            ContentType=content_type,
            SplitType=transform["split"],
            CompressionType="Gzip" if config["record"].get("compression") == GZIP else None,
        ),
        # With SplitType Line and one answer line for each record, assembling by line keeps one line for each row. An
        # object that is one request has one answer, and nothing to assemble.
        "TransformOutput": _given(
            S3OutputPath=str(output),
            Accept=transform["accept"] or (content_type if processing else None),
            AssembleWith=transform["split"],
            KmsKeyId=transform["output_kms_key"],
        ),
        "DataProcessing": processing,
        "TransformResources": _given(
            InstanceType=instance_type or instance_types(config)[0],
            InstanceCount=transform["instance_count"],
            VolumeKmsKeyId=transform["volume_kms_key"],
        ),
        "Tags": [{"Key": key, "Value": value} for key, value in transform["tags"].items()] or None,
    }
    return _given(**request)


def _processing(transform: Mapping[str, Any]) -> dict[str, Any] | None:
    """The filters and the join, with which records and answers are of one type (transform_emulator/FACTS.md, 2.4)."""
    joins = "Input" if transform.get("join_source") == "input" else None
    filters = {"InputFilter": transform.get("input_filter"), "OutputFilter": transform.get("output_filter")}
    return _given(**filters, JoinSource=joins) or None


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def differences(sent: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """Returns which fields of a sent request a described job does not have as sent.

    Describe adds defaults of the service (KmsKeyId: "", CompressionType: "None" and others) and never shows tags, so
    only what was sent is compared.
    """
    return [
        path
        for path, value in _leaves({key: value for key, value in sent.items() if key != "Tags"})
        if _at(described, path) != value
    ]


def _leaves(document: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _at(document: Any, path: str) -> Any:
    for key in path.split("."):
        document = document.get(key) if isinstance(document, Mapping) else None
    return document
