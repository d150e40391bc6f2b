"""ORC is published as Parquet is, in every mode; what it gives back as something else is refused before it is paid."""

from __future__ import annotations

import pytest
from pyspark.sql.types import IntegerType, LongType, StructField, StructType

from batch_transform import score
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.object_names import is_data_file
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.publishing.file_publication import TreeFile
from batch_transform.outputs.formats.orc import FORMAT, _has_date_keys, _is_kept
from batch_transform.outputs.local_tree import LocalTree
from batch_transform.outputs.port import OutputTable
from batch_transform.outputs.value_rules import condition_on
from support.memory_store import MemoryStore
from support.rows import UNSENDABLE, table
from support.sampling import one_in
from support.tables import assert_same_rows

pytestmark = [pytest.mark.spark, pytest.mark.slow]

# Of Spark's types those that ORC has not, or gives back as another.
NOT_IN_ORC = {"variant", "time", "void"}


def keyed(spark, *parts):
    return spark.createDataFrame(
        [(f"{part}{n}", part, n) for n, part in enumerate(parts)], "key string, part string, n int"
    )


def keys(rows):
    return sorted(row["key"] for row in rows.collect())


@pytest.mark.parametrize(
    ("mode", "after"),
    one_in(
        3,
        [
            ("overwrite_partitions", ["a0", "b1", "c1"]),
            ("append", ["a0", "a0", "b1", "c1"]),
            ("overwrite", ["a0", "c1"]),
        ],
    ),
)
def test_every_mode_does_what_it_is_called(spark, world, tmp_path, mode, after):
    output = {"path": f"{tmp_path}/out", "format": "orc", "partition_by": ["part"]}
    there = keyed(spark, "a", "b").selectExpr("*", "key AS echo")
    there.write.partitionBy("part").orc(output["path"])
    with pytest.raises(ConfigurationError, match=r"holds 2 data files already, and output\.mode is error"):
        score(keyed(spark, "a", "c"), **world.arguments(tmp_path, output=output))
    again = score(keyed(spark, "a", "c"), **world.arguments(tmp_path, output=output | {"mode": mode}))
    stored = spark.read.format("orc").load(f"{tmp_path}/out")
    assert keys(stored) == after
    assert stored.where("echo != key OR left(key, 1) != part").count() == 0
    assert (keys(again.df), again.df.columns) == (["a0", "c1"], ["key", "n", "echo", "part"])
    names = [file.name for file in LocalTree(f"{tmp_path}/out").list() if is_data_file(file.name)]
    assert {name.rpartition(".")[2] for name in names} == {"orc"}


@pytest.mark.long
def test_dead_letters_are_of_orc_as_well(spark, world, tmp_path):
    output = {"path": f"{tmp_path}/out", "format": "orc"}
    arguments = world.arguments(tmp_path, "shaped", output=output, errors={"max_rows": 1})
    result = score(keyed(spark, "a", "refused!"), **arguments)
    stored = spark.read.format("orc").load(f"{tmp_path}/out_dead_letter")
    assert keys(result.dead_letters) == keys(stored) == ["refused!1"]


def test_the_types_that_orc_has_come_out_as_they_went_in(spark, world, tmp_path):
    df = table(spark, 150, 4)
    holds = [condition for field in df.schema if (condition := _kept(field)) is not None]
    dropped = [name for name, kind in df.dtypes if kind.partition("(")[0] in NOT_IN_ORC or "collate" in kind]
    dropped += FORMAT.refused_names(df.columns)
    dropped += [field.name for field in df.schema if _has_date_keys(field.dataType)]
    dropped.append("nested")  # ORC sorts the entries of a map, and within a struct their order is compared
    df = df.drop(*dropped).where(" AND ".join(holds)).cache()
    columns = [name for name in df.columns if name != UNSENDABLE]
    arguments = world.arguments(tmp_path, columns=columns, output={"path": f"{tmp_path}/out", "format": "orc"})
    result = score(df, **arguments)
    assert df.count() > 50
    assert_same_rows(result.df.drop("echo"), df)
    assert_same_rows(spark.read.format("orc").load(f"{tmp_path}/out").select(*map(_quoted, df.columns)), df)


def _quoted(name):
    return f"`{name.replace('`', '``')}`"


def _kept(field):
    return condition_on(_quoted(field.name), field.dataType, _is_kept)


LOST = {
    "a day that was left out": "date'1582-10-10'",
    "a time of such a day": "timestamp'1582-10-10 12:00:00'",
    "the last second before 1970": "timestamp'1969-12-31 23:59:59.5Z'",
    "within a struct": "named_struct('inner', array(date'1582-10-05'))",
    "a value": "map('a', date'1582-10-14')",
}
KEPT = [
    "date'1582-10-04'",
    "date'1582-10-15'",
    "timestamp'1969-12-31 23:59:59Z'",
    "timestamp'1969-12-31 23:59:58.999999Z'",
]
KEPT += [
    "timestamp'1970-01-01 00:00:00.000001Z'",
    "timestamp_ntz'1969-12-31 23:59:59.5'",
    "timestamp_ntz'1582-10-10 12:00:00'",
]
KEPT += ["cast(null as date)", "array(cast(null as timestamp))", "map('a', date'0001-01-01')"]


def as_read(spark, tmp_path, column):
    df = spark.sql(f"SELECT 'k' key, {column} value")
    df.write.format("orc").mode("overwrite").save(f"{tmp_path}/orc")
    return df.exceptAll(spark.read.format("orc").load(f"{tmp_path}/orc")).count() if "map" not in column else None


def refused(spark, column):
    df = spark.sql(f"SELECT {column} value")
    rules = FORMAT.row_rules(spark, OutputTable("error", "x"), df.schema)
    return sum(df.where(f"NOT ({rule.holds})").count() for rule in rules)


@pytest.mark.parametrize("name", LOST)
def test_a_value_that_orc_gives_back_as_another_is_refused(spark, tmp_path, name):
    """And it does: what Spark itself writes is read as something else."""
    assert refused(spark, LOST[name]) == 1
    assert as_read(spark, tmp_path, LOST[name]) in (1, None)


@pytest.mark.parametrize("column", KEPT)
def test_no_other_value_is_refused(spark, tmp_path, column):
    assert refused(spark, column) == 0
    assert as_read(spark, tmp_path, column) in (0, None)


def test_such_rows_are_refused_before_they_are_paid_for(spark, world, tmp_path):
    df = spark.sql("SELECT 'k' key, date'1582-10-10' day UNION ALL SELECT 'l', date'2024-01-01'")
    arguments = world.arguments(tmp_path, columns=["key"], output={"path": f"{tmp_path}/out", "format": "orc"})
    with pytest.raises(
        ConfigurationError, match=r"1 row cannot be published: day has dates or timestamps that ORC gives"
    ):
        score(df, **arguments)
    assert world.jobs(arguments["run_id"]) == []


TYPES = {
    "NULL": "doesn't support the column|VOID",
    "make_interval(1, 2, 3)": "INTERVAL",
    "named_struct('a`b', 1)": r"takes no name that is empty or has a backtick, as 'a`b' \(the column value\)",
    "'a' COLLATE UTF8_LCASE": "gives the column value back as string, not as string collate UTF8_LCASE",
    "parse_json('1')": "VARIANT",
    "map(date'2020-01-01', 1, date'2021-01-01', 2)": "one entry of a map whose keys have dates, as in the column value",
    "array(map(struct(date'2020-01-01'), 1))": "keeps one entry of a map whose keys have dates",
}


@pytest.mark.parametrize("column", TYPES)
def test_a_type_that_orc_has_not_is_refused_before_it_is_paid_for(spark, world, tmp_path, column):
    arguments = world.arguments(tmp_path, columns=["key"], output={"path": f"{tmp_path}/out", "format": "orc"})
    with pytest.raises(ConfigurationError, match=TYPES[column]):
        score(spark.sql(f"SELECT 'k' key, {column} value"), **arguments)
    assert world.jobs(arguments["run_id"]) == []


def test_a_type_of_the_prediction_is_not_told_as_one_of_the_input(spark, world, tmp_path):
    prediction = {"schema": "echo string", "sql": ["interval '1' day AS v", "parse_json('1') AS w"]}
    output = {"path": f"{tmp_path}/out", "format": "orc"}
    arguments = world.arguments(tmp_path, prediction=prediction, output=output)
    with pytest.raises(ConfigurationError, match=r"^input and prediction: a table of their columns .* as orc.*VARIANT"):
        score(spark.sql("SELECT 'k' key"), **arguments)
    assert world.jobs(arguments["run_id"]) == []


def test_a_type_is_told_that_is_read_as_another_one_and_no_other_difference():
    written, read = (StructType([StructField("a", kind)]) for kind in (IntegerType(), LongType()))
    (fault,) = FORMAT.type_faults(written, read)
    assert fault.startswith("output.format: ORC gives the column a back as bigint, not as int; cast it")
    assert FORMAT.type_faults(written, StructType([StructField("a", IntegerType(), nullable=False)])) == []


def check_fits(spark, folder, schema):
    table = OutputTable("append", f"file:{folder}", location=str(folder))
    return FORMAT.check_fits(spark, MemoryStore(), table, schema, complete=True)


def test_files_that_stay_are_of_the_same_types_and_of_orc(spark, tmp_path):
    spark.sql("SELECT 1 n, timestamp_ntz'2024-01-01 00:00:00' t").write.orc(f"{tmp_path}/orc")
    same = spark.sql("SELECT 2 n, timestamp_ntz'2024-01-01 00:00:00' t").schema
    assert check_fits(spark, tmp_path / "orc", same) == []
    (warning,) = check_fits(spark, tmp_path / "orc", StructType([*same.fields, StructField("p", LongType())]))
    assert "has no column p. " in warning
    with pytest.raises(ConfigurationError, match=r"the column t is timestamp here and timestamp_ntz in .*orc"):
        check_fits(spark, tmp_path / "orc", spark.sql("SELECT 2 n, timestamp'2024-01-01 00:00:00' t").schema)
    spark.range(1).write.parquet(f"{tmp_path}/parquet")
    with pytest.raises(ConfigurationError, match=r"parquet \(\d+ bytes\) is no ORC file"):
        check_fits(spark, tmp_path / "parquet", spark.range(1).schema)


def test_columns_that_spark_reads_by_their_places_are_not_put_beside_others(spark, tmp_path):
    """As those are that Hive has named; and it does: what was the one column is read as the other."""
    folders = [f"{tmp_path}/{number}" for number in range(2)]
    for folder, columns in zip(folders, ("1 _col0, 2 _col1", "2 _col1, 1 _col0"), strict=True):
        spark.sql(f"SELECT {columns}").write.orc(folder)
    read = spark.read.schema("_col0 int, _col1 int").orc(folders)
    assert {row["_col0"] for row in read.collect()} == {1, 2}
    with pytest.raises(ConfigurationError, match=r"columns are all named _col\.\.\., as _col1, _col0, by their places"):
        check_fits(spark, folders[0], spark.sql("SELECT 2 _col1, 1 _col0").schema)
    check_fits(spark, folders[0], spark.sql("SELECT 2 _col1, 1 _col0, 3 score").schema)


@pytest.mark.parametrize("codec", ["none", "snappy", "zlib", "zstd", "lz4"])
def test_rows_are_counted_by_the_end_of_a_file(spark, tmp_path, codec):
    spark.range(30_000).selectExpr("id", "uuid() text").coalesce(1).write.option("compression", codec).orc(
        f"{tmp_path}/orc"
    )
    tree = LocalTree(f"{tmp_path}/orc")
    files = [file for file in tree.list() if is_data_file(file.name)]
    tails = []
    read_tail = tree.read_tail
    tree.read_tail = lambda file, length: tails.append(length) or read_tail(file, length)
    assert list(FORMAT.file_rows(tree, files, threads=1).values()) == [30_000]
    assert tails == [64 * 1024]


def test_a_file_that_cannot_be_read_is_told_as_such(tmp_path):
    tree = LocalTree(str(tmp_path))
    with pytest.raises(StoreFailure):
        FORMAT.file_rows(tree, [TreeFile("gone.orc", 1000, "0-1000")])
