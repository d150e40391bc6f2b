"""Whoever wraps that a class is not found, the jar that the session lacks is told, and how it gets it."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from batch_transform.core.missing_jars import DELTA_JARS, HADOOP, missing_jar
from batch_transform.outputs.registry import output_formats
from batch_transform.pipeline.world.jars import S3A_SDK

S3A = "RuntimeException: java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found"


@pytest.mark.parametrize(
    ("words", "lacks", "package"),
    [
        (S3A, "s3a://", "org.apache.hadoop:hadoop-aws:3.5.0"),
        ('UnsupportedFileSystemException: No FileSystem for scheme "s3"', "s3a://", "hadoop-aws:3.5.0"),
        ("NoClassDefFoundError: software/amazon/awssdk/core/exception/SdkException", "s3a://", "hadoop-aws:3.5.0"),
        ("[DATA_SOURCE_NOT_FOUND] Failed to find the data source: delta.", "Delta", "delta-spark_4.2_2.13:4.4.0"),
        ("Cannot find catalog plugin class for catalog 'spark_catalog': a.DeltaCatalog", "Delta", "delta-spark_4.2"),
        ("NoClassDefFoundError: io/delta/tables/DeltaTable", "Delta", "delta-spark_4.2_2.13:4.4.0"),
        ("[X] Failed to find data source: avro. Avro is built-in", "Avro", "org.apache.spark:spark-avro_2.13:4.2.0"),
        ("ClassNotFoundException: com.acme.Reader", "a class, and so a jar", "spark.jars.packages"),
    ],
)
def test_a_class_that_is_missed_is_told_as_the_jar_that_has_it(words, lacks, package):
    told = missing_jar(words, "4.2.0")
    assert lacks in told
    assert package in told


def test_the_package_is_that_of_the_spark_at_hand():
    assert "hadoop-aws:3.3.4" in missing_jar(S3A, "3.5.6")
    assert "hadoop-aws:3.4.1" in missing_jar(S3A, "4.0.1-amzn-0")
    assert "the one for Spark 9.1.0" in missing_jar(S3A, "9.1.0")


@pytest.mark.parametrize(
    "words", ["[TABLE_OR_VIEW_NOT_FOUND] delta", "Connection refused", "FileNotFoundException: s3a://b"]
)
def test_what_misses_no_class_has_no_such_remedy(words):
    assert missing_jar(words, "4.2.0") is None


def test_the_packages_are_those_that_a_submitted_run_is_given():
    """Hadoop's by the jars of the Spark that is installed."""
    packages = output_formats()["delta"].packages
    for line, version in packages.versions.items():
        scala = "2.12" if line == "3.5" else "2.13"
        assert DELTA_JARS[line] == packages.coordinate(version).format(line=line, scala=scala)
    assert set(HADOOP.values()) == set(S3A_SDK)
    pyspark = pytest.importorskip("pyspark")
    names = " ".join(path.name for path in files("pyspark").joinpath("jars").iterdir())
    assert (
        re.search(r"hadoop-client-api-([\d.]+)\.jar", names)[1] == HADOOP[".".join(pyspark.__version__.split(".")[:2])]
    )
