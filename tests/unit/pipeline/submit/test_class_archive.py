"""What the JVM of a laptop starts with."""

from __future__ import annotations

import os
import subprocess

import pytest

from batch_transform.pipeline.submit.class_archive import java_options, make
from batch_transform.pipeline.world.spark_home import SparkHome

COLLECTOR = "-XX:+UseParallelGC"
COMPILERS = "-XX:CompileThresholdScaling=3 -XX:MetaspaceSize=256m"
# Stands for Spark: writes the archive where its JVM is asked for one, or fails.
RECORDS = """\
#!/bin/sh
for option in "$@"; do
    case $option in *ArchiveClassesAtExit=*) place=${option#*ArchiveClassesAtExit=\\"} ;; esac
done
[ -z "$BROKEN" ] || exit 1
echo classes >"${place%\\"}"
"""


@pytest.fixture
def machine(tmp_path):
    """A Java and a Spark by their names, and an empty folder for archives with a space in its name."""
    for name, text in {"java/bin/java": "", "spark/bin/spark-submit": RECORDS, "spark/jars/a.jar": ""}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environ = {
        "JAVA_HOME": str(tmp_path / "java"),
        "SPARK_HOME": str(tmp_path / "spark"),
        "PATH": os.environ.get("PATH", os.defpath),
    }
    spark = SparkHome(str(tmp_path / "spark" / "bin" / "spark-submit"), tmp_path / "spark")
    return spark, environ, tmp_path / "of classes"


def test_without_an_archive_a_jvm_is_told_how_to_compile_and_to_collect(machine):
    spark, environ, folder = machine
    assert java_options(spark, environ, folder, cores=64) == f"{COMPILERS} {COLLECTOR}"


def test_an_archive_that_was_made_is_used_and_not_made_again(machine):
    spark, environ, folder = machine
    archive = make(environ, folder)
    assert archive.read_text() == "classes\n"
    options = java_options(spark, environ, folder)
    assert f'-XX:SharedArchiveFile="{archive}"' in options
    assert "-Xlog:disable" in options  # what the JVM says of an archive goes to standard output, where reports are read
    assert make({**environ, "BROKEN": "1"}, folder) == archive
    assert list(folder.iterdir()) == [archive]


def test_another_java_and_other_jars_are_not_given_the_archive_of_these(machine, tmp_path):
    spark, environ, folder = machine
    make(environ, folder)
    (tmp_path / "spark" / "jars" / "b.jar").touch()
    assert "Archive" not in java_options(spark, environ, folder)


def test_a_recording_that_fails_leaves_nothing(machine):
    spark, environ, folder = machine
    with pytest.raises(subprocess.CalledProcessError):
        make({**environ, "BROKEN": "1"}, folder)
    assert not list(folder.iterdir())
    assert "Archive" not in java_options(spark, environ, folder)


@pytest.mark.parametrize("name", ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"])
def test_a_collector_of_the_environment_stays_the_only_one(machine, name):
    spark, environ, folder = machine
    assert java_options(spark, {**environ, name: "-XX:+UseSerialGC"}, folder) == COMPILERS


@pytest.mark.parametrize(("cores", "megabytes"), [(None, 128), (1, 128), (2, 256), (4, 512)])
def test_few_cores_are_given_a_small_young_generation(machine, cores, megabytes):
    spark, environ, folder = machine
    assert java_options(spark, environ, folder, cores) == f"{COMPILERS} {COLLECTOR} -XX:MaxNewSize={megabytes}m"


@pytest.mark.parametrize("given", ["-XX:MetaspaceSize=64m", "-XX:MaxMetaspaceSize=128m"])
def test_room_for_classes_that_is_given_is_the_only_one(machine, given):
    spark, environ, folder = machine
    assert "Metaspace" not in java_options(spark, {**environ, "JAVA_TOOL_OPTIONS": given}, folder)


@pytest.mark.parametrize("given", ["-Xmx8g", "-Xmn1g", "-XX:NewSize=300m", "-XX:MaxNewSize=1g", "-XX:NewRatio=1"])
def test_what_the_environment_says_of_memory_holds(machine, given):
    spark, environ, folder = machine
    assert java_options(spark, {**environ, "JDK_JAVA_OPTIONS": given}, folder, 2) == f"{COMPILERS} {COLLECTOR}"


def test_a_machine_without_java_gets_no_archive(machine, tmp_path):
    _, environ, folder = machine
    assert make({**environ, "JAVA_HOME": str(tmp_path)}, folder) is None
