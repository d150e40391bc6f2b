"""A model's artifact from S3: ModelDataUrl, for a script that was given without one of its own."""

import contextlib
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from transform_emulator.containers.chain import Part
from transform_emulator.data_plane.object_store import STORE_ERRORS, ObjectStore, StoreError
from transform_emulator.scripts.serving import ModelContainer, Serving
from transform_emulator.service.s3_locations import parse_uri


class ArtifactError(StoreError):
    """There is no artifact where the model has it."""


@contextlib.contextmanager
def with_artifacts(containers: Sequence[ModelContainer], store: ObjectStore) -> Iterator[list[Part]]:
    """Yields what is served of the containers, ready to be started; a script gets the artifact of its container.

    Raises:
        ArtifactError: There is no object where a container has its artifact.
    """
    with contextlib.ExitStack() as folders:
        parts = []
        for each in containers:
            if each.serving is not None:
                command = folders.enter_context(_with_artifact(each.serving, each.data_url, store))
                parts.append(Part(each.name, command, each.environment, each.inherited))
        yield parts


@contextlib.contextmanager
def _with_artifact(serving: Serving, url: str | None, store: ObjectStore) -> Iterator[str]:
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
