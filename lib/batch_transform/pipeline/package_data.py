"""Input that an installed Python package ships: `package://NAME/inner/path`."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from shutil import copyfileobj

from batch_transform.config import RunConfig
from batch_transform.core.errors import ConfigurationError

SCHEME = "package://"


def resolve_input(config: RunConfig, cache: Path) -> RunConfig:
    """Returns the configuration with the input's `package://` path turned into a file's path; others as they are.

    Raises:
        ConfigurationError: the package or the file is missing.
    """
    source = config.input
    if source is None or source.path is None or not source.path.startswith(SCHEME):
        return config
    path = str(resolve(source.path, cache))
    return config.model_copy(update={"input": source.model_copy(update={"path": path})})


def resolve(location: str, cache: Path, find: Callable[[str], ModuleSpec | None] = find_spec) -> Path:
    """Returns the absolute path of the file that `package://NAME/inner/path` names.

    The package is found without being imported: what ships data may have an `__init__` that needs more than the data
    does. The single member of a `.zip` is unpacked into `cache`, since Spark reads no zip.

    Raises:
        ConfigurationError: the package is not installed, or has no such file.
    """
    name, _, inner = location.removeprefix(SCHEME).partition("/")
    parts = PurePosixPath(inner).parts
    if not name.isidentifier() or not parts or ".." in parts or PurePosixPath(inner).is_absolute():
        raise _refusal(location, "is not package://NAME/PATH/OF/A/FILE")
    spec = find(name)
    if spec is None:
        raise _refusal(location, f"needs the Python package {name}, which is not installed: pip install {name}")
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    found = [folder.joinpath(*parts) for folder in folders if folder.joinpath(*parts).is_file()]
    if not found:
        raise _refusal(location, f"names no file of the Python package {name} (pip install --upgrade {name}?)")
    return (unpack(found[0], cache / name) if found[0].suffix == ".zip" else found[0]).absolute()


def unpack(archive: Path, cache: Path) -> Path:
    """Returns the path of an archive's single member below `cache`, unpacked unless it is there already.

    Raises:
        ConfigurationError: the archive has no member or several, or is no zip.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise _refusal(str(archive), f"has {len(members)} members; it must have one")
            # The checksum in the path: another version of the package is another file.
            target = cache / f"{members[0].CRC:08x}" / PurePosixPath(members[0].filename).name
            if not target.is_file():
                _extract(opened, members[0], target)
            return target
    except zipfile.BadZipFile as error:
        raise _refusal(str(archive), f"is no zip archive: {error}") from error


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".unpacking-")
    try:
        with archive.open(member) as source, os.fdopen(descriptor, "wb") as sink:
            copyfileobj(source, sink, 1 << 20)
        # Whoever sees the name sees the whole file, also beside a second run that unpacks it.
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _refusal(location: str, text: str) -> ConfigurationError:
    return ConfigurationError(f"input.path: {location} {text}")
