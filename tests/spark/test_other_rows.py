"""A run that has staged its rows is given the same ones again, or says that they are others, or that it cannot tell."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.config.loading import load
from batch_transform.core.errors import OtherRows
from batch_transform.core.events import Event
from batch_transform.core.run_state import RunState
from batch_transform.pipeline.checks.same_input import check_same_rows
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.tables.source import Source
from batch_transform.spark.record_rules import record_rule
from batch_transform.spark.settings import session_settings
from batch_transform.spark.source_identity import identify
from batch_transform.spark.staging import stage
from support.runs import Interrupting, silent
from support.sampling import in_turn, one_in

pytestmark = [pytest.mark.spark, pytest.mark.slow]
SAME, UNSURE, OTHER = "same", "unsure", "other"
AT = "2024-05-01T00:00:00+00:00"


def staged(df: DataFrame, folder) -> RunState:
    """A run that has staged a DataFrame."""
    rule = record_rule(df.sparkSession, df.schema, "jsonlines", None, None, header=False, one_object=False)
    told = replace(stage(df, rule, str(folder / "staged")), source=identify(df, versions=None))
    return RunState("run", "nonce", {}, AT, AT, staged=told)


def elsewhere(state: RunState) -> RunState:
    """The same run as another process has staged it, by the ledger's own words."""
    source = replace(state.staged.source, session="application/1", semantic_hash=1)
    read = type(source).from_document(json.loads(json.dumps(source.to_document())))
    return replace(state, staged=replace(state.staged, source=read))


def told(df: DataFrame, state: RunState) -> str:
    """What is said of a DataFrame for a run that has begun."""
    said: list[Event] = []
    try:
        check_same_rows(Source(df, is_scan=False), None, state, None, said.append)
    except OtherRows:
        return OTHER
    return UNSURE if said else SAME


ROWS = [(1, "a"), (2, "b")]
EDITED = [(1, "a"), (3, "b")]
NAMES = ["id", "key"]


def listed(spark, folder, edited):
    return spark.createDataFrame(EDITED if edited else ROWS, NAMES)


def from_pandas(spark, folder, edited):
    return spark.createDataFrame(pd.DataFrame(EDITED if edited else ROWS, columns=NAMES))


def values(spark, folder, edited):
    return spark.sql(f"select * from values (1, 'a'), ({3 if edited else 2}, 'b') as t(id, key)")


def numbers(spark, folder, edited):
    return spark.range(1000, 1007) if edited else spark.range(5)


def limited(spark, folder, edited):
    return spark.range(50).where(F.col("id") < (40 if edited else 41))


def with_map(spark, folder, edited):
    return spark.createDataFrame([(1, {"a": 3 if edited else 2})], "id int, m map<string,int>")


def by_a_function(spark, folder, edited):
    added = 2 if edited else 1

    def more(number):
        return number + added

    return spark.range(5).withColumn("more", F.udf(more, "long")("id"))


def joined(spark, folder, edited):
    right = spark.createDataFrame([(1, "x" if edited else "y")], ["id", "word"])
    return spark.range(5).join(right, on="id", how="left")


def random_numbers(spark, folder, edited):
    return spark.range(6 if edited else 5).withColumn("r", F.rand()).withColumn("u", F.expr("uuid()"))


def sampled(spark, folder, edited):
    return spark.range(60 if edited else 50).sample(0.5)


MADE = [
    by_a_function, listed, from_pandas, values, numbers, limited, with_map, joined, random_numbers, sampled,
]  # fmt: skip


@pytest.mark.parametrize("make", one_in(2, MADE))
def test_in_one_session_an_edited_cell_is_told_from_one_that_is_run_again(spark, tmp_path, make):
    state = staged(make(spark, tmp_path, edited=False), tmp_path)
    assert told(make(spark, tmp_path, edited=False), state) == SAME
    assert told(make(spark, tmp_path, edited=True), state) == OTHER


@pytest.mark.parametrize("make", one_in(2, MADE[1:]))  # of a function no process tells another
def test_so_it_is_from_another_process(spark, tmp_path, make):
    state = elsewhere(staged(make(spark, tmp_path, edited=False), tmp_path))
    assert told(make(spark, tmp_path, edited=False), state) == SAME
    assert told(make(spark, tmp_path, edited=True), state) == OTHER


def test_local_rows_cannot_be_told_where_the_staged_ones_are_gone(spark, tmp_path):
    state = elsewhere(staged(listed(spark, tmp_path, edited=False), tmp_path))
    shutil.rmtree(tmp_path / "staged")
    assert told(listed(spark, tmp_path, edited=False), state) == UNSURE
    assert told(numbers(spark, tmp_path, edited=False), state) == OTHER


def test_local_rows_with_random_numbers_cannot_be_told(spark, tmp_path):
    def make(edited):
        return listed(spark, tmp_path, edited).withColumn("r", F.rand())

    state = staged(make(edited=False), tmp_path)
    assert told(make(edited=False), state) == UNSURE


def test_a_ledger_of_before_takes_any_rows(spark, tmp_path):
    state = staged(numbers(spark, tmp_path, edited=False), tmp_path)
    older = replace(state, staged=replace(state.staged, source=None))
    assert told(numbers(spark, tmp_path, edited=True), older) == SAME


def append(spark, path, format):
    spark.range(10, 12).write.format(format).mode("append").save(path)


def rewrite(spark, path, format):
    """The same names and sizes, at another time."""
    for name in os.listdir(path):
        os.utime(f"{path}/{name}", (1, 1))


def remove(spark, path, format):
    part = sorted(name for name in os.listdir(path) if name.startswith("part-"))[0]
    os.unlink(f"{path}/{part}")


def delete_by_a_vector(spark, path, format):
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 2")


CHANGES = [
    ("parquet", append),
    ("parquet", rewrite),
    ("parquet", remove),
    ("json", append),
    ("json", rewrite),
    ("delta", delete_by_a_vector),
]
APPENDED = [(("delta", append), is_elsewhere) for is_elsewhere in (False, True)]


@pytest.mark.parametrize(
    ("changed", "is_elsewhere"),
    [*in_turn(CHANGES, [False, True]), *(pytest.param(*case, marks=pytest.mark.long) for case in APPENDED)],
)
def test_other_files_are_other_rows(spark, tmp_path, changed, is_elsewhere):
    format, change = changed
    path = str(tmp_path / "a table")
    with session_settings(spark, {"spark.databricks.delta.properties.defaults.enableDeletionVectors": "true"}):
        spark.range(10, numPartitions=2).write.format(format).save(path)

    def read():
        return spark.read.schema("id long").format(format).load(path) if format == "json" else loaded()

    def loaded():
        return spark.read.format(format).load(path)

    state = staged(read(), tmp_path)
    state = elsewhere(state) if is_elsewhere else state
    assert told(read(), state) == SAME
    change(spark, path, format)
    assert told(read(), state) == OTHER


@pytest.mark.parametrize("format", one_in(2, ["parquet", "csv"]))
def test_another_partition_than_the_filters_changes_nothing(spark, tmp_path, format):
    path = str(tmp_path / "table")

    def write(ds):
        days = spark.range(4).withColumn("ds", F.lit(ds))
        days.write.format(format).mode("append").partitionBy("ds").save(path)

    def day():
        return spark.read.format(format).load(path).where("ds = 1").select("*")

    write(1)
    state = elsewhere(staged(day(), tmp_path))
    write(2)
    assert told(day(), state) == SAME
    write(1)
    assert told(day(), state) == OTHER


def test_a_join_of_filtered_tables_is_told_by_its_rows(spark, tmp_path):
    path = str(tmp_path / "table")

    def write(ds):
        spark.range(4).withColumn("ds", F.lit(ds)).write.mode("append").partitionBy("ds").parquet(path)

    def day():
        return spark.read.parquet(path).where("ds = 1").join(spark.range(9), on="id", how="inner")

    write(1)
    state = elsewhere(staged(day(), tmp_path))
    write(2)
    assert told(day(), state) == SAME
    write(1)
    assert told(day(), state) == OTHER


def aggregated(spark, path):
    return spark.read.parquet(path).groupBy("id").count()


def beside_another(spark, path):
    return spark.read.parquet(f"{path} 2").select("id").join(spark.read.parquet(path).cache(), on="id", how="left")


@pytest.mark.parametrize(("read", "is_elsewhere"), in_turn([aggregated, beside_another], [False, True]))
def test_a_cached_table_whose_files_have_changed_is_told_by_its_rows(spark, tmp_path, read, is_elsewhere):
    """Of files below a cache Spark names none, so that the plan looked the same."""
    path = str(tmp_path / "table")

    def write(first):
        for place in (path, f"{path} 2"):
            if first == 0 or place == path:
                extra = F.lit(first).alias("first")
                spark.range(first, first + 5).select("id", extra).write.mode("overwrite").parquet(place)
        spark.catalog.clearCache()

    write(0)
    state = staged(read(spark, path).cache(), tmp_path)
    state = elsewhere(state) if is_elsewhere else state
    assert told(read(spark, path).cache(), state) == SAME
    write(1)
    assert told(read(spark, path).cache(), state) == OTHER
    spark.catalog.clearCache()


@pytest.fixture(scope="module")
def published(spark, world, tmp_path_factory):
    arguments = world.arguments(tmp_path_factory.mktemp("run"), output=None)
    return arguments, score(keys(spark, 0), **arguments)


def keys(spark, first):
    return spark.range(first, first + 20).select(F.col("id").cast("string").alias("key"))


def test_a_published_run_does_not_give_back_its_rows_for_others(spark, published):
    arguments, result = published
    with pytest.raises(OtherRows, match=r"is published, and these are other rows.*another run_id"):
        score(keys(spark, 1000), **arguments)
    assert score(keys(spark, 0), **arguments).report == result.report


def test_an_unfinished_run_does_not_go_on_with_other_rows(spark, world, tmp_path):
    arguments = world.arguments(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        score(keys(spark, 0), **arguments, listener=Interrupting(3))
    with pytest.raises(OtherRows, match="has staged its rows"):
        score(keys(spark, 1000), **arguments)
    assert score(keys(spark, 0), **arguments).df.count() == 20


@pytest.fixture
def run_file(spark, world, tmp_path):
    """A run file's configuration, of whose run the rows are staged and nothing more."""
    arguments = world.arguments(tmp_path)
    keys(spark, 0).write.parquet(str(tmp_path / "in"))
    document = {**arguments, "model": {"name": arguments["model"]}, "prediction": {"schema": arguments["prediction"]}}
    text = yaml.safe_dump(document | {"input": {"path": str(tmp_path / "in")}})
    config = load("run.yml", read=lambda path: text)
    driver = opened(spark, world, config)
    while driver.state.staged is None:
        driver.step()
    driver.close({})
    return config


def opened(spark, world, config, listener=silent, **how):
    return open_run(spark, config, world.access, listener, **how)


def finished(driver) -> int:
    report = driver.run().report
    driver.close(report)
    return report["rows_scored"]


def test_a_run_file_whose_input_is_as_it_was_goes_on(spark, world, run_file):
    assert finished(opened(spark, world, run_file)) == 20


def test_a_run_file_whose_input_has_other_files_is_refused_and_its_folder_goes_on(spark, world, run_file):
    keys(spark, 1000).write.mode("append").parquet(run_file.input.path)
    with pytest.raises(OtherRows, match=rf"`resume s3://tests/{run_file.run_id}` goes on"):
        opened(spark, world, run_file)
    assert finished(opened(spark, world, run_file, names_input=False)) == 20


def test_a_run_file_whose_input_is_gone_goes_on(spark, world, run_file):
    shutil.rmtree(run_file.input.path)
    said: list[str] = []
    listener: Callable[..., None] = lambda event: said.append(event.text)  # noqa: E731
    assert finished(opened(spark, world, run_file, listener)) == 20
    assert any("goes on with the rows that it has staged" in text for text in said)


def test_the_ledger_holds_no_value_of_a_row_nor_of_a_filter(spark, world, run_file):
    found = [json.loads(world.body(key)) for key in world.objects(f"runs/{run_file.run_id}/ledger/")]
    (source,) = [step["payload"]["source"] for step in found if step["kind"] == "staged"]
    assert source["files"]["exact"]
    assert source["files"]["count"] > 0
    assert set(source["plan"]) == {
        "digest",
        "is_random",
        "is_local",
        "is_filtered",
        "runs_code",
        "tells_files",
        "hides_files",
        "takes_others",
        "is_firm",
        "is_bare",
    }
