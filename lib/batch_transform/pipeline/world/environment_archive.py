"""What Python workers need as one archive, for `--archives FILE#environment`: packages, and a `bin/python` to name.

The packages are those of the wheel with its extra `workers`. The interpreter is the machine's
own, of the same minor version, which the first call of `bin/python` looks for: so neither the path nor the machine that
this was made at matters, as they do to `venv-pack`, whose `bin/python` is a link to the interpreter that it was made
with. Nothing is left out of a package but the bytecode that Python writes itself.
"""

from __future__ import annotations

import gzip
import io
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import BinaryIO

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.world.wheel import pip

OLDEST = (3, 10)
# glibc 2.28 and older: Amazon Linux 2023 has 2.34, Debian 11 and Databricks' Ubuntu 20.04 have 2.31.
_GLIBC = ("manylinux_2_28", "manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014")
_MACHINES = {"arm64": "aarch64", "AMD64": "x86_64"}
# Without `home`: the link's own target says where the standard library is.
_CONFIGURATION = "include-system-site-packages = false\n"
LAUNCHER = """\
#!/bin/sh
# Python {version} of this machine, with the packages that lie beside it.
case $0 in */*) here=${{0%/*}} ;; *) here=. ;; esac
root=$(CDPATH='' cd "$here/.." && pwd) || exit 127
own=$root/bin/python{version}
[ ! -x "$own" ] || exec "$own" "$@"
for found in "${{BATCH_TRANSFORM_BASE_PYTHON:-}}" python{version} /usr/bin/python{version} \\
    /usr/local/bin/python{version} python3 '{made_with}'; do
    base=$("$found" -c 'import sys; v = "%d.%d" % sys.version_info[:2]; b = getattr(sys, "_base_executable", "")
print((b or sys.executable) if v == "{version}" else "")' 2>/dev/null)
    [ -z "$base" ] || break
done
if [ -z "$base" ]; then
    echo "$0: this machine has no Python {version}, for which the packages here are: install it, name it in" \\
        "BATCH_TRANSFORM_BASE_PYTHON, or make the archive for another one, batch-transform package --python X.Y" >&2
    exit 127
fi
# As in a virtual environment; where nothing can be written, beside the packages of the machine.
ln -s "$base" "$own.$$" 2>/dev/null && mv -f "$own.$$" "$own" 2>/dev/null && exec "$own" "$@"
PYTHONPATH=${{PYTHONPATH:+$PYTHONPATH:}}$root/lib/python{version}/site-packages
export PYTHONPATH
exec "$base" "$@"
"""


def version_of(python: str | None) -> str:
    """Returns the minor version, such as `3.11`, that `--python` means: one, or an interpreter; None: this one.

    Raises:
        ConfigurationError: it is neither, or too old.
    """
    if python is None:
        found = "{}.{}".format(*sys.version_info[:2])
    elif re.fullmatch(r"3\.\d+", python):
        found = python
    else:
        asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.SubprocessError) as err:
            raise ConfigurationError(
                f"--python: is neither a version, such as 3.11, nor an interpreter that runs here: {python}; name one "
                "of the two"
            ) from err
    if tuple(map(int, found.split("."))) < OLDEST:
        raise ConfigurationError(f"--python: is {found}; 3.10 or newer is needed, on the workers as well")
    return found


def make_archive(wheel: Path, version: str, target: Path) -> Path:
    """Returns `target`, the archive for machines with Linux and this Python.

    Args:
        wheel: of this program.
        version: of Python, such as `3.11`.
        target: a `.tar.gz`.

    Raises:
        ConfigurationError: there is no pip here.
        ServiceFailure: pip could not get the packages.
    """
    with tempfile.TemporaryDirectory() as work:
        site = Path(work, "lib", f"python{version}", "site-packages")
        machine = _MACHINES.get(platform.machine(), platform.machine())
        given = ["--python-version", version, "--implementation", "cp", "--only-binary=:all:"]
        given += [word for glibc in _GLIBC for word in ("--platform", f"{glibc}_{machine}")]
        wanted = f"{wheel}[workers]"
        pip(["install", "--quiet", "--no-compile", "--target", str(site), *given, wanted], "get what workers need")
        with target.open("wb") as file:
            _pack(Path(work), version, file)
    return target


def _pack(root: Path, version: str, file: BinaryIO) -> None:
    """Equal packages make equal archives: what has been uploaded is known again."""
    launcher = LAUNCHER.format(version=version, made_with=sys.executable.replace("'", "'\\''"))
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed, tarfile.open(None, "w", packed) as tar:
        for name, text, mode in (
            ("pyvenv.cfg", _CONFIGURATION, 0o644),
            ("bin/python", launcher, 0o755),
            ("bin/python3", launcher, 0o755),
        ):
            _add(tar, name, text.encode(), mode)
        for path in _files(root):
            _add(tar, path.relative_to(root).as_posix(), path.read_bytes(), path.stat().st_mode & 0o755)


def _files(root: Path) -> list[Path]:
    """All but what names this machine: scripts with the path of its Python, and where the wheel was."""
    found = (path for path in root.rglob("*") if path.is_file() and path.name != "direct_url.json")
    return sorted(path for path in found if path.parent.name != "bin" or path.parent.parent.name != "site-packages")


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
