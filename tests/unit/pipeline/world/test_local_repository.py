"""A pom without its jar in ~/.m2, in which Spark's own resolution of jars ends for ever, is refused with a remedy."""

from __future__ import annotations

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.world.local_repository import check_local_repository

FOLDER, NAME = ".m2/repository/com/own/thing_2.13/1.0", "thing_2.13-1.0"
PACKAGES = "com.other:there:2, com.own:thing_2.13:1.0"


def left(home, *files):
    for file in files:
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).touch()
    return home


def test_a_pom_without_its_jar_is_refused_with_what_to_do(tmp_path):
    home = left(tmp_path, f"{FOLDER}/{NAME}.pom")
    with pytest.raises(ConfigurationError) as raised:
        check_local_repository(PACKAGES, home)
    (fault,) = raised.value.faults
    assert fault.startswith(f"--packages: {home / FOLDER} has the pom of com.own:thing_2.13:1.0 and not its jar")
    assert "delete that folder" in fault


@pytest.mark.parametrize(
    "files",
    [
        [],
        [f"{FOLDER}/{NAME}.pom", f"{FOLDER}/{NAME}.jar"],
        [f"{FOLDER}/{NAME}.pom", f".ivy2.5.2/cache/com.own/thing_2.13/jars/{NAME}.jar"],
        [f"{FOLDER}/thing_2.13-0.9.pom"],
    ],
)
def test_what_spark_finds_or_fetches_is_left_to_it(tmp_path, files):
    check_local_repository(PACKAGES, left(tmp_path, *files))
    check_local_repository("", left(tmp_path, f"{FOLDER}/{NAME}.pom"))
    check_local_repository("odd", tmp_path)
