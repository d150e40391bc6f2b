"""Accounts whose roles may each call some services: before an emulator, which lets anybody do anything."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import boto3

from support.watching_proxy import Answer, Passing

_SIGNED = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
_NOT_SHARED = threading.Lock()  # boto3's default session is not for threads


@dataclass(frozen=True)
class Role:
    """A role that is assumed with its external id, and the services that it may call."""

    services: frozenset[str]
    external_id: str | None = None


@dataclass
class Accounts:
    """What a proxy's `watch` is: assumes roles by moto's own STS, and refuses who may not.

    Attributes:
        url: of the emulator, which has moto's STS.
        roles: by their ARNs.
        lifetime: of credentials, as STS tells it.
        uses: how often a key is taken, until it has expired; None: as often as one likes.
        calls: how often each (service, role) called; '' is who is no role.
        denied: (service, role, operation or path) of whoever was refused.
        keys: the role of each key that was handed out.
        askers: the processes that have assumed a role.
    """

    url: str
    roles: Mapping[str, Role]
    lifetime: timedelta = timedelta(hours=1)
    uses: int | None = None
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    denied: list[tuple[str, str, str]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    askers: set[int] = field(default_factory=set)

    def __call__(self, passing: Passing) -> Answer | None:
        """Returns an answer for a call of STS and for one that is refused."""
        signed = _SIGNED.search(passing.headers.get("authorization", ""))
        key, service = (signed[1], signed[3]) if signed else ("", "s3")
        role = self.keys.get(key, "")
        self.calls[service, role] += 1
        if service == "sts":
            return self._assume(passing, role)
        allowed: Collection[str] = self.roles[role].services if role else ()
        if service not in allowed:
            self.denied.append((service, role, passing.operation or passing.path))
            return refusal(service, "AccessDenied", f"{role or key} may not call {service}")
        self.used[key] += 1
        if self.uses is not None and self.used[key] > self.uses:
            return refusal(service, "ExpiredToken", "The security token included in the request is expired")
        return None

    def _assume(self, passing: Passing, caller: str) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(passing.text).items()}
        arn = asked["RoleArn"]
        role = self.roles.get(arn)
        if caller or role is None or asked.get("ExternalId") != role.external_id:
            self.denied.append(("sts", caller, arn))
            return refusal(
                "sts", "AccessDenied", f"User is not authorized to perform: sts:AssumeRole on resource: {arn}"
            )
        with _NOT_SHARED:
            sts = boto3.client(
                "sts", "us-east-1", endpoint_url=self.url, aws_access_key_id="t", aws_secret_access_key="t"
            )
            made = sts.assume_role(RoleArn=arn, RoleSessionName=asked["RoleSessionName"])["Credentials"]
        self.keys[made["AccessKeyId"]] = arn
        self.askers.add(passing.pid)
        made["Expiration"] = (datetime.now(timezone.utc) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        told = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in made.items())
        inner = f"<AssumeRoleResult><Credentials>{told}</Credentials></AssumeRoleResult>"
        return 200, [("Content-Type", "text/xml")], f"<AssumeRoleResponse>{inner}</AssumeRoleResponse>".encode()


def refusal(service: str, code: str, message: str) -> Answer:
    """Returns a 403 as the service spells one."""
    if service in ("s3", "sts"):
        error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        body = error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        return 403, [("Content-Type", "application/xml")], body.encode()
    document = json.dumps({"__type": f"{code}Exception", "message": message}).encode()
    return 400, [("Content-Type", "application/x-amz-json-1.1")], document
