"""The sources as one zip, for `--py-files`: what runs is what lies in `lib/`, not what was once installed."""

from __future__ import annotations

import zipfile
from pathlib import Path

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


def source_files(lib: Path) -> list[Path]:
    """Returns the files of the packages below `lib`, in order."""
    return sorted(
        path
        for name in PACKAGES
        for path in (lib / name).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
    )
