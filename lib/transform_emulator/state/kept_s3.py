"""Moto's S3 in front of the state: a WSGI application that answers a change once it is on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from xml.etree import ElementTree

from transform_emulator.service.s3_locations import S3Location
from transform_emulator.state.kept_objects import KeptObjects

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CHANGING_METHODS = frozenset({"PUT", "POST", "DELETE"})


class KeptS3:
    """Answers S3's requests."""

    def __init__(self, moto: WSGIApplication, kept: KeptObjects) -> None:
        self._moto = moto
        self._kept = kept

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # As moto reads it: the second segment and all that follows is the key, slashes at its begin included.
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        bucket, _, key = path.removeprefix("/").partition("/")
        self._kept.sync_new_bucket(bucket)
        if key:
            return self._on_objects([S3Location(bucket, key)], environ, start_response)
        if bucket and environ["REQUEST_METHOD"] in CHANGING_METHODS:
            return self._on_bucket(bucket, environ, start_response)
        answer = list(self._moto(environ, start_response))
        self._kept.locks.wait_for_holders()  # what a listing shows is on disk after that
        return answer

    def _on_objects(
        self, places: list[S3Location], environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        with self._kept.locks.holding(places):
            answer = list(self._moto(environ, start_response))
            if environ["REQUEST_METHOD"] in CHANGING_METHODS:
                for place in places:
                    self._sync(place)
        return answer

    def _on_bucket(self, bucket: str, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        if environ["REQUEST_METHOD"] != "POST":
            with self._kept.locks.holding([S3Location(bucket, "")]):
                answer = list(self._moto(environ, start_response))
                self._kept.sync_bucket(bucket)
            return answer
        keys = _deleted_keys(environ)
        if keys:
            return self._on_objects([S3Location(bucket, key) for key in keys], environ, start_response)
        answer = list(self._moto(environ, start_response))  # a form's upload, which names its key in the form
        self._kept.sync_all(bucket)
        return answer

    def _sync(self, place: S3Location) -> None:
        try:
            self._kept.sync(place)
        except (OSError, sqlite3.Error):
            # The client gets a 500, and nobody is to see what is not on disk.
            self._kept.restore(place)
            raise


def _deleted_keys(environ: WSGIEnvironment) -> list[str]:
    """The keys of DeleteObjects; none of what is something else, or cannot be read."""
    if "delete" not in parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True):
        return []
    stream = environ["wsgi.input"]
    try:
        root = ElementTree.fromstring(stream.read())
    except ElementTree.ParseError:
        return []
    finally:
        stream.seek(0)
    return [element.text or "" for element in root.iter() if element.tag.rpartition("}")[2] == "Key"]
