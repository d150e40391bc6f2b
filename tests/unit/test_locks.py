"""The locks hold what setup.py asks for, for each Python, with the contents, and with no word of where it lies."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "conf" / "locks"
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
EXTRAS = ("local", "test")


def locked(name: str) -> list[tuple[Requirement, int]]:
    """Each requirement of a lock with the number of its hashes."""
    text = (LOCKS / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    return [(Requirement(line.partition("--hash")[0]), line.count("--hash=sha256:")) for line in lines]


def asked(extra: str) -> list[Requirement]:
    """What setup.py asks for with an extra, the core's among it."""
    code = "import sys, setuptools; sys.argv[1:] = ['--quiet', 'name']; setuptools.setup = lambda **said: print("
    code += f"*said['install_requires'], *said['extras_require'][{extra!r}], sep='\\n')\nimport runpy\n"
    code += "runpy.run_path('setup.py')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Requirement(line) for line in done.stdout.split("\n") if line]


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_lock_has_one_version_of_all_that_setup_asks_for_on_each_python(extra):
    requirements = asked(extra)
    for python in PYTHONS:
        here = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
        found: dict[str, list[str]] = {}
        for each, _ in locked(extra):
            if each.marker is None or each.marker.evaluate(here):
                found.setdefault(canonicalize_name(each.name), []).append(next(iter(each.specifier)).version)
        assert [name for name, versions in found.items() if len(versions) > 1] == []
        for each in requirements:
            (version,) = found[canonicalize_name(each.name)]
            assert each.specifier.contains(version), f"conf/locks/refresh makes the locks anew: {each}, not {version}"


def test_a_lock_names_contents_and_no_place():
    for path in sorted(LOCKS.glob("*.txt")):
        assert not re.search(r"://|--(?:extra-)?index|--find-links|^-e|@", path.read_text(), re.MULTILINE), path.name
        assert [each for each, hashes in locked(path.stem) if hashes == 0] == []


def test_what_builds_the_sources_is_what_the_environment_has():
    ((build, _),) = locked("build")
    assert str(build) in [str(each) for name in EXTRAS for each, _ in locked(name)]
    assert build.name == "setuptools"
