"""No name of the pipeline's own meets one of the user's: every such name, in any case, wherever a user may have it."""

from __future__ import annotations

import itertools
import json

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, LongType, StringType, StructField, StructType

from batch_transform.core import reserved_columns
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import JSON_LINES
from batch_transform.core.reserved_columns import quoted
from batch_transform.core.sending.partitioning import Partitioning
from batch_transform.spark.input_reading import column_faults, has_large_rows
from batch_transform.spark.prediction_columns import prediction_shape
from batch_transform.spark.record_rules import record_rule
from batch_transform.spark.settings import OWN_SETTINGS, session_settings
from batch_transform.spark.staged_rows import read_staged, staged_schema
from support.sampling import in_turn, one_in
from support.staged_tables import answered, stage_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]

_REGISTERED = {value for name, value in vars(reserved_columns).items() if name.isupper() and isinstance(value, str)}
# Those of before there was a registry, those of tables that are all ours, and of Spark's own.
_OTHERS = """
__scored __job __object __scored_at number line name text key start stop position value job object at rows first last
faults first_fault kinds size lane bytes largest record id class message outcome fault c0 c1 c_0 _metadata __metadata
___metadata file_path file_name json_bytes states element col1 item
"""
OWN = sorted(_REGISTERED | set(_OTHERS.split()) | {"_" + name for name in _REGISTERED})
ODD = [
    "",
    " ",
    "a.b",
    "c0.c1",
    "a`b",
    "`",
    "*",
    "a.*",
    "'",
    '"',
    "\\",
    "ı",
    "I",
    "ſ",
    "s",
    "İ",
    "ß",
    "SS",
    "名",
    "a=b",
    "a/b",
    "%",
    "-1",
]
CASES = {"lower": str.lower, "title": str.title}
WAYS = ["zip", "join"]
ROWS = 4


@pytest.fixture(autouse=True)
def _settings(spark):
    with session_settings(spark, OWN_SETTINGS):
        yield


def names_of(case: str) -> list[str]:
    return [*map(CASES[case], OWN), *ODD]


def wide(spark, names, rows=ROWS):
    """A table whose every value is its row's and its column's own, in one partition."""
    values = [tuple(f"{row} in {place}" for place in range(len(names))) for row in range(rows)]
    return spark.createDataFrame(values, StructType([StructField(name, StringType()) for name in names])).coalesce(1)


def ddl(names, kind="bigint"):
    return ", ".join(f"{quoted(name)} {kind}" for name in names)


def collected(df):
    """The rows by place: a name does not tell a value."""
    return sorted(tuple(row) for row in df.collect())


@pytest.mark.parametrize("case", one_in(2, CASES))
def test_input_columns_of_every_own_name_come_out_as_they_went_in(spark, world, tmp_path, case):
    df = wide(spark, names_of(case))
    run = answered(world, df, lambda place: {"p!": place}, tmp_path)
    shape = prediction_shape(spark, "`p!` bigint", provenance=False)
    for way in WAYS:
        result = run.result(shape, way)
        assert result.columns == [*df.columns, "p!"]
        assert collected(result) == [(*row, place) for place, row in enumerate(collected(df)[:-1])]
    (dead,) = run.dead("what happened").collect()
    assert run.dead("what happened").columns == [*df.columns, "what happened"]
    assert tuple(dead)[:-1] == collected(df)[-1]
    assert dead["what happened"]["class"] == "client error"


@pytest.mark.parametrize("case", one_in(2, CASES))
def test_nested_fields_of_every_own_name_come_out_as_they_went_in(spark, world, tmp_path, case):
    names = names_of(case)
    df = wide(spark, names).select(F.struct("*").alias("__outcome"), F.array(F.struct("*")).alias("c0"))
    run = answered(world, df, lambda place: {"p": place}, tmp_path)
    shape = prediction_shape(spark, "p bigint")
    expected = [(*row, place) for place, row in enumerate(collected(df)[:-1])]
    assert [collected(run.result(shape, way)) for way in WAYS] == [expected, expected]


@pytest.mark.parametrize("case", one_in(2, CASES))
def test_prediction_fields_of_every_own_name_come_out_as_they_were_answered(spark, world, tmp_path, case):
    names = [name for name in names_of(case) if name.lower() != reserved_columns.PROVENANCE]
    df = wide(spark, ["in"])
    run = answered(world, df, lambda place: {name: place * 1000 + i for i, name in enumerate(names)}, tmp_path)
    shape = prediction_shape(spark, ddl(names), provenance=True)
    for way in WAYS:
        result = run.result(shape, way)
        assert result.columns == ["in", *names, reserved_columns.PROVENANCE]
        rows = collected(result)
        assert [row[:-1] for row in rows] == [
            (f"{place} in 0", *[place * 1000 + i for i in range(len(names))]) for place in range(ROWS - 1)
        ]
        assert [tuple(row[-1])[:4] for row in rows] == [("the-run", "m", "the-job", "the-object.jsonl")] * (ROWS - 1)


@pytest.mark.parametrize("case", one_in(2, CASES))
def test_aliases_and_fields_of_prediction_sql_of_every_own_name_mean_the_predictions(spark, world, tmp_path, case):
    names = names_of(case)
    df = wide(spark, names)
    run = answered(world, df, lambda place: {name: place * 1000 + i for i, name in enumerate(names)}, tmp_path)
    sql = [f"{quoted(name)} + 1 AS {quoted(name + '!')}" for name in names]
    shape = prediction_shape(spark, ddl(names), sql=sql)
    expected = [
        (*row, *[place * 1000 + i + 1 for i in range(len(names))]) for place, row in enumerate(collected(df)[:-1])
    ]
    for way in WAYS:
        result = run.result(shape, way)
        assert result.columns == [*names, *[f"{name}!" for name in names]]
        assert collected(result) == expected
    swapped = prediction_shape(spark, ddl(names), "p", sql=[f"`{names[0]}` AS {quoted(name)}" for name in names])
    (first, *_) = run.result(swapped).orderBy(F.col("p").getField(names[-1])).collect()
    assert tuple(first["p"]) == (0,) * len(names)


@pytest.mark.parametrize(("format", "case"), one_in(4, itertools.product(["jsonlines", "csv"], CASES)))
def test_record_sql_of_every_own_name_sends_what_the_rows_hold(spark, tmp_path, case, format):
    names = names_of(case)
    df = wide(spark, names, 2)
    sql = (
        "named_struct("
        + ", ".join(f"'{name}', {quoted(name)}" for name in names if "'" not in name and name != "\\")
        + ")"
    )
    for asked in ({"columns": None, "sql": None}, {"columns": None, "sql": sql}):
        staged = stage_rows(df, tmp_path, format=format, **asked)
        rule = record_rule(spark, df.schema, format=format, **asked)
        lines = [row["line"] for row in rule.lines(read_staged(spark, staged), JSON_LINES).collect()]
        sent = [[f"{row} in {df.columns.index(name)}" for name in rule.fields] for row in range(2)]
        if format == "csv":
            assert lines == [",".join(values) + "\n" for values in sent]
        else:
            assert [list(json.loads(line).items()) for line in lines] == [
                list(zip(rule.fields, values, strict=True)) for values in sent
            ]


def test_a_star_in_record_sql_would_send_our_columns_and_is_refused(spark):
    df = wide(spark, ["a"])
    for sql in ("struct(*)", " * "):
        with pytest.raises(ConfigurationError, match=r"record\.sql:.*\*\)?\s*: has a \*; name the columns"):
            record_rule(spark, df.schema, "jsonlines", None, sql)
    # Rows that an earlier version has exported with it are not stuck.
    assert record_rule(spark, df.schema, "jsonlines", None, "struct(*)", is_staged=True)


def test_staged_files_of_earlier_runs_are_read_by_the_place_of_their_columns(spark, world, tmp_path):
    """They have our columns first, by the names of then; an input's column of such a name was refused."""
    run = answered(world, wide(spark, ["a", "b"]), lambda place: {"p": place}, tmp_path)
    schema = StructType.fromJson(json.loads(run.staged.schema_json))
    assert schema.names == ["__row_number", "__record_bytes", "__record_fault", "a", "b"]
    assert [field.name for field in staged_schema(run.staged)] == list(run.staged.input_names) == ["a", "b"]


@pytest.mark.parametrize("name", ["__row_number", "__ROW_NUMBER", "__Record_Fault"])
def test_a_copy_that_is_staged_anew_keeps_columns_of_our_names(spark, tmp_path, monkeypatch, name):
    monkeypatch.setattr("batch_transform.spark.staging.partitioning", lambda sizes, cores: Partitioning(3, 2, "told"))
    df = wide(spark, [name, "b"], 9).repartition(3)
    staged = stage_rows(df, tmp_path)
    assert "/rows/" in staged.files[0].path
    rows = read_staged(spark, staged)
    assert collected(rows.select(*[F.col(quoted(column)) for column in rows.columns[3:]])) == collected(df)


@pytest.mark.parametrize("names", [["_metadata"], ["_METADATA"], ["_metadata", "__Metadata"], ["_metadata", "b"]])
def test_sizes_of_files_are_known_whatever_hides_sparks_own_column(spark, tmp_path, names):
    size = StructType([StructField("file_path", StringType()), StructField("file_size", LongType())])
    schema = StructType([StructField(name, size) for name in names] + [StructField("text", StringType())])
    rows = [(*[("elsewhere", 1)] * len(names), str(i) * 60_000) for i in range(5)]
    spark.createDataFrame(rows, schema).coalesce(1).write.option("compression", "none").parquet(f"{tmp_path}/in")
    df = spark.read.parquet(f"{tmp_path}/in")
    assert has_large_rows(df)
    assert has_large_rows(df.where("text > ''"))
    assert not has_large_rows(spark.read.schema(df.schema).parquet(f"{tmp_path}/in").withColumn("x", F.lit(1)).limit(0))


TWINS = StructType([StructField("a", IntegerType()), StructField("A", IntegerType())])


@pytest.fixture
def sensitive(spark):
    with session_settings(spark, {"spark.sql.caseSensitive": "true"}):
        yield


def test_names_that_differ_by_case_only_come_out_where_the_session_tells_them_apart(spark, world, tmp_path, sensitive):
    nested = StructType([*TWINS.fields, StructField("s", TWINS), StructField("__OUTCOME", TWINS)])
    df = spark.createDataFrame([(i, i + 10, (i + 20, i + 30), (i, -i)) for i in range(ROWS)], nested).coalesce(1)
    answer = {"p": {"x": 1, "X": 2}, "q": 3, "Q": 4}
    run = answered(world, df, lambda place: answer, tmp_path)
    shape = prediction_shape(spark, "p struct<x: bigint, X: bigint>, q int, Q int", provenance=True)
    assert column_faults(df.schema, shape, "error", case_sensitive=True) == []
    for way in WAYS:
        result = run.result(shape, way).drop("provenance")
        assert collected(result) == [(*row, (1, 2), 3, 4) for row in collected(df)[:-1]]
        result.write.mode("overwrite").parquet(f"{tmp_path}/out")
        assert collected(spark.read.parquet(f"{tmp_path}/out")) == collected(result)


@pytest.mark.parametrize(("names", "policy"), in_turn([["ı", "I"], ["ſ", "s"]], ["CORRECTED", "LEGACY"]))
def test_records_of_names_that_spark_may_take_for_one_are_whole(spark, tmp_path, names, policy):
    """By their upper case they are one, by their lower case two."""
    df = spark.createDataFrame([("2024-05-01", 2)], ["x", "y"]).selectExpr(
        f"date(x) AS `{names[0]}`", f"y AS `{names[1]}`", f"struct(date(x) AS `{names[0]}`, y AS `{names[1]}`) AS both"
    )
    with session_settings(spark, {"spark.sql.legacy.timeParserPolicy": policy}):
        for format in ("jsonlines", "csv"):
            staged = stage_rows(df.coalesce(1), tmp_path, format=format)
            rule = record_rule(spark, df.schema, format, None, None)
            (row,) = rule.lines(read_staged(spark, staged), JSON_LINES).collect()
            if format == "csv":
                assert row["line"] == "2024-05-01,2,2024-05-01,2\n"
            else:
                assert list(json.loads(row["line"]).items())[:2] == [(names[0], "2024-05-01"), (names[1], 2)]


@pytest.mark.parametrize("sql", [None, "named_struct('a', a, 'A', A, 's', s)"])
def test_records_of_names_that_differ_by_case_only_are_whole(spark, tmp_path, sensitive, sql):
    df = spark.createDataFrame([(1, 2, (3, 4))], StructType([*TWINS.fields, StructField("s", TWINS)])).coalesce(1)
    found = {}
    for format in ("jsonlines", "csv"):
        staged = stage_rows(df, tmp_path, format=format, sql=sql)
        rule = record_rule(spark, df.schema, format, None, sql, header=format == "csv")
        (row,) = rule.lines(read_staged(spark, staged), JSON_LINES).collect()
        found[format] = rule.header + row["line"]
    assert found == {"jsonlines": '{"a":1,"A":2,"s":{"a":3,"A":4}}\n', "csv": "a,A,s.a,s.A\n1,2,3,4\n"}


def faults_of(spark, schema, ddl="p double", errors="error", **shape):
    return column_faults(schema, prediction_shape(spark, ddl, **shape), errors, case_sensitive=False)


def test_names_that_differ_by_case_only_are_refused_where_no_session_could_read_them(spark):
    cased = ", but for upper and lower case; spark.sql.caseSensitive=true tells them apart"
    nested = StructType([StructField("s", TWINS)])
    assert faults_of(spark, TWINS) == [f"input: two columns are named a{cased}"]
    assert faults_of(spark, nested) == [f"input: two fields within s are named a{cased}"]
    deep = spark.createDataFrame([], "m map<string, array<struct<x: int, inner: struct<b: int, B: int>>>>").schema
    assert faults_of(spark, deep) == [f"input: two fields within m are named b{cased}"]
    assert faults_of(spark, StructType([]), "p struct<a: int, A: int>, q int, Q int") == [
        f"prediction: two columns are named q{cased}",
        f"prediction: two fields within p are named a{cased}",
    ]
    assert faults_of(spark, StructType([TWINS[0], TWINS[0]])) == ["input: two columns are named a"]


def test_what_a_published_table_adds_meets_no_column_without_a_word(spark):
    plain = StructType([StructField("Error", IntegerType()), StructField("Provenance", IntegerType())])
    (refused,) = faults_of(spark, plain)
    assert "a column named error is in the input" in refused
    assert "set dead_letter.column to another name" in refused
    assert faults_of(spark, plain, errors="failure") == []
    assert faults_of(spark, plain, errors="failure", provenance=True) == [
        "prediction.provenance: adds a column provenance, and the input has one; rename that one"
    ]
    assert faults_of(spark, StructType([]), "PROVENANCE int", provenance=True) == [
        "prediction.provenance: adds a column provenance, and the prediction has one; rename that one"
    ]
    # Predictions and errors are never in one table.
    assert faults_of(spark, StructType([]), "error string") == []
    assert faults_of(spark, plain, "p int, PROVENANCE int", "failure") == [
        "prediction: the column PROVENANCE is in the input already; choose another name or set prediction.column"
    ]
