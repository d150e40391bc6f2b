"""Input that an installed Python package ships: `package://NAME/inner/path`, also inside an archive of the package."""

from __future__ import annotations

import os
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import IO

from batch_transform.config import RunConfig
from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.plain_paths import escaped

SCHEME = "package://"
PACKAGE_CACHE = Path(".batch_transform") / "packages"


def resolve_input(config: RunConfig, cache: Path) -> RunConfig:
    """Returns the configuration with the input's `package://` path turned into a file's path; others as they are.

    Raises:
        ConfigurationError: the package or the file is missing.
    """
    source = config.input
    if source is None or source.path is None or not source.path.startswith(SCHEME):
        return config
    path = escaped(str(resolve(source.path, cache)))
    return config.model_copy(update={"input": source.model_copy(update={"path": path})})


def resolve(location: str, cache: Path, find: Callable[[str], ModuleSpec | None] = find_spec) -> Path:
    """Returns the absolute path of the file that `package://NAME/inner/path` names.

    The package is found without being imported: what ships data may have an `__init__` that needs more than the data
    does. The single member of a `.zip`, and what a path names inside a `.tar.gz`, is unpacked into `cache`, since Spark
    reads neither.

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
    for folder in folders:
        for length in range(1, len(parts) + 1):
            found, inside = folder.joinpath(*parts[:length]), "/".join(parts[length:])
            if found.is_file():
                return _file_of(found, inside, cache / name).absolute()
    raise _refusal(location, f"names no file of the Python package {name} (pip install --upgrade {name}?)")


def _file_of(found: Path, inside: str, cache: Path) -> Path:
    if inside:
        return unpack_member(found, inside, cache)
    return unpack(found, cache) if found.suffix == ".zip" else found


def unpack(archive: Path, cache: Path) -> Path:
    """Returns the path of an archive's single member below `cache`, unpacked unless it is there already.

    Raises:
        ConfigurationError: the archive has no member or several, or is no zip.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise _refusal(str(archive), f"has {counted(len(members), 'member')}; it must have one")
            # The checksum in the path: another version of the package is another file.
            target = cache / f"{members[0].CRC:08x}" / PurePosixPath(members[0].filename).name
            if not target.is_file():
                with opened.open(members[0]) as source:
                    _write(source, target)
            return target
    except zipfile.BadZipFile as error:
        raise _refusal(str(archive), f"is no zip archive: {error}") from error


def unpack_member(archive: Path, name: str, cache: Path) -> Path:
    """Returns the path of one member of a tar archive below `cache`, unpacked unless it is there already.

    Raises:
        ConfigurationError: the archive has no such file, or is no tar archive.
    """
    try:
        with tarfile.open(archive) as opened:
            member = next((member for member in opened if member.name == name), None)
            source = None if member is None else opened.extractfile(member)
            if member is None or source is None:
                raise _refusal(str(archive), f"has no file {name}")
            # A tar has no checksums: size and time stand for the version.
            target = cache / f"{member.size:x}-{int(member.mtime):x}" / PurePosixPath(name).name
            if not target.is_file():
                _write(source, target)
            return target
    except (tarfile.TarError, EOFError) as error:
        raise _refusal(str(archive), f"is no tar archive: {error}") from error


def _write(source: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".unpacking-")
    try:
        with os.fdopen(descriptor, "wb") as sink:
            copyfileobj(source, sink, 1 << 20)
        # Whoever sees the name sees the whole file, also beside a second run that unpacks it.
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _refusal(location: str, text: str) -> ConfigurationError:
    return ConfigurationError(f"input.path: {location} {text}")
