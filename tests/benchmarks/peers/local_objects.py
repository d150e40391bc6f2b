"""Objects as files of this machine, so that no S3 server's CPU is in what is measured; for Spark's workers as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from batch_transform.config.places import is_s3
from batch_transform.core.object_store import ObjectStream
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.places import Places

_CHUNK_BYTES = 1 << 20  # as s3.store reads
_WRITTEN_BYTES = 1 << 16  # as Hadoop's writers of local files


@dataclass(frozen=True)
class LocalObjects:
    """What export and merge ask of a store; opened in a worker as `WorkerStore` is."""

    root: str

    def __call__(self) -> LocalObjects:
        return self

    def path(self, uri: S3Uri) -> Path:
        """Returns the file of an object."""
        return Path(self.root, uri.bucket, uri.key)

    def get(self, uri: S3Uri, if_match: str | None = None) -> tuple[bytes, str]:
        """Returns an object's bytes and ETag."""
        return self.path(uri).read_bytes(), self._etag(uri)

    def put(self, uri: S3Uri, body: bytes) -> str:
        """Returns the ETag of the object written."""
        path = self.path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, body)
        return self._etag(uri)

    def open_stream(self, uri: S3Uri, if_match: str | None = None) -> ObjectStream:
        """Returns an object as a stream of chunks."""
        assert if_match in (None, self._etag(uri))
        return ObjectStream(self._etag(uri), self._chunks(uri))

    def _chunks(self, uri: S3Uri) -> Iterator[bytes]:
        with self.path(uri).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    def _etag(self, uri: S3Uri) -> str:
        found = self.path(uri).stat()
        return f'"{found.st_size}-{found.st_mtime_ns}"'


def write(path: Path, body: bytes | memoryview) -> None:
    """Writes a file as a stream does, piece by piece.

    A write of many MB at once takes pages of 2 MB from the kernel, for each of which a virtual machine may have to ask
    its host: 5 s for 600 MB on one, which took 0.1 s in pieces, as Spark's own writers have them.
    """
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(body), _WRITTEN_BYTES):
            file.write(memoryview(body)[start : start + _WRITTEN_BYTES])


@dataclass(frozen=True)
class LocalPlaces(Places):
    """The places of a run whose objects are files, as Spark itself is to read them."""

    objects: LocalObjects | None = None

    def spark_path(self, location: str) -> str:
        """Returns a location as Spark takes it."""
        if not is_s3(location):
            return super().spark_path(location)
        assert self.objects is not None
        return f"file:{self.objects.path(S3Uri.parse(location))}"
