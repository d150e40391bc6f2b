"""Conditional puts of a boto3 that does not know them: it came before 1.35.69, as on Databricks 15.4 and 16.4.

What S3 reads are two headers, so they are set where the request is made, before it is signed.
"""

from __future__ import annotations

from typing import Any

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
