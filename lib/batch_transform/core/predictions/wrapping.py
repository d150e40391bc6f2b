"""Answers that hold what they should be as a string: `["[0, 1]", "application/json"]`, or `"[0, 1]"`.

The first is a body and its media type: so answers a container whose function returned both (the inference toolkits'
`output_fn` may) to a server that wrote what it was given as JSON. A function written for Flask returns a status
beside it, or instead of it, and headers: `["[0, 1]", 200, {"Content-Type": "application/json"}]`. One written for AWS
Lambda behind an API Gateway returns them by name: `{"statusCode": 200, "headers": {...}, "body": "[0, 1]"}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import NamedTuple

from batch_transform.core.predictions.json_stream import JsonStream, NotUnpacked
from batch_transform.core.predictions.long_lines import MOST_LINE_BYTES, TOO_LONG, is_stand_in

# RFC 6838's names, of the kinds that an answer may have.
_MEDIA_TYPE = re.compile(r"(?:application|text)/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(?:\s*;\s*[\w.-]+=[\w.\"-]+)*")
_LONGEST_TYPE = 300
_LONGEST_HEADERS = 2000
_STATUSES = frozenset(str(status.value) for status in HTTPStatus)
_ENDS_AS_A_PAIR = re.compile(r'(?:/[^\[\]]*"|,\s*[1-5][0-9]{2})\s*\]\Z')
_ENDS_WITH_HEADERS = re.compile(r",\s*[1-5][0-9]{2}\s*,\s*\{.*\}\s*\]\Z", re.DOTALL)
MOST_PARTS = 3  # of a body with what a server should say of it
_STATUS_MEMBER = '"statusCode"'


class ErrorAnswered(NotUnpacked):
    """A body stands beside the status of an error: in no form is it a prediction."""


class Wrapped(NamedTuple):
    """An answer that is wrapped: what it should be, what holds that, what stands beside it, if anything, its status."""

    body: str
    holders: str = "strings"
    beside: str | None = None
    status: str = "200"


def unwrap(chunks: Iterable[bytes], most_characters: int = MOST_LINE_BYTES) -> Iterator[bytes]:
    """Yields the body of each answer, with a newline at its end.

    Args:
        chunks: the stream, in pieces of any size.
        most_characters: of an answer; a longer one is not held, and a stand-in (`long_lines`) is in its place.

    Raises:
        NotUnpacked: an answer is neither a string nor a body with what a server should say of it.
        ErrorAnswered: what it says is the status of an error.
    """
    stream = JsonStream(chunks, most_characters)
    while stream.begin():
        body = _taken_apart(stream).body
        if is_stand_in(body):
            yield TOO_LONG + b"\n"
            continue
        yield (body if body.endswith("\n") else f"{body}\n").encode(errors="replace")


def first_wrapped(chunks: Iterable[bytes]) -> Wrapped | None:
    """Returns the first answer; None if it is not wrapped, or the status beside it is that of an error."""
    stream = JsonStream(chunks)
    try:
        return _taken_apart(stream) if stream.begin() and stream.peek() in ("[", "{", '"') else None
    except NotUnpacked:
        return None


def may_be_wrapped(head: str) -> bool:
    """Whether an output may hold wrapped answers that is an object at its beginning: few are looked at further."""
    return head.startswith("{") and _STATUS_MEMBER in head


def holds_wrapped(chunks: Iterable[bytes]) -> bool:
    """Returns whether any answer of an output is wrapped, so that those which are not may be of bad rows."""
    stream = JsonStream(chunks)
    try:
        while stream.begin():
            if _apart(stream.value()) is not None:
                return True
    except NotUnpacked:
        pass  # no JSON from there on
    return False


def _taken_apart(stream: JsonStream) -> Wrapped:
    found = _apart(stream.value())
    if found is None:
        raise stream.fault("it is neither a JSON string nor a body with its media type or its status")
    if not found.status.startswith("2"):
        raise ErrorAnswered(str(stream.fault(f"its status is {found.status}, so its body is no prediction")))
    return found


def _apart(text: str) -> Wrapped | None:
    """An answer, whatever status stands beside it; None: it is not wrapped."""
    if is_stand_in(text):
        return Wrapped(text)
    if text.startswith('"'):
        return Wrapped(str(json.loads(text)))
    elements = pair_of(text)
    if (media_type := media_type_of(elements)) is not None:
        status = next((each for each in elements[1:] if each in _STATUSES), "200")
        return Wrapped(_plain(elements[0]), "arrays", media_type, status)
    return _of_members(text) if may_be_wrapped(text) else None


def _of_members(document: str) -> Wrapped | None:
    """An object as a Lambda function returns it; None: any other. Of an error there need be no body."""
    stream = JsonStream([document.encode(errors="surrogatepass")])
    members = {name: stream.value() for name in stream.members()}
    status = members.get("statusCode", "").strip('"')
    has_body = "body" in members and members.get("isBase64Encoded") != "true"
    if status not in _STATUSES or (status.startswith("2") and not has_body):
        return None
    return Wrapped(_plain(members.get("body", "")), "objects", f"status {status}", status)


def _plain(body: str) -> str:
    return str(json.loads(body)) if body.startswith('"') else body


def pair_of(document: str) -> list[str]:
    """Returns the elements of a JSON document that may be an array of a body and its media type; [] for any other."""
    if not document.startswith("["):
        return []
    if not (
        _ENDS_AS_A_PAIR.search(document[-_LONGEST_TYPE:]) or _ENDS_WITH_HEADERS.search(document[-_LONGEST_HEADERS:])
    ):
        return []
    stream = JsonStream([document.encode(errors="surrogatepass")])
    return [stream.value() for _ in stream.elements()]


def media_type_of(elements: Sequence[str]) -> str | None:
    """Returns the media type of an array that is a body and its type, or its status; None for any other array.

    Two media types are no such pair: they may be predictions. So may a text and a number, and whatever stands beside
    them (how many tokens it took, say), unless a media type is named, or the text is JSON and the number a status.

    Args:
        elements: of the array, as they are written.
    """
    if not 2 <= len(elements) <= MOST_PARTS or _media_type(elements[0]):
        return None
    types = [found for each in elements[1:] if (found := _media_type(each) or _type_of_headers(each)) is not None]
    statuses = [each for each in elements[1:] if each in _STATUSES]
    if len(types) > 1 or len(statuses) > 1 or len(types) + len(statuses) < len(elements) - 1:
        return None
    if types and types[0] and (len(elements) > 2 or _media_type(elements[1])):
        return types[0]
    return f"status {statuses[0]}" if statuses and _is_document(elements[0]) else None


def beside_body(media_type: str, mark: str = "") -> str:
    """Returns what an array has beside a body, in words."""
    return f"its media type, {mark}{media_type}{mark}" if "/" in media_type else f"its {media_type}"


def _is_document(text: str) -> bool:
    """Whether an element is a text that begins as a JSON document does."""
    return text.startswith('"') and str(json.loads(text)).lstrip()[:1] in ("{", "[")


def _type_of_headers(text: str) -> str | None:
    """The media type that headers tell, "" where they tell none; None for what is no headers."""
    if not text.startswith("{") or len(text) > _LONGEST_HEADERS:
        return None
    headers = json.loads(text)
    if not all(isinstance(value, str) for value in headers.values()):
        return None
    return next((value for name, value in headers.items() if name.lower() == "content-type" and "/" in value), "")


def _media_type(text: str) -> str | None:
    if not text.startswith('"'):
        return None
    value = str(json.loads(text))
    return value if _MEDIA_TYPE.fullmatch(value) else None
