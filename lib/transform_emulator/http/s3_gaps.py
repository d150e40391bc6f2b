"""What moto does not know of S3 and answers all the same: it is refused, or asked for in another way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from transform_emulator.http.protocol_errors import Failure, refused

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Moto takes a line break for the end of a key, and writes answers with the others that no client can read.
NOT_IN_KEYS = re.compile("[\x00-\x08\n\x0b\x0c\x0e-\x1f]")
UNKNOWN_HEADERS = {"HTTP_X_AMZ_WRITE_OFFSET_BYTES": "appends", "HTTP_X_AMZ_RENAME_SOURCE": "new names"}
# Whatever a client asks for, S3 has no more on a page (S3 API reference).
MOST_ON_A_PAGE = 1000
OF_PAGES = ("max-keys", "max-parts", "max-uploads")
UNKNOWN_PARTS = frozenset({"torrent", "session"})  # of a query; moto answers as if they were not there


@dataclass(frozen=True)
class S3WithoutGaps:
    """A WSGI application.

    Attributes:
        moto: What answers the rest.
    """

    moto: WSGIApplication

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="replace"))
        gap = _gap(environ, query)
        if gap is not None:
            failure = Failure(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", f"the emulator's S3 has no {gap}")
            return refused(failure, environ, start_response)
        asked = {name: str(min(int(query[name]), MOST_ON_A_PAGE)) for name in OF_PAGES if query.get(name)}
        # Moto's older listing says that its names are encoded, which its prefixes and markers are not.
        if (_is_older_listing(environ, query) and query.pop("encoding-type", None)) or query | asked != query:
            environ["QUERY_STRING"] = urlencode(query | asked)
        return self.moto(environ, start_response)


def _gap(environ: WSGIEnvironment, query: dict[str, str]) -> str | None:
    key, method = environ["PATH_INFO"].lstrip("/").partition("/")[2], environ["REQUEST_METHOD"]
    if NOT_IN_KEYS.search(key):
        return "keys with line breaks or control characters"
    unknown = [words for name, words in UNKNOWN_HEADERS.items() if name in environ]
    unknown += sorted(UNKNOWN_PARTS.intersection(query))
    if unknown:
        return unknown[0]
    if method == "PUT" and environ.get("HTTP_IF_NONE_MATCH", "*") != "*":
        return "puts with If-None-Match of an ETag, nor has S3"
    return None


def _is_older_listing(environ: WSGIEnvironment, query: dict[str, str]) -> bool:
    of_bucket = "/" not in environ["PATH_INFO"].strip("/")
    return of_bucket and environ["REQUEST_METHOD"] == "GET" and not query.keys() & {"list-type", "versions", "uploads"}
