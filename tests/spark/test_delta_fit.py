"""What a Delta table refuses is known before anything is paid for, by Delta's own analysis and without a commit."""

from __future__ import annotations

import itertools
import re
import uuid
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from batch_transform import score
from batch_transform.core.errors import ConfigurationError, ServiceFailure
from batch_transform.outputs.delta_fit import check_fits
from batch_transform.outputs.port import OutputTable
from batch_transform.spark.dead_letters import ERROR_TYPE
from support.sampling import in_turn, one_in

pytestmark = [pytest.mark.spark, pytest.mark.jars, pytest.mark.slow]


@pytest.fixture
def table(spark, tmp_path):
    """Makes a table from its columns and properties; returns its path."""

    def make(columns, properties="", by="", constraint=None):
        place = f"{tmp_path}/t"
        made = f"CREATE TABLE delta.`{place}` ({columns}) USING delta"
        spark.sql(
            made + (f" PARTITIONED BY ({by})" if by else "") + (f" TBLPROPERTIES ({properties})" if properties else "")
        )
        if constraint:
            spark.sql(f"ALTER TABLE delta.`{place}` ADD CONSTRAINT c CHECK ({constraint})")
        return place

    return make


@pytest.fixture
def named(spark):
    name = f"t_{uuid.uuid4().hex}"
    yield name
    spark.sql(f"DROP TABLE IF EXISTS {name}")


def schema(spark, ddl):
    return spark.createDataFrame([], ddl).schema


def files(folder):
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file())


REFUSED = {
    "another type": ("id INT, x FLOAT", {}, "id int, x double", ["x is double here and float in"]),
    "another type in a struct": (
        "s STRUCT<a: INT, b: ARRAY<FLOAT>>",
        {},
        "s struct<a: int, b: array<double>>",
        [r"s\.b\.element is double here and float in"],
    ),
    "a field more": ("s STRUCT<a: INT>", {}, "s struct<a: int, b: int>", [r"has no field s\.b"]),
    "a column that is never null": ("id INT, n INT NOT NULL", {}, "id int", ["NOT NULL"]),
    "a type that a constraint reads": ("id BIGINT", {"constraint": "id > 0"}, "id int", ["id is int here and bigint"]),
    "append only": ("id INT", {"properties": "'delta.appendOnly' = 'true'"}, "id int", ["appendOnly"]),
}


@pytest.mark.parametrize(("name", "mode"), in_turn(REFUSED, ["append", "overwrite"]))
def test_what_delta_refuses_is_told_and_nothing_is_left(spark, table, tmp_path, name, mode):
    columns, made, ddl, words = REFUSED[name]
    place = table(columns, **made)
    before = files(tmp_path)
    if (name, mode) == ("append only", "append"):
        check_fits(spark, OutputTable(mode, place), schema(spark, ddl))
    else:
        with pytest.raises(ConfigurationError) as refused:
            check_fits(spark, OutputTable(mode, place), schema(spark, ddl))
        assert [word for word in words if not re.search(word, str(refused.value))] == [], str(refused.value)
    assert files(tmp_path) == before


DAY = "d DATE GENERATED ALWAYS AS (CAST(ts AS DATE))"
ACCEPTED = {
    "column mapping": (
        "id INT, `x y` DOUBLE",
        {"properties": "'delta.columnMapping.mode' = 'name'"},
        "id int, `x y` double",
    ),
    "a generated column": ("ts TIMESTAMP, d DATE GENERATED ALWAYS AS (CAST(ts AS DATE))", {}, "ts timestamp"),
    "a generated column, given": (
        "ts TIMESTAMP, d DATE GENERATED ALWAYS AS (CAST(ts AS DATE))",
        {},
        "ts timestamp, d date",
    ),
    "type widening": ("id BIGINT", {"properties": "'delta.enableTypeWidening' = 'true'"}, "id bigint"),
    "a default": (
        "id INT, x INT DEFAULT 3",
        {"properties": "'delta.feature.allowColumnDefaults' = 'supported'"},
        "id int",
    ),
    "partitions": ("id INT, d STRING", {"by": "d"}, "id int, d string"),
    "an identity": ("id INT, n BIGINT GENERATED ALWAYS AS IDENTITY", {}, "id int"),
}


@pytest.mark.parametrize(
    ("name", "mode"), one_in(5, itertools.product(ACCEPTED, ["append", "overwrite", "overwrite_partitions"]))
)
def test_what_delta_accepts_is_accepted_without_a_commit(spark, table, tmp_path, name, mode):
    """The same write, done, is accepted as well."""
    columns, made, ddl = ACCEPTED[name]
    place = table(columns, **made)
    spark.createDataFrame([], ddl).write.format("delta").mode("append").save(place)
    before = files(tmp_path)
    check_fits(spark, OutputTable(mode, place), schema(spark, ddl))
    assert files(tmp_path) == before


@pytest.fixture(scope="module")
def partitioned(spark, tmp_path_factory):
    """A table of nine rows in two partitions, which no test changes."""
    folder = tmp_path_factory.mktemp("partitioned")
    spark.range(9).selectExpr("id", "id % 2 AS p").write.format("delta").partitionBy("p").save(f"{folder}/t")
    return folder


@pytest.mark.parametrize(
    "how",
    [
        {"mode": "append"},
        {"mode": "overwrite"},
        {"mode": "overwrite", "replace_where": "id > 3"},
        {"mode": "overwrite_partitions", "partition_by": ("p",)},
    ],
)
def test_rows_that_are_there_are_not_rewritten_for_the_question(spark, partitioned, how):
    before = files(partitioned)
    check_fits(spark, OutputTable(path=f"{partitioned}/t", **how), schema(spark, "id long, p long"))
    assert files(partitioned) == before


def test_a_condition_of_what_is_replaced_that_is_none_is_told(spark, partitioned):
    replaced = OutputTable("overwrite", f"{partitioned}/t", replace_where="colour")
    with pytest.raises(ConfigurationError, match=r"output\.replace_where: .*colour"):
        check_fits(spark, replaced, schema(spark, "id long, p long"))


@pytest.mark.parametrize("mode", one_in(2, ["append", "overwrite"]))
def test_a_named_table_casts_and_that_loses_values(spark, named, mode):
    """Delta appends a string to a bigint by name, and fails at the first row that is no number."""
    spark.range(3).write.format("delta").saveAsTable(named)
    with pytest.raises(ConfigurationError, match="id is string here and bigint in"):
        check_fits(spark, OutputTable(mode, table=named), schema(spark, "id string"))
    check_fits(spark, OutputTable(mode, table=named), schema(spark, "id long"))
    assert spark.sql(f"DESCRIBE HISTORY {named}").count() == 1


def commits(place):
    return sorted(path.name for path in Path(place, "_delta_log").glob("*.json"))


def refused(world, tmp_path, df, place, **changes):
    output = {"path": place, "format": "delta", "mode": "append", **changes.pop("output", {})}
    arguments = world.arguments(tmp_path, output=output, **changes)
    before = commits(place)
    with pytest.raises(ConfigurationError) as caught:
        score(df, **arguments)
    assert world.jobs(arguments["run_id"]) == []
    assert commits(place) == before
    return str(caught.value)


def keys(spark, *values):
    return spark.createDataFrame([(value, f"k{value}") for value in values], "id int, key string").coalesce(1)


ROWS = {
    "a check": ({"columns": "id INT, key STRING, echo STRING", "constraint": "id > 0"}, r"demands CHECK c \(id > 0\)"),
    "a check of null": (
        {"columns": "id INT, key STRING, echo STRING", "constraint": "nullif(id, -1) + nullif(id, -2) IS NOT NULL"},
        "CHECK c",
    ),
    "never null": ({"columns": "id INT, key STRING NOT NULL, echo STRING"}, "NOT NULL of `key`"),
    "generated": (
        {"columns": "id INT, key STRING GENERATED ALWAYS AS (IF(id < 0, 'x', concat('k', id))), echo STRING"},
        "GENERATED ALWAYS",
    ),
    "too long a text": ({"columns": "id INT, key VARCHAR(2), echo STRING"}, r"demands `key` varchar\(2\)"),
}


@pytest.mark.parametrize("name", one_in(4, ROWS))
def test_rows_that_break_a_rule_of_the_table_are_counted_before_they_are_paid_for(spark, world, table, tmp_path, name):
    made, words = ROWS[name]
    place = table(**made)
    df = keys(spark, 3, -1, -2, 4)
    if name == "never null":
        df = df.withColumn("key", F.when(F.col("id") > 0, F.col("key")))
    said = refused(world, tmp_path, df, place)
    assert "2 rows cannot be published" in said
    assert "the first is row 1 " in said
    assert re.search(words, said)
    assert "k-1" not in said


def test_a_rule_on_a_column_that_is_null_in_every_row(spark, world, table, tmp_path):
    place = table("id INT, key STRING, echo STRING, n INT", constraint="n > 0")
    assert "CHECK c (n > 0)" in refused(world, tmp_path, keys(spark, 1, 2), place)


NESTED = {
    "a field": ("struct<a: varchar(2), n: int>", "named_struct('a', key, 'n', id)"),
    "an element": ("array<char(2)>", "array(null, key)"),
    "a key of a map": ("map<varchar(2), string>", "map(key, key)"),
    "a value deep inside": ("map<string, array<struct<a: varchar(2)>>>", "map(key, array(named_struct('a', key)))"),
}


@pytest.mark.parametrize("name", one_in(4, NESTED))
def test_texts_that_are_too_long_within_a_column_are_counted_as_well(spark, world, table, tmp_path, name):
    kind, made = NESTED[name]
    place = table(f"id INT, key STRING, c {kind.upper()}, echo STRING")
    df = keys(spark, 3, -1, -2, 4).withColumn("c", F.expr(f"IF(id = 4, null, {made})"))
    said = refused(world, tmp_path, df, place, columns=["key"])
    assert "2 rows cannot be published" in said
    assert "the first is row 1 " in said


@pytest.mark.long
def test_texts_that_fit_are_published(spark, world, table, tmp_path):
    place = table("id INT, key VARCHAR(2), c ARRAY<VARCHAR(2)>, echo VARCHAR(2)")
    df = keys(spark, 3, 4).withColumn("c", F.expr("IF(id = 4, null, array(null, key, 'ü '))"))
    arguments = world.arguments(tmp_path, output={"path": place, "format": "delta", "mode": "append"}, columns=["key"])
    assert score(df, **arguments).df.count() == 2


def test_rows_outside_of_replace_where(spark, world, table, tmp_path):
    place = table("id INT, key STRING, echo STRING")
    output = {"mode": "overwrite", "replace_where": "id > 1"}
    assert "output.replace_where (id > 1)" in refused(world, tmp_path, keys(spark, 1, 2), place, output=output)


@pytest.mark.parametrize("by", ["table", "path"])
@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("id > 1", [r"2 rows cannot be published: \S+ demands output\.replace_where"]),
        (
            "echo > ''",
            [r"dead_letter: \S+_dead_letter`? does not .*replace_where: .*echo.* name columns of the input alone"],
        ),
        ("nope > ''", ["output: .*nope"]),
    ],
)
def test_what_a_new_table_would_not_take(spark, world, tmp_path, condition, told, by):
    """By its name it is made empty, and then written: Delta refused that once all was scored.

    By its path Delta took any row, of which the next run replaced none, or was refused itself.
    """
    place = {"table": f"t_{uuid.uuid4().hex}"} if by == "table" else {"path": f"{tmp_path}/new"}
    output = {**place, "format": "delta", "mode": "overwrite", "replace_where": condition}
    arguments = world.arguments(tmp_path, output=output)
    with pytest.raises(ConfigurationError) as caught:
        score(keys(spark, 0, 1, 2), **arguments)
    assert world.jobs(arguments["run_id"]) == []
    assert all(re.search(words, str(caught.value)) for words in told), str(caught.value)


def test_a_table_that_takes_no_overwrite_refuses_predictions_of_any_schema(spark, world, table, tmp_path):
    """With an inferred schema nothing was asked of it but its types, and all was paid for first."""
    place = table("id INT, key STRING, echo STRING", properties="'delta.appendOnly' = 'true'")
    said = refused(world, tmp_path, keys(spark, 1), place, output={"mode": "overwrite"}, prediction={"schema": "infer"})
    assert "it is delta.appendOnly, and output.mode is overwrite" in said


def test_the_dead_letters_table_is_asked_as_well(spark, world, table, tmp_path):
    place = table("id BIGINT, key INT, error STRING")
    arguments = world.arguments(
        tmp_path,
        output={"path": f"{tmp_path}/out", "format": "delta", "mode": "append"},
        dead_letter={"path": place},
    )
    with pytest.raises(ConfigurationError) as caught:
        score(keys(spark, 1), **arguments)
    assert all(fault.startswith("dead_letter: ") for fault in caught.value.faults)
    assert any("the column key is string here and int" in fault for fault in caught.value.faults)
    assert not (tmp_path / "out").exists()


def test_tables_that_are_there_say_which_names_they_take(spark, world, tmp_path):
    """With column mapping those of which a new table takes none; a run made one of them, to see."""
    mapped = "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
    places = {"scores": "echo STRING", "dead": f"error {ERROR_TYPE.simpleString()}"}
    for name, added in places.items():
        spark.sql(f"CREATE TABLE delta.`{tmp_path}/{name}` (key STRING, `x y` INT, {added}) USING delta {mapped}")
    paths = {name: str(tmp_path / name) for name in places}
    output = {"path": paths["scores"], "format": "delta", "mode": "append"}
    df = spark.createDataFrame([("k1", 1), ("k2", 2)], "key string, `x y` int").coalesce(1)
    found = score(df, **world.arguments(tmp_path, output=output, dead_letter={"path": paths["dead"]}))
    assert {tuple(row) for row in found.df.collect()} == {("k1", 1, "k1"), ("k2", 2, "k2")}
    with pytest.raises(ConfigurationError, match="columnMapping"):
        score(df, **world.arguments(tmp_path, output=output))  # of which the dead letters are new


def test_a_name_that_mapped_tables_alone_take_is_inferred_once_it_is_written_down(spark, world, tmp_path, monkeypatch):
    """Whether the table is one, only Spark knows, which the step that infers does not ask."""
    place = str(tmp_path / "scores")
    spark.sql(
        f"CREATE TABLE delta.`{place}` (id INT, key STRING, `x y` STRING) USING delta "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
    )
    answer = lambda body: (200, b'{"x y": "a"}\n' * len(body.splitlines()))  # noqa: E731
    monkeypatch.setattr(world.models["formed"].script, "answer", answer)
    output, dead = {"path": place, "format": "delta", "mode": "append"}, {"path": f"{tmp_path}/dead"}
    arguments = world.arguments(tmp_path, "formed", prediction={"schema": "infer"}, output=output, dead_letter=dead)
    with pytest.raises(ServiceFailure, match=r"a table with column mapping .* takes all of it, if you give that"):
        score(keys(spark, 1, 2), **arguments)
    result = score(keys(spark, 1, 2), **{**arguments, "prediction": "`x y` string"})
    assert [row["x y"] for row in result.df.collect()] == ["a", "a"]
    assert len(world.jobs(arguments["run_id"])) == 1


def test_rules_that_hold_let_the_run_publish(spark, world, table, tmp_path):
    place = table(
        "id INT NOT NULL, key STRING, echo STRING, d STRING GENERATED ALWAYS AS (concat('k', id))",
        constraint="id > 0 AND echo <> 'nothing'",
        properties="'delta.columnMapping.mode' = 'name'",
    )
    arguments = world.arguments(tmp_path, output={"path": place, "format": "delta", "mode": "append"})
    assert score(keys(spark, 1, 2), **arguments).report["status"] == "published"
    assert sorted(map(tuple, spark.read.format("delta").load(place).select("id", "d").collect())) == [
        (1, "k1"),
        (2, "k2"),
    ]


@pytest.mark.parametrize(
    ("columns", "changes", "words"),
    [
        ("id INT, key STRING, x DOUBLE", {}, "output: the column x is string here and double in"),
        ("id INT, key STRING, y STRING", {}, "output: no column x in .*Did you mean y|output: no column x in"),
        ("id INT, key STRING, x STRING", {"expect": ["avg(z) > 0"]}, r"expect: avg\(z\) > 0: .*z"),
    ],
)
def test_what_is_inferred_is_held_against_the_table_before_more_is_paid_for(
    spark, world, table, tmp_path, monkeypatch, columns, changes, words
):
    """A row that failed was sent again and again first, and Delta refused the table in the end."""
    place = table(columns)
    answer = lambda body: (500, b"") if b'"k1"' in body else (200, b'{"x": "a"}\n' * len(body.splitlines()))  # noqa: E731
    monkeypatch.setattr(world.models["formed"].script, "answer", answer)
    output = {"path": place, "format": "delta", "mode": "append"}
    arguments = world.arguments(
        tmp_path, "formed", prediction={"schema": "infer"}, output=output, errors={"max_rows": 1}, **changes
    )
    two = keys(spark, 1, 2).repartition(2, "id")
    with pytest.raises(ServiceFailure, match=rf"read as by x string, and cannot be published: {words}"):
        score(two, **arguments)
    assert len(world.jobs(arguments["run_id"])) == 1
    assert commits(place) == ["00000000000000000000.json"]
    elsewhere = {**output, "path": f"{tmp_path}/elsewhere"}
    result = score(two, **{**arguments, "output": elsewhere, "expect": []})
    assert [row["x"] for row in result.df.collect()] == ["a"]
