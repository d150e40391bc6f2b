"""Policy documents in force before an emulator: what none of them allows is refused, as IAM would."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, unquote

import boto3
from botocore.config import Config

from support.accounts import refusal
from support.watching_proxy import GONE, Answer, Passing

_KEY = re.compile(r"<Key>([^<]*)</Key>")
_HERE = "us-east-1:123456789012"


@dataclass(frozen=True)
class Asked:
    """What a request needs to be allowed: an action on a resource, and the condition keys that it has."""

    action: str
    resource: str
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Policies:
    """What a proxy's `watch` is: the driver's requests go by one document, those of its workers by another.

    Attributes:
        url: of the emulator.
        driver: the policy document of this process.
        executors: that of the processes below it.
        used: the actions that were asked for, by whom.
        denied: what was refused.
    """

    url: str
    driver: Mapping[str, Any]
    executors: Mapping[str, Any]
    used: set[tuple[str, str]] = field(default_factory=set)
    denied: list[Asked] = field(default_factory=list)
    is_worker: Callable[[Passing], bool] = lambda passing: passing.pid != GONE

    def __post_init__(self) -> None:
        keys = {"aws_access_key_id": "t", "aws_secret_access_key": "t"}
        path_style = Config(s3={"addressing_style": "path"})
        self._s3 = boto3.client("s3", "us-east-1", endpoint_url=self.url, config=path_style, **keys)

    def __call__(self, passing: Passing) -> Answer | None:
        """Returns the refusal of a request that is not allowed, None for any other."""
        whom, document = ("executors", self.executors) if self.is_worker(passing) else ("driver", self.driver)
        service = "s3" if not passing.operation else "other"
        for asked in asked_of(passing):
            self.used.add((whom, asked.action))
            if not allows(document, asked):
                self.denied.append(asked)
                told = f"User is not authorized to perform: {asked.action} on resource: {asked.resource}"
                return refusal(service, "AccessDenied", "Access Denied" if service == "s3" else told)
        if service == "s3" and passing.method in ("GET", "HEAD") and self._hides(passing, document):
            return refusal("s3", "AccessDenied", "Access Denied")
        return None

    def _hides(self, passing: Passing, document: Mapping[str, Any]) -> bool:
        """Whether nothing is there of which S3 does not say so to who may not list without a prefix."""
        bucket, key = _place(passing)
        if not key or allows(document, Asked("s3:ListBucket", f"arn:aws:s3:::{bucket}")):
            return False
        found = self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", ())
        return not found or found[0]["Key"] != key


def allows(document: Mapping[str, Any], asked: Asked) -> bool:
    """Returns whether a policy document allows what is asked, as far as its conditions are those of `iam`."""
    return any(
        asked.action in statement["Action"]
        and any(fnmatchcase(asked.resource, resource) for resource in statement["Resource"])
        and _holds(statement.get("Condition", {}), asked.keys)
        for statement in document["Statement"]
    )


def _holds(conditions: Mapping[str, Mapping[str, Sequence[str] | str]], keys: Mapping[str, str]) -> bool:
    for operator, wanted in conditions.items():
        for key, values in wanted.items():
            patterns = [values] if isinstance(values, str) else values
            if operator == "StringLike" and not any(fnmatchcase(keys.get(key, "\0"), each) for each in patterns):
                return False
    return True


def asked_of(passing: Passing) -> Iterator[Asked]:
    """Yields what a request needs to be allowed (service authorization reference, API operations)."""
    if passing.operation:
        yield from _asked_of_json(passing.operation, json.loads(passing.text or "{}"))
        return
    bucket, key = _place(passing)
    query = {name: values[0] for name, values in parse_qs(passing.query, keep_blank_values=True).items()}
    place, thing = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{key}"
    if "uploads" in query and passing.method == "GET":
        yield Asked("s3:ListBucketMultipartUploads", place)
    elif not key and passing.method in ("GET", "HEAD"):
        yield Asked("s3:ListBucket", place, {"s3:prefix": query["prefix"]} if "prefix" in query else {})
    elif "delete" in query:
        yield from (Asked("s3:DeleteObject", f"{place}/{name}") for name in _KEY.findall(passing.text))
    elif passing.method == "DELETE":
        yield Asked("s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject", thing)
    elif passing.method in ("PUT", "POST"):
        if source := passing.headers.get("x-amz-copy-source"):
            yield Asked("s3:GetObject", f"arn:aws:s3:::{unquote(source).lstrip('/')}")
        yield Asked("s3:PutObject", thing)
    else:
        yield Asked("s3:GetObject", thing)


def _asked_of_json(operation: str, document: Mapping[str, Any]) -> Iterator[Asked]:
    service, _, name = operation.rpartition(".")
    if service.startswith("Logs"):
        group = f"arn:aws:logs:{_HERE}:log-group:{document['logGroupName']}"
        stream = f":log-stream:{document.get('logStreamName')}" if name == "GetLogEvents" else ":*"
        yield Asked(f"logs:{name}", f"{group}{stream}")
        return
    kind, told = ("model", "ModelName") if name.endswith("Model") else ("transform-job", "TransformJobName")
    resource = f"arn:aws:sagemaker:{_HERE}:{kind}/{document.get(told)}"
    yield Asked(f"sagemaker:{name}", resource)
    if document.get("Tags"):
        yield Asked("sagemaker:AddTags", resource)
    if role := document.get("ExecutionRoleArn"):
        yield Asked("iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"})


def _place(passing: Passing) -> tuple[str, str]:
    bucket, _, key = unquote(passing.path).lstrip("/").partition("/")
    return bucket, key


def without(document: Mapping[str, Any], action: str) -> dict[str, Any]:
    """Returns a document that allows one action less."""
    kept = [
        {**statement, "Action": [each for each in statement["Action"] if each != action]}
        for statement in document["Statement"]
    ]
    return {**document, "Statement": kept}
