"""Jars, archives and modules on `s3://` that are given to a Spark which has no file system of that name.

EMR's has one, and reads them itself; any other Spark knows `s3a://` at most, whose jars a submission does not have yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from batch_transform.config.places import is_s3
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectNotFound, ObjectStore
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.spark_submit_arguments import LISTS, SparkArguments


def fetched(given: SparkArguments, folder: Path, store: Callable[[], ObjectStore]) -> SparkArguments:
    """Returns the arguments with the files of this machine in the place of those on S3, which are fetched into it.

    Args:
        given: the arguments of spark-submit.
        folder: for the files.
        store: S3, opened if it is needed.

    Raises:
        ConfigurationError: one is not there.
        StoreFailure: S3 does not give it.
    """
    for key in LISTS:
        items = [item.strip() for item in (given.setting(key) or "").split(",") if item.strip()]
        if any(map(is_s3, items)):
            here = [_fetched(item, folder, store()) if is_s3(item) else item for item in items]
            given = given.with_instead(key, here)
    return given


def _fetched(item: str, folder: Path, store: ObjectStore) -> str:
    location, mark, name = item.partition("#")
    uri = S3Uri.parse(location)
    target = folder / "fetched" / hashlib.sha256(location.encode()).hexdigest()[:16] / uri.name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("wb") as file:
            file.writelines(store.open_stream(uri).chunks)
    except ObjectNotFound as err:
        raise ConfigurationError(
            f"{location}: there is no such object, and spark-submit was given it; name one that there is"
        ) from err
    return f"{target}{mark}{name}"
