"""Paths of a run are no patterns, whatever characters its working directory, workspace, staging and output have."""

from __future__ import annotations

import os
import shutil
import uuid

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from batch_transform.config.runfile import RunConfig
from batch_transform.config.sections import Input
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.plain_paths import escaped
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.input_rows import read_source
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.places import Places
from batch_transform.spark.exact_reading import read_exactly
from support.emulated import BUCKET
from support.runs import silent
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]

PLACES = Places(S3Uri(BUCKET, ""), "", "s3a")
ODD = "a [1]{b,c}*d\\e %41+#?é"
# Of `x[1]`, `x1` is what a pattern would find instead.
NAMES = st.text("[]{}*?\\a1, %+#é=&;'\"~$()^!-", min_size=1, max_size=8).filter(lambda name: name.strip() == name)


@settings(max_examples=5)
@given(NAMES)
@example("x[1]")
@example("x{1,2}")
@example("\\")
@example("*")
def test_files_of_a_runs_own_are_read_from_any_folder(spark, tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("any")
    for other in ("x1", "decoy"):
        os.makedirs(folder / other / "t")
        shutil.copyfile(__file__, folder / other / "t" / "part-0.parquet")  # which is none, so that reading it fails
    path = f"file:{folder}/{name}/t"
    rows = spark.range(0, 2, numPartitions=1)
    rows.write.parquet(path)
    (file,) = (found for found in os.listdir(folder / name / "t") if found.endswith(".parquet"))
    assert read_exactly(spark, rows.schema, [path]).count() == 2
    assert read_exactly(spark, rows.schema, [f"{path}/{file}"], basePath=path).count() == 2


def ran(spark, world, **changes):
    """The report of a run file, whose places lie below an odd folder."""
    document = {
        "run_id": f"scheduled__{uuid.uuid4().hex[:8]}T00:00:00+00:00",
        "workspace": f"s3://{BUCKET}/{ODD}",
        "staging": f"staging {ODD}",
        "input": {"path": "in.parquet"},
        "record": {"columns": ["key"]},
        "model": {"name": "shaped"},
        "prediction": {"schema": "echo string"},
        "transform": {"poll_seconds": 0.1, "invocations_max_retries": 0},
        "errors": {"max_rows": 1},
        "aws": {"endpoint_url": world.url, "region": "us-east-1"},
        **changes,
    }
    driver = open_run(spark, RunConfig.from_document(document), world.access, silent)
    report = driver.run().report
    driver.close(report)
    assert report["run_id"] == document["run_id"], "it is shown as it was given"
    return report


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with odd characters."""
    folder = tmp_path / ODD
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def published(spark, output):
    path, format = escaped(output["path"]), output.get("format", "parquet")
    return read_source(spark, Input(path=path, format=format), PLACES, None).df


@pytest.mark.long
def test_a_run_in_an_odd_folder_publishes_a_table_of_delta(spark, world, here):
    rows = spark.createDataFrame([("a", "x[1]"), ("b", "x1")], "key string, ds string")
    rows.coalesce(1).write.parquet(f"file:{here}/in.parquet")
    output = {"path": f"out {ODD}", "format": "delta", "partition_by": ["ds"]}
    assert ran(spark, world, output=output)["rows_scored"] == 2
    assert_same_rows(published(spark, output).select("key", "ds", "echo"), rows.withColumn("echo", F.col("key")))


def test_a_run_in_an_odd_folder_publishes_files_of_which_the_dead_rows_are_scored_again(spark, world, here):
    spark.createDataFrame([("a",), ("refused!",)], "key string").coalesce(1).write.parquet(f"file:{here}/in.parquet")
    output = {"path": f"out {ODD}", "mode": "append"}
    first = ran(spark, world, output=output)
    shutil.rmtree(here / f"staging {ODD}")  # so that they are read from where they were published
    ran(spark, world, input={"dead_letters": first["run_id"]}, output=output, model={"name": "echo"})
    scored = spark.createDataFrame([("a", "a"), ("refused!", "refused!")], "key string, echo string")
    assert_same_rows(published(spark, output), scored)


@pytest.mark.parametrize("path", ["in [1].csv", "in{1.csv", "in[1.csv", "in\\"])
def test_a_miss_of_a_pattern_says_that_it_was_one_and_how_it_is_none(spark, here, path):
    """A name with marks is there, and is none that the pattern stands for."""
    (here / path).write_text("a\n1\n")
    with pytest.raises(ConfigurationError) as caught:
        read_source(spark, Input(path=path, format="csv"), PLACES, None)
    assert r"it was read as a pattern, since it has some of [ ] { } * ? \ in it; a backslash before" in str(
        caught.value
    )
    read = read_source(spark, Input(path=escaped(path), format="csv", options={"header": "true"}), PLACES, None)
    assert read.df.columns == ["a"]


def test_a_miss_of_a_plain_path_says_nothing_of_patterns(spark, here):
    with pytest.raises(ConfigurationError, match=r"there is no such file or folder; check input\.path") as caught:
        read_source(spark, Input(path="missing.csv", format="csv"), PLACES, None)
    assert "pattern" not in str(caught.value)


def test_a_pattern_below_an_odd_working_directory_finds_files(spark, here):
    for name in ("in-1.csv", "in-2.csv", "other.csv"):
        (here / name).write_text("a\n1\n")
    read = read_source(spark, Input(path="in-[12].csv", format="csv", options={"header": "true"}), PLACES, None)
    assert read.df.count() == 2
