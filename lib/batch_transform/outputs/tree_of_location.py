"""From an output's location in the run file to its tree."""

from __future__ import annotations

import os
import re

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.plain_paths import without_file_scheme
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.file_tree import Tree
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.registry import names_that
from batch_transform.outputs.s3_tree import S3Tree

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_S3 = ("s3", "s3a", "s3n")
SCHEMES = frozenset({"", "file", *_S3})  # where the driver copies files itself: through boto3, or a mounted file system


def is_reached(location: str) -> bool:
    """Returns whether the driver itself reads and writes where a location lies."""
    match = SCHEME.match(location)
    return match is None or match[1].lower() in SCHEMES


def open_tree(location: str, store: ObjectStore | None) -> Tree:
    """Returns the tree at `s3://...` (also `s3a`, `s3n`), `file:...` or a local path, which needs no store.

    Raises:
        ConfigurationError: another scheme.
    """
    match = SCHEME.match(location)
    scheme = match[1].lower() if match else "file"
    if scheme in _S3:
        assert store is not None
        return S3Tree(store, S3Uri.parse(location))
    path = without_file_scheme(location)
    if scheme != "file" or SCHEME.match(path):
        raise ConfigurationError(
            f"output: files are copied to S3 or to a path that the driver can reach, not to {location!r}; "
            f"for other file systems set output.format: {names_that(lambda can: can.schemes is None)}"
        )
    return LocalTree(os.path.abspath(path))
