"""What can be made to go wrong. One table says where each kind strikes and what it may be told; no I/O."""

import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any


class Point(Enum):
    """Where a fault strikes; the value names the facts that it can be narrowed down to there."""

    API_CALL = ("operation", "job")
    S3_CALL = ("method", "bucket", "key")  # of clients; a job's own reads and writes are not disturbed
    JOB = ("job", "model")
    INPUT = ("job", "model", "key")  # before any instance has it
    INSTANCE = ("job", "model", "instance")
    FILE = ("job", "model", "instance", "key")
    REQUEST = ("job", "model", "instance", "key", "record", "attempts")


class Kind(Enum):
    """The name of a fault in a declaration."""

    THROTTLING = "throttling"
    ACCESS_DENIED = "access_denied"
    RESOURCE_LIMIT_EXCEEDED = "resource_limit_exceeded"
    S3_ACCESS_DENIED = "s3_access_denied"
    S3_SLOW_DOWN = "s3_slow_down"
    S3_INTERNAL_ERROR = "s3_internal_error"
    SLOW_START = "slow_start"
    CAPACITY_ERROR = "capacity_error"
    COMPLETED_WITHOUT_OUTPUT = "completed_without_output"
    INSTANCE_FAILS = "instance_fails"
    SLOW_PING = "slow_ping"
    NO_PING = "no_ping"
    LEFTOVER_OUTPUT = "leftover_output"
    OUT_OF_MEMORY = "out_of_memory"
    INTERNAL_ERROR = "internal_error"
    OUTPUT_TRUNCATED = "output_truncated"
    OUTPUT_EXTRA_LINES = "output_extra_lines"
    STATUS = "status"
    TIMEOUT = "timeout"
    DROP = "drop"
    SLOW_ANSWER = "slow_answer"


# Kind: where it strikes, and the parameters it takes.
RULES: dict[Kind, tuple[Point, tuple[str, ...]]] = {
    Kind.THROTTLING: (Point.API_CALL, ()),
    Kind.ACCESS_DENIED: (Point.API_CALL, ()),
    Kind.RESOURCE_LIMIT_EXCEEDED: (Point.JOB, ()),
    Kind.S3_ACCESS_DENIED: (Point.S3_CALL, ("without",)),
    Kind.S3_SLOW_DOWN: (Point.S3_CALL, ()),
    Kind.S3_INTERNAL_ERROR: (Point.S3_CALL, ()),
    Kind.SLOW_START: (Point.JOB, ("seconds",)),
    Kind.CAPACITY_ERROR: (Point.JOB, ()),
    Kind.COMPLETED_WITHOUT_OUTPUT: (Point.JOB, ()),
    Kind.INSTANCE_FAILS: (Point.INSTANCE, ()),
    Kind.SLOW_PING: (Point.INSTANCE, ("seconds",)),
    Kind.NO_PING: (Point.INSTANCE, ()),
    Kind.LEFTOVER_OUTPUT: (Point.INPUT, ("body",)),
    Kind.OUT_OF_MEMORY: (Point.FILE, ()),
    Kind.INTERNAL_ERROR: (Point.FILE, ()),
    Kind.OUTPUT_TRUNCATED: (Point.FILE, ("keep_lines", "keep_bytes")),
    Kind.OUTPUT_EXTRA_LINES: (Point.FILE, ("lines", "body")),
    Kind.STATUS: (Point.REQUEST, ("status", "body")),
    Kind.TIMEOUT: (Point.REQUEST, ("seconds",)),
    Kind.DROP: (Point.REQUEST, ()),
    Kind.SLOW_ANSWER: (Point.REQUEST, ("seconds",)),
}


# What the services say of a refused call, code and words.
REFUSALS = {
    Kind.THROTTLING: ("ThrottlingException", "Rate exceeded"),
    Kind.ACCESS_DENIED: ("AccessDeniedException", "User is not authorized to perform this action"),
}
# Of an object's beginning alone (S3 API reference): PutObject, CopyObject and CreateMultipartUpload take them.
ENCRYPTION = "x-amz-server-side-encryption"
PATTERNS = ("operation", "method", "bucket", "key", "job", "model")


class FaultError(ValueError):
    """A declaration that means nothing; the text names every mistake in it."""


@dataclass(frozen=True)
class Fault:
    """One fault. What is None, or empty, does not narrow it down.

    Attributes:
        kind: What goes wrong.
        operation: The API call, such as `DescribeTransformJob`; this and the next five are patterns with `*` and `?`.
        method: The HTTP method of an S3 call.
        bucket: The bucket of an S3 call.
        key: The key of an S3 call, or of an input object.
        job: The job's name.
        model: The model's name.
        instance: Which instance of a job, counted from 0.
        record: Text that the request's body holds. A body that is streamed (MaxPayloadInMB=0) holds none.
        attempts: Which attempts of a request, counted from 1.
        calls: Which of the occasions that all of the above let through, counted from 1 since the declaration.
        status: The HTTP status that the model server seems to answer.
        body: What it seems to answer, or what a leftover or extra line holds.
        seconds: How long the delay is.
        lines: How many lines are added.
        keep_lines: How many lines are left of an output.
        keep_bytes: How many bytes are left of it.
        without: A header, `name` or `name: value`, that lets a request pass, as a bucket's policy may ask for.
    """

    kind: Kind
    operation: str | None = None
    method: str | None = None
    bucket: str | None = None
    key: str | None = None
    job: str | None = None
    model: str | None = None
    instance: int | None = None
    record: str | None = None
    attempts: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    status: int = 500
    body: str = ""
    seconds: float = 0.0
    lines: int = 1
    keep_lines: int | None = None
    keep_bytes: int | None = None
    without: str | None = None

    def strikes(self, facts: Mapping[str, object], body: bytes) -> bool:
        """Returns whether an occasion with these facts is one of the fault's, whatever the number of the call."""
        return (
            all(self._names(name, facts.get(name, "")) for name in PATTERNS)
            and (self.instance is None or facts.get("instance") == self.instance)
            and (self.record is None or self.record.encode() in body)
            and (not self.attempts or facts.get("attempt") in self.attempts)
            and (self.without is None or self._is_lacking(facts, self.without.lower()))
        )

    def _is_lacking(self, facts: Mapping[str, object], header: str) -> bool:
        if header.startswith(ENCRYPTION) and not facts["begins_object"]:
            return False
        sent, (name, _, value) = facts["headers"], header.partition(":")
        found = sent.get(name.strip()) if isinstance(sent, Mapping) else None
        return found is None or value.strip() not in ("", str(found).lower())

    def _names(self, name: str, value: object) -> bool:
        pattern = getattr(self, name)
        return pattern is None or fnmatchcase(str(value), pattern)

    def document(self) -> dict[str, Any]:
        """Returns the declaration again, without what has its default."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "kind"}
        told = {name: value for name, value in values.items() if value != getattr(Fault, name)}
        return {"fault": self.kind.value} | {k: list(v) if isinstance(v, tuple) else v for k, v in told.items()}


def parse(document: object) -> list[Fault]:
    """Returns the faults of a document: `{"faults": [{"fault": "status", "status": 400, "record": "poison"}, ...]}`.

    Raises:
        FaultError: Naming every entry that is wrong and why.
    """
    entries = document.get("faults") if isinstance(document, dict) and document.keys() <= {"faults"} else None
    if not isinstance(entries, list):
        raise FaultError('expected {"faults": [...]} and nothing else')
    mistakes = [f"fault {place}: {text}" for place, entry in enumerate(entries, 1) for text in _mistakes(entry)]
    if mistakes:
        raise FaultError("; ".join(mistakes))
    return [_fault(entry) for entry in entries]


def _fault(entry: Mapping[str, Any]) -> Fault:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items() if k != "fault"}
    return Fault(Kind(entry["fault"]), **values)


def _mistakes(entry: object) -> Iterable[str]:
    if not isinstance(entry, dict):
        yield "is not an object"
        return
    names = {kind.value for kind in Kind}
    if entry.get("fault") not in names:
        yield f"unknown fault {entry.get('fault')!r}; there are {', '.join(sorted(names))}"
        return
    point, parameters = RULES[Kind(entry["fault"])]
    allowed = {*point.value, *parameters, "calls"}
    types_of = typing.get_type_hints(Fault)
    for name, value in entry.items():
        if name == "fault":
            continue
        if name not in allowed:
            yield f"{entry['fault']} takes no {name!r}; it takes {', '.join(sorted(allowed))}"
        elif not _fits(value, types_of[name]):
            yield f"{name} cannot be {value!r}"


def _fits(value: object, declared: Any) -> bool:
    if isinstance(value, list):
        # Counted from 1: a 0 would silently never strike.
        return typing.get_origin(declared) is tuple and all(type(n) is int and n >= 1 for n in value)
    options = typing.get_args(declared) if isinstance(declared, types.UnionType) else (declared,)
    accepted = {int, float} if float in options else set(options)
    if isinstance(value, int | float) and value < 0:
        return False
    return type(value) in accepted
