"""What Python's csv module reads of the lines that Spark renders is what was in the row, value for value."""

from __future__ import annotations

import base64
import csv
import datetime
import decimal
import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.ml.linalg import Vectors, VectorUDT
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DateType, DecimalType, StructType

from batch_transform import score
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.reserved_columns import RECORD, RECORD_FAULT, RECORD_VALUE
from batch_transform.records.jsonlines import FORMAT as JSON_LINES
from batch_transform.spark.record_rules import record_rule
from batch_transform.spark.settings import OWN_SETTINGS, session_settings

pytestmark = pytest.mark.spark

# No line breaks, which are refused; csv of Python 3.10 reads no NUL.
TEXT = st.text(st.characters(exclude_characters="\n\r\x00", exclude_categories=["Cs"]), max_size=8)
TRICKY = TEXT | st.text(",;\"' \té\u2028\x85", max_size=6) | st.sampled_from(["", '"', '""', ",", '","', " ", "null"])
ROWS = st.lists(
    st.tuples(
        st.none() | TRICKY,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False),
        st.lists(st.none() | TRICKY, min_size=1, max_size=3),
        st.none() | st.binary(max_size=5),
    ),
    min_size=100,
    max_size=200,
)
SCHEMA = "text string, whole long, real double, texts array<string>, bytes binary"


def rendered(df, **asked):
    """The lines and the faults of a table's rows."""
    rule = record_rule(df.sparkSession, df.schema, "csv", asked.pop("columns", None), asked.pop("sql", None), **asked)
    with session_settings(df.sparkSession, OWN_SETTINGS):
        return [(row[RECORD], row[RECORD_FAULT]) for row in rule.rendered(df).collect()]


def parsed(line):
    (fields,) = csv.reader([line])
    return fields


def spelled(value):
    """A value as its field, which `csv` reads as text; null is an empty field."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(ROWS)
def test_any_row_comes_back_from_its_line(spark, rows):
    lines = rendered(spark.createDataFrame(rows, SCHEMA).coalesce(1))
    for (text, whole, real, texts, binary), (line, fault) in zip(rows, lines, strict=True):
        assert fault is None
        fields = parsed(line)
        assert fields[0] == spelled(text)
        assert fields[1] == ("" if whole is None else str(whole))
        assert (float(fields[2]) if fields[2] else None) == real
        assert fields[3:-1] == [spelled(each) for each in texts]
        assert fields[-1] == spelled(binary)


@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(st.lists(st.none() | TRICKY, min_size=100, max_size=200))
def test_a_line_of_one_field_is_never_blank(spark, values):
    lines = [
        line for line, _ in rendered(spark.createDataFrame([(value,) for value in values], "a string").coalesce(1))
    ]
    assert [parsed(line) for line in lines] == [[spelled(value)] for value in values]
    assert all(lines)


def test_an_empty_string_differs_from_null(spark):
    df = spark.createDataFrame([("", None, "x")], "a string, b string, c string")
    assert rendered(df) == [('"",,x', None)]


def test_values_are_spelled_as_in_json_without_its_quotes(spark):
    df = spark.sql(
        "SELECT true AS a, float(0.1) AS b, 1.0D / 3 AS c, double('NaN') AS d, CAST(1e-7 AS DECIMAL(20, 10)) AS e, "
        "DATE'1200-02-29' AS f, TIMESTAMP'2024-05-01 12:00:00.000001 UTC' AS g, "
        "TIMESTAMP_NTZ'2024-05-01 12:00:00' AS h, X'00FF10' AS i, CAST(NULL AS DATE) AS j, INTERVAL '1' DAY AS k"
    )
    with session_settings(spark, OWN_SETTINGS):
        record = df.select(JSON_LINES.record(df.schema, F.struct("*"))).first()[0]
        values = json.loads(record, parse_float=str).values()
    texts = ["" if value is None else "true" if value is True else value for value in values]
    ((line, fault),) = rendered(df)
    assert (parsed(line), fault) == (texts, None)
    assert texts[4:7] == ["1.000E-7", "1200-02-29", "2024-05-01T12:00:00.000001Z"]


@pytest.mark.parametrize(
    "setting",
    [
        {"spark.sql.parser.quotedRegexColumnNames": "true"},
        {"spark.sql.parser.escapedStringLiterals": "true"},
        {"spark.sql.ansi.enabled": "true", "spark.sql.ansi.doubleQuotedIdentifiers": "true"},
    ],
)
def test_any_name_is_a_field_however_the_session_reads_sql(spark, setting):
    names = ["a.b `c`", 'it\'s \\ "q"', ".*", RECORD_VALUE]
    df = spark.createDataFrame([("a\nb", 1, '"x"', "\\'"), (None, 2, "", "\r")], "a string, b long, c string, d string")
    with session_settings(spark, setting):
        named = df.toDF(*names).coalesce(1)
        rule = record_rule(spark, named.schema, "csv", None, None, header=True)
        found = [tuple(row) for row in rule.rendered(named, [names[1], RECORD_VALUE]).collect()]
    assert parsed(rule.header.rstrip("\n")) == names
    assert found == [
        (1, "\\'", '"a\nb",1,"""x""",\\\'', "a newline in a.b `c`"),
        (2, "\r", ',2,"","\r"', f"a newline in {RECORD_VALUE}"),
    ]


@pytest.mark.parametrize("collation", ["UTF8_LCASE", "UTF8_BINARY_RTRIM", "UNICODE", "DE_CI_AI"])
def test_strings_of_any_collation_are_spelled_alike(spark, collation):
    if spark.version < "4":
        pytest.skip("Spark 3.5 has no collations")
    kinds = [f"a COLLATE {collation} AS a", f"transform(b, x -> x COLLATE {collation}) AS b"]
    kinds.append(f"struct(a COLLATE {collation} AS a) AS c")
    rows = [('A,"b ', [" ", "", None]), (" ", ["É"]), ("a\nb", ["x\r"]), (None, ["x"])]
    df = spark.createDataFrame(rows, "a string, b array<string>").coalesce(1)
    assert rendered(df.selectExpr(*kinds)) == rendered(df.selectExpr("a", "b", "struct(a) AS c"))


def test_structs_arrays_and_vectors_are_flattened(spark):
    structs = spark.createDataFrame([], "s struct<a: int, t: struct<b: string>>").schema
    schema = StructType(structs.fields).add("v", VectorUDT()).add("d", ArrayType(DateType()))
    schema = schema.add("m", ArrayType(DecimalType(4, 2)))
    day = datetime.date(2024, 5, 1)
    rows = [
        ((1, ("x,y",)), Vectors.dense([1.0, 2.5]), [day, None], [decimal.Decimal("1.50")]),
        (None, Vectors.sparse(3, [1], [4.0]), [day], [None, decimal.Decimal("2.25")]),
    ]
    lines = [parsed(line) for line, fault in rendered(spark.createDataFrame(rows, schema).coalesce(1)) if not fault]
    assert lines == [
        ["1", "x,y", "1.0", "2.5", "2024-05-01", "", "1.50"],
        ["", "", "0.0", "4.0", "0.0", "2024-05-01", "", "2.25"],
    ]


def test_rows_that_would_be_read_otherwise_are_told_apart_by_column(spark):
    rows = [("a\nb", ["x"], [1.0]), ("a", ["x", None, "y\r"], [1.0]), ("\r", None, []), ("a", ["x"], [None])]
    faults = [
        fault
        for _, fault in rendered(spark.createDataFrame(rows, "a string, b array<string>, c array<double>").coalesce(1))
    ]
    assert faults == [
        "a newline in a",
        "a newline in b",
        "a newline in a, b is a null or empty array, c is a null or empty array",
        None,
    ]


@pytest.mark.parametrize(
    ("format", "ddl", "asked", "words"),
    [
        ("csv", "m map<string, int>", {}, "record.columns: m is map<string,int>; CSV carries"),
        ("csv", "m array<array<int>>", {}, "m is array<array<int>>"),
        ("csv", "m array<int>", {"header": True}, "record.header: needs one name a field, but m is an array"),
        ("csv", "a int", {"sql": "a"}, "record.sql: gives int; record.format csv takes a struct"),
        ("jsonlines", "a int", {"sql": "map(1.5D, a)"}, "takes a struct"),
        (
            "jsonlines",
            "a int",
            {"sql": "struct(map(1.5D, a) AS m)"},
            "record.sql: m holds a map with keys of type double",
        ),
        ("jsonlines", "a array<struct<m: map<date, int>>>", {}, "a holds a map with keys of type date"),
        ("text", "a int", {}, "gives int; record.format text takes a string"),
        ("text", "a string, b string", {}, "2 columns, but record.format text takes one; name it"),
        ("binary", "a string", {}, "gives string; record.format binary takes binary"),
        ("raw", "a string", {"columns": ["b"]}, "no column b in the input; it has a"),
        ("csv", "a int", {"sql": "struct(nope)"}, "record.sql: struct(nope): [UNRESOLVED_COLUMN"),
        ("csv", "a int", {"sql": "struct(sum(a))"}, "record.sql: struct(sum(a)): [MISSING_GROUP_BY]"),
        ("csv", "a int", {"sql": "explode(array(struct(a)))"}, "generator is not supported"),
    ],
)
def test_a_record_that_its_format_cannot_carry_is_refused_before_any_work(spark, format, ddl, asked, words):
    schema = spark.createDataFrame([], ddl).schema
    columns, sql = asked.pop("columns", None), asked.pop("sql", None)
    with pytest.raises(ConfigurationError) as refused:
        record_rule(spark, schema, format, columns, sql, **asked)
    assert words in str(refused.value)


@pytest.mark.parametrize("kind", ["geometry(0)", "array<geography(4326)>", "map<string, struct<a: geometry(4326)>>"])
@pytest.mark.parametrize("format", ["jsonlines", "json"])
def test_shapes_are_refused_that_spark_does_not_write_as_json(spark, kind, format):
    if tuple(map(int, spark.version.split(".")[:2])) < (4, 1):
        pytest.skip("this Spark has no shapes")
    schema = spark.createDataFrame([], f"a int, shape {kind}").schema
    with pytest.raises(ConfigurationError, match=r"record\.columns: shape holds values of type geo.*st_asbinary"):
        record_rule(spark, schema, format, None, None)


@pytest.mark.parametrize(
    ("format", "values", "expected"),
    [
        ("text", ["a", "", None, "b\nc", "b\rc"], [False, True, True, True, True]),
        ("raw", ["a", "", None, "b\nc", "b\rc"], [False, True, True, True, False]),
        ("raw", [b"\xe9\n", b"\xe9\r"], [True, False]),
        ("binary", [b"\n", b"", None], [False, True, True]),
    ],
)
def test_lines_that_are_none_are_found(spark, format, values, expected):
    ddl = "a binary" if any(isinstance(value, bytes) for value in values) else "a string"
    df = spark.createDataFrame([(value,) for value in values], ddl).coalesce(1)
    rows = record_rule(spark, df.schema, format, None, None).rendered(df).collect()
    assert [row[RECORD_FAULT] is not None for row in rows] == expected


def test_the_servers_csv_module_sees_the_values_of_each_row(spark, world, tmp_path, monkeypatch):
    """Through the whole pipeline, with a header of the expression's names."""
    values = ['say "hi"', "a,b;c", " x ", "naïve “é”", "", None, "\u2028", "'"]
    rows = [(str(n), value, n / 3 if n % 2 else None) for n, value in enumerate(values)]
    df = spark.createDataFrame(rows, "key string, text string, real double")

    def answer(body):
        seen = csv.DictReader(body.decode().split("\n")[:-1])
        return 200, "\n".join(json.dumps({"echo": [row["t"], row["r"]]}) for row in seen).encode()

    monkeypatch.setattr(world.models["echo"].script, "answer", answer)
    arguments = world.arguments(
        tmp_path,
        record={"format": "csv", "sql": "named_struct('t', text, 'r', real)", "header": True, "compression": "gzip"},
        transform={"poll_seconds": 0.1, "split": "None"},
        prediction="echo array<string>",
    )
    found = {row["key"]: row["echo"] for row in score(df, **arguments).df.collect()}
    assert {key: text for key, (text, _) in found.items()} == {key: value or "" for key, value, _ in rows}
    reals = {key: float(real) if real else None for key, (_, real) in found.items()}
    assert all(reals[key] == real or math.isclose(reals[key], real) for key, _, real in rows)
