"""The Delta output on a real Delta Lake."""

from __future__ import annotations

import itertools
import re
import threading
import time
import uuid
from pathlib import Path

import pytest

from batch_transform.core.errors import ConfigurationError, PublishedUnverified, ServiceFailure
from batch_transform.core.object_store import StoreFailure
from batch_transform.outputs import delta_table as delta
from batch_transform.outputs.delta_checks import check_there, refuse_others
from batch_transform.outputs.delta_rules import sql_name
from batch_transform.outputs.delta_table import committed_rows, exists, publish_delta
from batch_transform.outputs.port import OutputTable
from batch_transform.outputs.registry import format_named
from batch_transform.outputs.unmade_tables import refuse_unmade
from support.memory_store import MemoryStore
from support.sampling import one_in

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "table `1`")


@pytest.fixture
def name(spark):
    table = f"t_{uuid.uuid4().hex}"
    yield table
    spark.sql(f"DROP TABLE IF EXISTS {table}")


def no_sleep(seconds):
    raise AssertionError("nothing to wait for")


def publish(df, output, nonce="n1", sleep=no_sleep):
    return publish_delta(df, output, "run", nonce, sleep)


def rows(spark, output):
    return sorted(tuple(row) for row in spark.table(sql_name(output)).collect())


def there(df, path):
    """Makes a table as another writer leaves it."""
    df.write.format("delta").save(path)


def two_columns(spark, *pairs):
    return spark.createDataFrame(list(pairs), "id long, p string").coalesce(1)


OUTPUTS = {
    "overwrite_partitions": [(1, "a"), (5, "b")],
    "append": [(1, "a"), (2, "b"), (5, "b")],
    "overwrite": [(5, "b")],
}


@pytest.mark.parametrize(("mode", "by"), one_in(6, itertools.product(OUTPUTS, ["path", "table"])))
def test_a_write_repeated_changes_nothing(spark, path, name, mode, by):
    """Every mode does what it is called, once, and tells the same count again."""
    place = {"path": path} if by == "path" else {"table": name}
    publish(two_columns(spark, (1, "a"), (2, "b")), OutputTable("append", partition_by=("p",), **place), "n0")
    output = OutputTable(mode, partition_by=("p",), **place)
    counts = [publish(two_columns(spark, (5, "b")), output) for _ in range(2)]
    assert counts == [1, 1]
    assert rows(spark, output) == OUTPUTS[mode]


@pytest.mark.parametrize(("mode", "by"), one_in(5, itertools.product(["error", *OUTPUTS], ["path", "table"])))
def test_delta_skips_a_commit_that_this_code_did_not_find(spark, path, name, mode, by):
    """The transaction alone holds, also for the write that made the table: the history is a second line only."""
    output = OutputTable(mode, path=path) if by == "path" else OutputTable(mode, table=name)
    options = delta.writer_options(output, "run", "n1")
    for _ in range(2):
        assert delta._write(spark.range(3), output, options) is delta.Conflict.NONE
    assert rows(spark, output) == [(0,), (1,), (2,)]


def test_replace_where_replaces_the_rows_that_fit(spark, path):
    """Rows that Delta copies because they share a file with replaced ones are not counted as written; of none, none."""
    there(two_columns(spark, (1, "a"), (2, "b"), (3, "c")), path)
    output = OutputTable("overwrite", path, replace_where="id >= 2")
    assert publish(two_columns(spark, (7, "x")), output) == 1
    assert rows(spark, output) == [(1, "a"), (7, "x")]
    assert publish(two_columns(spark, (7, "x")).where("false"), output, "n2") == 0
    assert rows(spark, output) == [(1, "a")]


@pytest.mark.parametrize("replace_where", one_in(2, [None, "p = 'b'"]))
def test_a_session_set_to_dynamic_overwrites_as_the_mode_says(spark, path, replace_where):
    publish(two_columns(spark, (1, "a"), (2, "b")), OutputTable("append", path, partition_by=("p",)), "n0")
    output = OutputTable("overwrite", path, partition_by=("p",), replace_where=replace_where)
    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    try:
        publish(two_columns(spark, (5, "b")), output)
    finally:
        spark.conf.unset("spark.sql.sources.partitionOverwriteMode")
    assert rows(spark, output) == ([(5, "b")] if replace_where is None else [(1, "a"), (5, "b")])


def test_an_empty_result_makes_an_empty_table(spark, path):
    output = OutputTable("error", path)
    assert publish(spark.range(0), output) == 0
    assert spark.table(sql_name(output)).columns == ["id"]


def test_error_mode_refuses_a_table_that_another_writer_made(spark, path):
    publish(spark.range(2), OutputTable("append", path), "another")
    with pytest.raises(ConfigurationError, match="another writer"):
        publish(spark.range(3), OutputTable("error", path))
    assert spark.table(sql_name(OutputTable("error", path))).count() == 2


def overtaken(spark, folder, rival):
    """Returns a table of 5 rows that stops while it is computed until `rival` has run in another thread."""
    started, go = folder / "started", folder / "go"

    def wait(batches):
        started.touch()
        while not go.exists():
            time.sleep(0.02)
        yield from batches

    def run_rival():
        while not started.exists():
            time.sleep(0.02)
        try:
            rival()
        finally:
            go.touch()

    threading.Thread(target=run_rival, daemon=True).start()
    # One partition: the rival needs the other core.
    return spark.range(0, 5, 1, 1).mapInPandas(wait, "id long")


def test_a_lost_race_is_run_again(spark, path, tmp_path):
    """Another run's overwrite commits in between: Delta refuses ours, and the second attempt replaces it."""
    output, waits = OutputTable("overwrite", path), []
    there(spark.range(2), path)
    df = overtaken(spark, tmp_path, lambda: publish(spark.range(9), output, "rival"))
    assert publish(df, output, sleep=waits.append) == 5
    assert waits == [delta.FIRST_WAIT_SECONDS]
    assert spark.table(sql_name(output)).count() == 5


@pytest.mark.parametrize("mode", one_in(2, ["append", "overwrite"]))
def test_two_drivers_of_one_run_publish_once(spark, path, tmp_path, mode):
    """The other one, with the same nonce, was quicker: its commit is ours."""
    output = OutputTable(mode, path)
    there(spark.range(2), path)
    df = overtaken(spark, tmp_path, lambda: publish(spark.range(5), output, "n1"))
    assert publish(df, output, "n1") == 5
    assert spark.table(sql_name(output)).count() == (7 if mode == "append" else 5)


def test_two_runs_that_make_one_table_in_error_mode(spark, path, tmp_path):
    """The one that comes second must not append to the first one's table."""
    output = OutputTable("error", path)
    df = overtaken(spark, tmp_path, lambda: publish(spark.range(9), output, "rival"))
    with pytest.raises(ConfigurationError, match="another writer"):
        publish(df, output, sleep=lambda seconds: None)
    assert spark.table(sql_name(output)).count() == 9


def test_losing_every_race_ends(spark, path, monkeypatch):
    monkeypatch.setattr(delta, "_write", lambda df, output, options: delta.Conflict.RETRY)
    waits = []
    with pytest.raises(ServiceFailure, match="5 attempts"):
        publish(spark.range(1), OutputTable("append", path), sleep=waits.append)
    assert waits == [2, 4, 8, 16]


def test_a_commit_without_a_count_is_unverified(spark, path):
    output = OutputTable("append", path)
    spark.conf.set("spark.databricks.delta.history.metricsEnabled", "false")
    try:
        with pytest.raises(PublishedUnverified, match="version 0"):
            publish(spark.range(3), output)
    finally:
        spark.conf.unset("spark.databricks.delta.history.metricsEnabled")


def test_our_commit_is_found_among_others(spark, path, monkeypatch):
    """Also behind the recent ones, and beside commits whose metadata is no JSON."""
    monkeypatch.setattr(delta, "RECENT_COMMITS", 1)
    output = OutputTable("append", path)
    publish(spark.range(3), output, "n1")
    spark.range(9).write.format("delta").mode("append").option("userMetadata", "not { json").save(path)
    assert committed_rows(spark, output, "n1") == 3
    assert committed_rows(spark, output, "n2") is None


@pytest.mark.parametrize("by", one_in(2, ["path", "table"]))
def test_a_commit_is_looked_for_without_counting_the_files_of_the_table(spark, path, name, by, monkeypatch):
    """For which Delta reads all of its log, however long that is."""
    output = OutputTable("append", path=path) if by == "path" else OutputTable("append", table=name)
    publish(spark.range(3), output, "n1")
    monkeypatch.setattr(delta, "describe", lambda *_: pytest.fail("the table's detail was asked for"))
    assert committed_rows(spark, output, "n1") == 3
    assert committed_rows(spark, output, "n2") is None


def test_a_commit_is_looked_for_in_no_table_of_another_format(spark, path, name):
    spark.range(3).write.format("parquet").saveAsTable(name)
    with pytest.raises(ConfigurationError, match="is a parquet table"):
        committed_rows(spark, OutputTable("append", table=name), "n1")
    spark.range(3).write.parquet(path)
    assert committed_rows(spark, OutputTable("append", path), "n1") is None


@pytest.mark.parametrize("by", ["path", "table"])
def test_no_table_has_no_commit(spark, path, name, by):
    output = OutputTable("append", path=path) if by == "path" else OutputTable("append", table=name)
    assert not exists(spark, output)
    assert committed_rows(spark, output, "n1") is None


def test_preflight_tells_whether_the_table_is_there(spark, path):
    output = OutputTable("append", path)
    assert not check_there(spark, output, ("id",))
    publish(spark.range(3), output)
    assert check_there(spark, output, ("ID",))


@pytest.fixture(scope="module")
def partitioned(spark, tmp_path_factory):
    """A table that no test changes."""
    place = str(tmp_path_factory.mktemp("partitioned") / "table")
    publish(two_columns(spark, (1, "a")), OutputTable("append", place, partition_by=("p",)))
    return place


@pytest.mark.parametrize(
    ("mode", "columns", "partition_by", "words"),
    [
        ("error", ("id", "p"), (), "is there already"),
        ("append", ("id", "score"), (), "no column score"),
        ("append", ("id", "p"), ("id",), "partitioned by"),
    ],
)
def test_preflight_refuses_what_delta_would_refuse_later(spark, partitioned, mode, columns, partition_by, words):
    with pytest.raises(ConfigurationError, match=words):
        check_there(spark, OutputTable(mode, partitioned, partition_by=partition_by), columns)


def test_preflight_refuses_parquet_files_that_are_no_table(spark, path):
    spark.range(3).write.parquet(path)
    with pytest.raises(ConfigurationError, match="no Delta table"):
        check_there(spark, OutputTable("append", path), ("id",))


def test_preflight_refuses_a_table_of_another_format(spark, name):
    spark.range(3).write.format("parquet").saveAsTable(name)
    with pytest.raises(ConfigurationError, match="is a parquet table"):
        check_there(spark, OutputTable("append", table=name), ("id",))


def test_an_error_that_is_no_conflict_is_not_swallowed(spark, path):
    output = OutputTable("append", path)
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        publish(spark.range(3).selectExpr("id / 0 AS x"), output)
    assert committed_rows(spark, output, "n1") is None


def test_preflight_refuses_to_make_a_table_around_another_one(spark, tmp_path):
    """Also where only Spark may list the place; what readers do not see is nothing."""

    class Forbidden(MemoryStore):
        def list(self, prefix):
            raise StoreFailure("ListObjectsV2", str(prefix), "AccessDenied", "no")

    output = OutputTable("error", f"file:{tmp_path}", location="s3://bucket/out")
    (tmp_path / "_SUCCESS").touch()
    refuse_others(spark, Forbidden(), output)
    publish(spark.range(3), OutputTable("error", f"{tmp_path}/other table"))
    with pytest.raises(ConfigurationError, match="out holds other table/, and is no Delta table yet"):
        refuse_others(spark, Forbidden(), output)
    with pytest.raises(ConfigurationError, match="holds other table/"):
        refuse_others(spark, MemoryStore(), OutputTable("error", f"file:{tmp_path}", location=str(tmp_path)))
    there = OutputTable("append", f"file:{tmp_path}/other table", location="s3://bucket/other table")
    format_named("delta").look_at(spark, Forbidden(), there, ("id",))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("nosuch.t", r"dead_letter: nosuch\.t cannot be made: there is no schema `nosuch`; make it first"),
        ("`no.such`.t", "there is no schema `no.such`"),
        ("Parquet.`/lake/t`", r"it names a folder; write dead_letter\.path: /lake/t and output\.format: parquet"),
        ("`a-b`", r"names of letters, digits and _ alone"),
        ("default.`a``b`", r"names of letters, digits and _ alone"),
        ("left_{}", r"holds part-0\.parquet, as what is left of a table that was dropped"),
        ("default.LEFT_{}", r"holds part-0\.parquet"),
        ("new_{}", None),
        ("spark_catalog.default.`new_{}`", None),
    ],
)
def test_a_named_table_that_the_catalog_would_not_make_is_refused(spark, table, words):
    """Spark said so once everything was scored and paid for."""
    unique = uuid.uuid4().hex
    (home,) = spark.sql("DESCRIBE SCHEMA EXTENDED default").where("info_name = 'Location'").collect()
    folder = Path(home["info_value"].removeprefix("file:"), f"left_{unique}")
    folder.mkdir(parents=True)
    (folder / "part-0.parquet").touch()
    output = OutputTable("append", table=table.format(unique), key="dead_letter")
    if words is None:
        format_named("delta").preflight(spark, None, output, ("id",))
        return
    with pytest.raises(ConfigurationError, match=words):
        format_named("delta").preflight(spark, None, output, ("id",))


def test_the_schema_of_the_session_may_be_one_that_stands_in_backticks(spark):
    """As `my-db` of Glue or of Unity Catalog is told: it was quoted again, and refused as one that is not there."""
    spark.conf.set("spark.sql.catalog.d", "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog")
    spark.conf.set("spark.sql.catalog.d.url", f"jdbc:derby:memory:{uuid.uuid4().hex};create=true")
    spark.conf.set("spark.sql.catalog.d.driver", "org.apache.derby.jdbc.EmbeddedDriver")
    spark.sql("CREATE SCHEMA d.`my-db`")
    try:
        spark.sql("USE d.`my-db`")
        refuse_unmade(spark, None, OutputTable("append", table="t"))
        with pytest.raises(ConfigurationError, match="there is no schema `my-db-2`"):
            refuse_unmade(spark, None, OutputTable("append", table="`my-db-2`.t"))
    finally:
        spark.sql("USE spark_catalog.default")


def test_a_new_table_may_be_named_by_its_path(spark, tmp_path):
    """As the dead letters beside one that is: Delta's error of what is not there yet ended the run."""
    output = OutputTable("append", table=f"delta.`{tmp_path}/new`")
    assert not check_there(spark, output, ("id",))
    refuse_others(spark, None, output)
    df = two_columns(spark, (1, "a"), (2, "b"))
    assert publish(df, output) == 2
    assert publish(df, output) == 2
    assert rows(spark, output) == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("left", [(), ("p=1/a_0-1-0_2024.parquet",)])
def test_a_table_of_hudi_is_not_written_over_nor_made_one_of_delta(spark, tmp_path, left):
    """With files in it the advice was to convert them, rows of earlier versions among them."""
    for name in (".hoodie/hoodie.properties", *left):
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).touch()
    output = OutputTable("append", f"file:{tmp_path}/t", location=f"{tmp_path}/t")
    with pytest.raises(ConfigurationError, match=r"output: \S+/t is a Hudi table, and output\.format is delta; name"):
        format_named("delta").preflight(spark, MemoryStore(), output, ("id",))
    (tmp_path / "t" / ".hoodie" / "hoodie.properties").unlink()
    (tmp_path / "t" / "a.parquet").write_bytes(b"no footer")
    with pytest.raises(ConfigurationError, match=r"output: \S+/t holds \S+, and is no Delta table yet"):
        format_named("delta").preflight(spark, MemoryStore(), output, ("id",))


def test_a_table_that_loses_its_clustering_is_warned_of(spark, tmp_path):
    """Delta 4.4 replaces the table's metadata with that of a new one, which no option of its writer prevents."""
    place = f"{tmp_path}/t"
    spark.sql(
        f"CREATE TABLE delta.`{place}` (id BIGINT, `a b` INT) USING delta CLUSTER BY (id, `a b`) "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
    )
    told = lambda **how: format_named("delta").warnings(spark, [OutputTable(path=place, **how)], None)  # noqa: E731
    assert told(mode="append") == told(mode="overwrite", replace_where="id > 1") == []
    (warning,) = told(mode="overwrite")
    (command,) = re.findall(r"is clustered by id, `a b`, .*; if it has: (.*)$", warning)
    rows = spark.range(1).selectExpr("id", "1 AS `a b`")
    publish(rows, OutputTable("overwrite", place))
    clustered = lambda: spark.sql(f"DESCRIBE DETAIL delta.`{place}`").first()["clusteringColumns"]  # noqa: E731
    assert clustered() == []
    spark.sql(command)
    assert clustered() == ["id", "`a b`"]
