"""The sources that a run takes with it: what runs is what lay in `lib/` then, not what was once installed.

As one zip for processes elsewhere (`--py-files`); for those here as files, with what Python has compiled of them, which
of a zip each process compiles anew.
"""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import zipfile
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import PycInvalidationMode

PACKAGES = ("batch_transform", "transform_emulator")
# The earliest time that a zip can hold: equal sources make equal archives.
_TIME = (1980, 1, 1, 0, 0, 0)


def write_archive(lib: Path, target: Path) -> Path:
    """Returns `target`, a zip of the packages below `lib` without caches."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in source_files(lib):
            entry = zipfile.ZipInfo(path.relative_to(lib).as_posix(), _TIME)
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return target


def copy_compiled(lib: Path, target: Path) -> Path:
    """Returns `target`, a folder with the packages below `lib` and what this Python has compiled of them.

    What it had not, it does now, where it may write beside the sources: the next run finds it.
    """
    for name in PACKAGES:
        if os.access(lib / name, os.W_OK) and not sys.dont_write_bytecode:
            # A file that is no Python is for whoever imports it to tell.
            compileall.compile_dir(lib / name, quiet=2, invalidation_mode=PycInvalidationMode.TIMESTAMP)
    for path in source_files(lib):
        copied = target / path.relative_to(lib)
        _copy(path, copied)
        if path.suffix == ".py":
            with suppress(OSError):  # there is none, or none that may be read: it is compiled where it is imported
                _copy(Path(cache_from_source(str(path))), Path(cache_from_source(str(copied))))
    return target


def _copy(path: Path, target: Path) -> None:
    """Copies what it holds and its time, by which Python knows that what is compiled is of this source; no modes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    found = path.stat()
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def source_files(lib: Path) -> list[Path]:
    """Returns the files of the packages below `lib`, in order."""
    return sorted(
        path
        for name in PACKAGES
        for path in (lib / name).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
    )
