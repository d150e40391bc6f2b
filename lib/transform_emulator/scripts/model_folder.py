"""A model's folder or archive: where its script lies, and where it is unpacked."""

import ast
import contextlib
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from transform_emulator.scripts.handler import ScriptError, fault_of

# SageMaker's containers look into code/ only; beside the artifact is what a folder under development often has.
PLACES = ("code/inference.py", "inference.py")


def check(script: Path | None, artifact: Path | None) -> None:
    """Refuses what cannot be served, without running any of it.

    Raises:
        ScriptError: With what is wrong, and where.
    """
    for path in (script, artifact):
        if path is not None and not path.exists():
            raise ScriptError(f"{path} does not exist")
    if script is not None:
        _check_source(script.read_bytes(), str(script))
        if artifact is not None and artifact.is_file():
            with _opened(artifact) as archive:
                archive.next()
    elif artifact is not None:
        _check_source(*_script_in(artifact))


def unpack(artifact: Path | None, folder: Path) -> Path:
    """Returns the model_dir: `folder` with the archive's content, empty without an artifact; or the artifact's folder.

    Raises:
        ScriptError: The archive cannot be unpacked.
    """
    if artifact is not None and artifact.is_dir():
        return artifact.absolute()
    if artifact is not None:
        with _opened(artifact) as archive:
            _extract(archive, folder)
    return folder


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpacks all members, of which none may leave the folder, nor be a device.

    Before 3.10.12 and 3.11.4, as on Debian 12, Python has no filter that sees to it; by it none may be a link either.
    """
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, filter="data")
        return
    members = archive.getmembers()
    for member in members:
        parts = PurePosixPath(member.name).parts
        if not (member.isfile() or member.isdir()) or ".." in parts or member.name.startswith("/"):
            raise ScriptError(f"{member.name} in the archive is no file or folder of its own; pack it anew without it")
    archive.extractall(folder, members)


def script_of(model_dir: Path, program: str) -> Path:
    """Returns the path of the script in an unpacked model: `program` in code/, or beside the artifact.

    Raises:
        ScriptError: There is none.
    """
    for folder in (model_dir / "code", model_dir):
        if (folder / program).is_file():
            return folder / program
    raise ScriptError(f"the model has neither code/{program} nor {program}")


def _script_in(artifact: Path) -> tuple[bytes, str]:
    if artifact.is_dir():
        for place in PLACES:
            if (artifact / place).is_file():
                return (artifact / place).read_bytes(), str(artifact / place)
        raise ScriptError(_no_script(artifact))
    with _opened(artifact) as archive:
        found = {name: member for member in archive if (name := _normal(member.name)) in PLACES}
        for place in PLACES:
            if place in found and (stream := archive.extractfile(found[place])) is not None:
                return stream.read(), f"{artifact}:{place}"
    raise ScriptError(_no_script(artifact))


def _no_script(artifact: Path) -> str:
    return f"{artifact} has neither {' nor '.join(PLACES)}; a script elsewhere is named as SCRIPT.py:{artifact}"


def _normal(name: str) -> str:
    return str(PurePosixPath(name))  # `tar -C model .` writes ./code/inference.py


@contextlib.contextmanager
def _opened(artifact: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(artifact, "r:*") as archive:
            yield archive
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ScriptError(f"{artifact} is no archive that can be unpacked (tar, gzip): {error}") from error


def _check_source(source: bytes, place: str) -> None:
    try:
        tree = ast.parse(source, place)
    except (SyntaxError, ValueError) as error:
        raise ScriptError(f"{place} is not Python: {error}") from error
    names = set(_names(tree))
    fault = None if "*" in names else fault_of(names)  # what `from x import *` brings shows when it runs
    if fault is not None:
        raise ScriptError(f"{place}: {fault}")


def _names(tree: ast.Module) -> Iterator[str]:
    """Yields the names that a module may have, also those that only a branch of it defines."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name  # and nothing of what is inside it
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (alias.asname or alias.name for alias in node.names)
        pending += ast.iter_child_nodes(node)


def module_name(script: Path) -> str:
    """Returns the name under which a script is imported, as SageMaker's containers do: `inference`."""
    return os.path.splitext(script.name)[0]
