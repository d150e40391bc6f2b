"""What goes on every request to S3: how objects are encrypted, whose the bucket must be, who pays, which condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KMS = "aws:kms"


@dataclass(frozen=True)
class S3Requests:
    """What a client of S3 adds to its requests, wherever the operation knows it; nothing by default.

    Attributes:
        sse: ServerSideEncryption; None: the bucket's own.
        kms_key: SSEKMSKeyId.
        expected_bucket_owner: the account to which each bucket must belong, or S3 refuses the request.
        requester_pays: whether whoever asks pays for it.
    """

    sse: str | None = None
    kms_key: str | None = None
    expected_bucket_owner: str | None = None
    requester_pays: bool = False

    def join(self, client: Any) -> None:
        """Has a client add them from now on.

        It is done where botocore builds a request, by the members that the operation has: whoever calls the client
        cannot forget it, nor can whoever adds another call.
        """
        added = self._members()
        if added:
            client.meta.events.register("provide-client-params.s3", _Adding(added))

    def _members(self) -> Mapping[str, Any]:
        members = {
            "ServerSideEncryption": self.sse,
            "SSEKMSKeyId": self.kms_key,
            # Fewer calls of KMS, which are paid and throttled: one for many objects.
            "BucketKeyEnabled": True if self.sse == KMS else None,
            "ExpectedBucketOwner": self.expected_bucket_owner,
            "ExpectedSourceBucketOwner": self.expected_bucket_owner,
            "RequestPayer": "requester" if self.requester_pays else None,
        }
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True)
class _Adding:
    added: Mapping[str, Any]

    def __call__(self, params: Mapping[str, Any], model: Any, **_: Any) -> dict[str, Any]:
        known = model.input_shape.members if model.input_shape is not None else {}
        return {**{name: value for name, value in self.added.items() if name in known}, **params}


# Of a boto3 that does not know them, which came before 1.35.69, as on Databricks 15.4 and 16.4: what S3 reads are two
# headers, so they are set where the request is made, before it is signed.
_HEADERS = {"IfMatch": "If-Match", "IfNoneMatch": "If-None-Match"}
_KEPT = "conditions of spark-batch-transform"


def send_conditions(client: Any) -> None:
    """Has a client of S3 take `IfMatch` and `IfNoneMatch` of `put_object`, if it does not by itself."""
    known = client.meta.service_model.operation_model("PutObject").input_shape.members
    lacking = {name: header for name, header in _HEADERS.items() if name not in known}
    if not lacking:
        return

    def take(params: dict[str, Any], context: dict[str, Any], **_event: Any) -> None:
        taken = {header: params.pop(name) for name, header in lacking.items() if name in params}
        context.setdefault(_KEPT, {}).update(taken)

    def put(params: dict[str, Any], context: dict[str, Any], **_event: Any) -> None:
        params["headers"].update(context[_KEPT])

    client.meta.events.register("before-parameter-build.s3.PutObject", take)
    client.meta.events.register("before-call.s3.PutObject", put)
