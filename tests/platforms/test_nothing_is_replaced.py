"""The wheel beside what each platform pins: what pip would install with the pins as constraints is what is there.

A package that is replaced on a cluster is replaced for all who use it.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from support.platforms import PINS, built, normalized, platform
from support.sampling import one_in

pytestmark = pytest.mark.slow  # pip looks at the index for each of them
OURS = "spark-batch-transform"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.mark.parametrize("name", one_in(5, sorted(path.stem for path in PINS.glob("*.txt"))))
def test_beside_a_platforms_pins_nothing_is_replaced(wheel, name, tmp_path):
    there = platform(name)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
    pip += ["--ignore-installed", "--target", str(tmp_path / "none"), "--only-binary", ":all:"]
    pip += ["--python-version", there.python, "--constraint", str(there.constraints)]
    done = subprocess.run([*pip, "--report", "-", str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [each["metadata"] for each in json.loads(done.stdout)["install"]]
    versions = {normalized(each["name"]): each["version"] for each in found}
    assert {OURS, "boto3", "pyyaml"} <= versions.keys()
    assert {package: version for package, version in versions.items() if package in there.pins} == {
        package: there.pins[package] for package in versions if package in there.pins
    }
    # What a platform lacks: all of it where its list is not published, and PyYAML on the oldest environment.
    if there.pins:
        assert versions.keys() - there.pins.keys() <= {OURS, "pyyaml"}
