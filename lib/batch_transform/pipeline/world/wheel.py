"""The wheel of this very program: of the source tree that it runs from, else of what is installed."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.pipeline.world.own_modules import module_command

_NAME = "spark-batch-transform"
# What the build of a wheel reads.
_TREE = ("setup.py", "pyproject.toml", "LICENSE", "lib", "jobs", "conf")
# Who installed it, how and where, and scripts made for this machine.
_OF_AN_INSTALLATION = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")
_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: equal files make equal wheels


def make_wheel(folder: Path) -> Path:
    """Returns the wheel, which is written into `folder`.

    Raises:
        ConfigurationError: what runs is neither a source tree nor installed from a wheel, or pip is missing.
        ServiceFailure: the source tree could not be built.
    """
    root = Path(__file__).resolve().parents[4]
    if (root / "setup.py").is_file() and (root / "lib" / "batch_transform").is_dir():
        return _built(root, folder)
    try:
        found = distribution(_NAME)
    except PackageNotFoundError as err:
        raise ConfigurationError(
            f"package: {_NAME} is not installed here, and {root} is not its source tree; pip install {_NAME} first"
        ) from err
    return _packed_again(found, folder)


def pip(arguments: Sequence[str], what: str) -> None:
    """Runs pip, whose words go to standard error.

    Raises:
        ConfigurationError: this Python has none.
        ServiceFailure: it did not do it.
    """
    if subprocess.run(module_command("pip", "--version"), check=False, capture_output=True).returncode:
        raise ConfigurationError(f"package: {sys.executable} has no pip; {sys.executable} -m ensurepip makes one")
    command = module_command("pip", "--disable-pip-version-check", *arguments)
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if done.returncode:
        raise ServiceFailure(f"package: pip could not {what}, and said why above; is its index reached from here?")


def _built(root: Path, folder: Path) -> Path:
    """A build leaves files beside what it reads, which the next one takes for sources: so it is given a copy."""
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work, "tree")
        tree.mkdir()
        for name in _TREE:
            if (root / name).is_dir():
                leftovers = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
                shutil.copytree(root / name, tree / name, ignore=leftovers)
            elif (root / name).is_file():
                shutil.copy(root / name, tree / name)
        made = Path(work, "made")
        pip(["wheel", "--quiet", "--no-deps", "--wheel-dir", str(made), str(tree)], f"build the wheel of {root}")
        (wheel,) = made.glob("*.whl")
        return Path(shutil.copy(wheel, folder / wheel.name))


def _packed_again(found: Distribution, folder: Path) -> Path:
    """What a wheel has put into place, as a wheel: its files are listed with it."""
    wheel = folder / f"{_NAME.replace('-', '_')}-{found.version}-py3-none-any.whl"
    lines = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files(found):
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(content)}\n")
            archive.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED)
        record = f"{_NAME.replace('-', '_')}-{found.version}.dist-info/RECORD"
        archive.writestr(zipfile.ZipInfo(record, _TIME), "".join([*lines, f"{record},,\n"]), zipfile.ZIP_DEFLATED)
    return wheel


def _files(found: Distribution) -> Iterator[tuple[str, bytes]]:
    for path in sorted(found.files or (), key=str):
        inside = not path.is_absolute() and ".." not in path.parts and "__pycache__" not in path.parts
        if inside and path.name not in _OF_AN_INSTALLATION:
            yield path.as_posix(), Path(str(path.locate())).read_bytes()
