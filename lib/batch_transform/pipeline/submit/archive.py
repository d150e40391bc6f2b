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
        # With the sources' times, by which Python knows that what is compiled is theirs.
        shutil.copytree(lib / name, target / name, ignore=_of_other_pythons, dirs_exist_ok=True)
    return target


def source_files(lib: Path) -> list[Path]:
    """Returns the files of the packages below `lib`, in order."""
    return sorted(
        path
        for name in PACKAGES
        for path in (lib / name).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
    )


def _of_other_pythons(_folder: str, names: list[str]) -> list[str]:
    ending = f".{sys.implementation.cache_tag}.pyc"
    return [name for name in names if ".pyc" in name and not name.endswith(ending)]
