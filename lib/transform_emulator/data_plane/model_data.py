"""A model's artifact from S3: ModelDataUrl, for a script that was given without one of its own."""

import contextlib
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from transform_emulator.data_plane.object_store import STORE_ERRORS, ObjectStore, StoreError
from transform_emulator.scripts.serving import Serving
from transform_emulator.service.locations import parse_uri


class ArtifactError(StoreError):
    """There is no artifact where the model has it."""


@contextlib.contextmanager
def with_artifact(serving: Serving, url: str | None, store: ObjectStore) -> Iterator[str]:
    """Yield the command or URL that serves a model; of a script without an artifact, with the one at `url`, fetched.

    Raises:
        ArtifactError: There is no object at `url`.
    """
    if url is None or not serving.takes_artifact:
        yield serving.command_or_url
        return
    with tempfile.TemporaryDirectory(prefix="model-data-", ignore_cleanup_errors=True) as folder:
        archive = Path(folder) / "model.tar.gz"
        _fetch(url, archive, store)
        yield f"{serving.command_or_url} {shlex.quote(str(archive))}"


def _fetch(url: str, archive: Path, store: ObjectStore) -> None:
    try:
        chunks = store.chunks(parse_uri(url))
        if chunks is None:
            raise ArtifactError(f"Failed to download model data from URL: {url}: there is no such object")
        with archive.open("wb") as file:
            file.writelines(chunks)
    except ArtifactError:
        raise
    except STORE_ERRORS as error:
        raise ArtifactError(f"Failed to download model data from URL: {url}: {error}") from error
