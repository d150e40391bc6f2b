"""What is wrong is refused in one message before anything is written, created or paid for; an empty input is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.config import RunConfig
from batch_transform.config.loading import load
from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.checks import before_spark
from batch_transform.pipeline.checks.collected_faults import Faults
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.spark.input_reading import InputTable, read_input
from batch_transform.spark.settings import session_settings
from support.emulated import emulated
from support.runs import run_file, silent
from support.sampling import one_in

pytestmark = pytest.mark.spark

CASES = {
    "unknown key": ({"colour": "red"}, ["colour"]),
    "wrong type": ({"transform": {"instance_count": "two"}}, [r"transform\.instance_count"]),
    "beyond the service's limit": ({"transform": {"max_payload_mb": 101}}, [r"max_payload_mb.*100"]),
    "beyond the service's product": (
        {"transform": {"max_payload_mb": 50, "max_concurrent_transforms": 3}},
        ["max_concurrent_transforms.*150.*100"],
    ),
    "missing input path": ({"input": {"path": "{folder}/nowhere"}}, ["input: .*nowhere cannot be read"]),
    "no condition": ({"input": {"path": "{folder}/in", "where": "colour = 1"}}, [r"input\.where"]),
    "missing record column": ({"record": {"columns": ["key", "colour"]}}, [r"record\.columns: no column colour.*key"]),
    "map without keys for JSON": ({"record": {"columns": ["by_day"]}}, ["by_day holds a map with keys of type date"]),
    "clash with an output column": ({"prediction": {"schema": "Key string"}}, ["the column Key is in the input"]),
    "clash with the struct column": ({"prediction": {"column": "KEY"}}, ["the column KEY is in the input"]),
    "no DDL": ({"prediction": {"schema": "p doubble"}}, [r"prediction\.schema"]),
    "partition by no column": ({"output": {"path": "{folder}/out", "partition_by": ["colour"]}}, ["colour"]),
    "unknown model": ({"model": {"name": "nobody"}}, [r"model\.name: nobody"]),
    "missing bucket": ({"workspace": "s3://nobodys-bucket/runs"}, ["there is no bucket nobodys-bucket"]),
    "output that exists": ({"output": {"path": "{folder}/in"}}, ["output: .*/in"]),
    "Delta table that exists": ({"output": {"path": "{folder}/delta", "format": "delta"}}, ["/delta"]),
    "output below a file": (
        {"output": {"path": "{folder}/run.yml/out"}},
        ["/out cannot be written"],
    ),
    "output over a part of the input": (
        {
            "input": {"path": "{folder}/in", "where": "key = '1'"},
            "output": {"path": "{folder}/in", "mode": "overwrite"},
        },
        ["output: .*/in is the input, .*/in, and mode: overwrite would delete rows that .* not read; .*where"],
    ),
    "output over a part of the input, spelled otherwise": (
        {
            "input": {"path": "file://{folder}/x/..//in/", "where": "key = '1'"},
            "output": {"path": "{folder}/link/in", "mode": "overwrite"},
        },
        ["output: .*/link/in is the input"],
    ),
    "output among several inputs": (
        {"input": {"path": "{folder}/{in,no}"}, "output": {"path": "{folder}/in", "mode": "overwrite"}},
        ["output: .*/in is the input.*would find files of the other"],
    ),
    "output in the input": (
        {"output": {"path": "{folder}/in/scored"}, "dead_letter": {"path": "{folder}/dead"}},
        ["output: .*/in/scored lies in the input"],
    ),
    "append to the input": (
        {"output": {"path": "{folder}/in", "mode": "append"}},
        ["output: .*/in is the input.*append would put new rows beside"],
    ),
    "dead letters over the input": (
        {"output": {"path": "{folder}/out", "mode": "overwrite"}, "dead_letter": {"path": "{folder}/in"}},
        ["dead_letter: .*/in is the input"],
    ),
    "staging in the input": ({"staging": "{folder}/in/staged"}, ["staging: .*/in/staged/refused lies in the input"]),
    "a Delta table over a part of itself": (
        {
            "input": {"table": "delta.`{folder}/delta`", "where": "key = '1'"},
            "output": {"path": "{folder}/delta", "format": "delta", "mode": "overwrite"},
            "prediction": {"schema": "key2 string"},
        },
        ["output: .*/delta is the input", "output: .*no column key2"],
    ),
    "a new Delta table around another one": (
        {"output": {"path": "{folder}/around", "format": "delta"}, "dead_letter": {"path": "{folder}/dead"}},
        ["output: .*/around holds other/, and is no Delta table yet.*VACUUM"],
    ),
    "a new Delta table in another one": (
        {"output": {"path": "{folder}/delta/out", "format": "delta"}, "dead_letter": {"path": "{folder}/dead"}},
        ["output: .*/delta/out lies in .*/delta, a Delta table"],
    ),
    "files around another table": (
        {"output": {"path": "{folder}/around", "mode": "overwrite"}, "dead_letter": {"path": "{folder}/dead"}},
        ["output: .*/around holds other/, which is of no table of files"],
    ),
    "several at once": (
        {"model": {"name": "nobody"}, "input": {"path": "{folder}/nowhere"}, "prediction": {"schema": "p doubble"}},
        [r"model\.name", "input: ", r"prediction\.schema"],
    ),
}


@pytest.fixture(scope="module")
def world():
    """One of its own, in which all that there is can be listed before and after each test."""
    with emulated() as running:
        yield running


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory):
    """A folder with an input, and outputs that exist."""
    path = tmp_path_factory.mktemp("refused")
    by_day = F.create_map(F.current_date(), F.lit("today"))
    rows = spark.range(5).select(F.col("id").cast("string").alias("key"), by_day.alias("by_day"))
    rows.write.parquet(f"{path}/in")
    rows.select("key").write.format("delta").save(f"{path}/delta")
    rows.select("key").write.format("delta").save(f"{path}/around/other")
    (path / "link").symlink_to(path)
    return path


def everything(folder: Path, world) -> tuple:
    """All files, objects, buckets and jobs."""
    files = sorted(
        (str(path), path.is_file() and path.stat().st_mtime_ns) for path in folder.rglob("*") if not path.is_symlink()
    )
    buckets = [bucket["Name"] for bucket in world.client("s3").list_buckets()["Buckets"]]
    return files, world.objects(), buckets, world.jobs()


def opened(spark, world, document, folder):
    """Opens the run of a run file."""
    (folder / "run.yml").write_text(yaml.safe_dump(document).replace("{folder}", str(folder)))
    before = everything(folder, world)
    with pytest.raises(ConfigurationError) as refused:
        open_run(spark, load(folder / "run.yml"), world.access, silent)
    assert everything(folder, world) == before
    return refused.value


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_in_one_message_and_nothing_is_left_behind(spark, world, folder, name):
    changes, words = CASES[name]
    refused = opened(spark, world, run_file(world, "refused", **changes), folder)
    assert refused.exit_code == 2
    assert len(refused.faults) == len(words)
    for word in words:
        assert re.search(word, str(refused))


def test_a_type_that_no_format_takes_is_refused(spark, world, tmp_path):
    df = spark.range(3).select(F.col("id").cast("string").alias("key"), F.expr("make_interval(1)").alias("span"))
    arguments = world.arguments(tmp_path, columns=["key"])
    before = everything(tmp_path, world)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        score(df, **arguments)
    assert everything(tmp_path, world) == before


TWINS = "named_struct('a', 1, 'A', 2) AS s"
COLLISIONS = {
    "the errors of dead letters": ("1 AS Error", {}, "a column named error .* set dead_letter.column"),
    "the errors as they are named": ("1 AS x", {"dead_letter": {"column": "X"}}, "a column named X is in the input"),
    "provenance": (
        "1 AS PROVENANCE",
        {"prediction": {"schema": "echo string", "provenance": True}},
        "prediction.provenance: adds a column provenance",
    ),
    "nested fields": (TWINS, {}, "two fields within s are named a, but for upper and lower case"),
    "twice the same field": ("named_struct('a', 1, 'a', 2) AS s", {}, "two fields within s are named a"),
}


@pytest.mark.parametrize("name", COLLISIONS)
def test_names_that_no_table_can_have_are_refused_before_any_work(spark, world, tmp_path, name):
    column, sections, words = COLLISIONS[name]
    df = spark.range(3).selectExpr("string(id) AS key", column)
    before = everything(tmp_path, world)
    with pytest.raises(ConfigurationError, match=words):
        score(df, **world.arguments(tmp_path, **sections))
    assert everything(tmp_path, world) == before


def test_a_delta_table_holds_no_fields_that_differ_by_case_only(spark, world, tmp_path):
    before = world.jobs()
    output = {"path": f"{tmp_path}/out", "format": "delta"}
    with session_settings(spark, {"spark.sql.caseSensitive": "true"}):
        df = spark.range(3).selectExpr("string(id) AS key", TWINS)
        with pytest.raises(ConfigurationError, match="a table of their columns cannot be written as delta"):
            score(df, **world.arguments(tmp_path, output=output))
    assert world.jobs() == before


def test_probes_are_deleted(spark, world, tmp_path):
    arguments = world.arguments(tmp_path)
    score(spark.range(3).select(F.col("id").cast("string").alias("key")), **arguments)
    assert not list(tmp_path.rglob("*probe*"))
    kept = [key for folder in ("runs", "rows") for key in world.objects(f"{folder}/{arguments['run_id']}")]
    assert not [key for key in kept if "probe" in key]


@pytest.mark.parametrize("format", one_in(2, ["delta", "parquet"]))
def test_an_empty_input_publishes_an_empty_table_and_starts_no_job(spark, world, tmp_path, format):
    df = spark.createDataFrame([], "key string, amount decimal(38, 18), tags map<string, array<int>>")
    arguments = world.arguments(tmp_path, output={"path": f"{tmp_path}/out", "format": format})
    result = score(df, **arguments)
    assert (result.report["status"], result.report["rows_in"], result.report["jobs"]) == ("published", 0, [])
    assert world.jobs(arguments["run_id"]) == []
    stored = spark.read.format(format).load(f"{tmp_path}/out")
    assert stored.schema == df.withColumn("echo", F.lit(None).cast("string")).schema
    assert stored.count() == result.df.count() == result.dead_letters.count() == 0


def test_an_input_of_which_no_row_is_left_publishes_an_empty_table(spark, world, tmp_path):
    df = spark.range(9, numPartitions=3).select(F.col("id").cast("string").alias("key")).where("key = 'x'")
    arguments = world.arguments(tmp_path)
    assert score(df, **arguments).report["rows_in"] == 0
    assert spark.read.parquet(f"{tmp_path}/out").columns == ["key", "echo"]
    assert world.jobs(arguments["run_id"]) == []


def test_of_a_path_that_is_not_there_the_same_is_said_before_spark_starts(spark, tmp_path):
    document = {"run_id": "r", "workspace": "s3://bucket/runs", "model": {"name": "m"}, "output": {"path": "out"}}
    config = RunConfig.from_document(document | {"input": {"path": str(tmp_path / "gone")}})
    faults = Faults()
    before_spark._check_there(config, faults, files_are_here=True)
    with pytest.raises(ConfigurationError) as refused:
        read_input(spark, InputTable(path=f"file:{tmp_path}/gone"))
    assert refused.value.faults == faults.found
