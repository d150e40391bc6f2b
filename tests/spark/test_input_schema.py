"""`input.schema`: types of csv, of json and of partition columns, and what it may not name."""

from __future__ import annotations

import pytest
from chispa import assert_df_equality

from batch_transform.config.sections import Input
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.same_input import read_source
from batch_transform.pipeline.places import Places
from batch_transform.spark.input_reading import InputTable, read_input

pytestmark = pytest.mark.spark

PLACES = Places(S3Uri("b", ""), "", "s3a")
FILES = {
    "csv": "id,zip,plan\n1,01234,a\n2,00007,b\n",
    "bare": "1,01234,a\n2,00007,b\n",
    "json": '{"id": 1, "zip": "01234", "plan": "a"}\n{"id": 2, "zip": "00007", "plan": "b"}\n',
}
HEADER = {"header": "true", "inferSchema": "true"}


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory):
    """The same rows in each format, and below folders of a partition column with leading zeros."""
    path = tmp_path_factory.mktemp("typed")
    for name, text in FILES.items():
        for below in (name, f"{name}-by/area=007"):
            (path / below).mkdir(parents=True)
            (path / below / "part.txt").write_text(text)
    rows = spark.createDataFrame([(1, "007")], "id int, area string").coalesce(1)
    rows.write.partitionBy("area").parquet(f"file:{path}/parquet")
    rows.write.parquet(f"file:{path}/parquet-plain")
    return path


def read(spark, folder, name, schema, **options):
    """The input of a run file; `bare` is csv without a header."""
    kind = name.partition("-")[0]
    format = "csv" if kind == "bare" else kind
    options = {**(HEADER if kind == "csv" else {}), **options}
    given = Input(path=str(folder / name), format=format, schema=schema, options=options)
    return read_source(spark, given, PLACES, None).df


def refusal(*args, **options):
    with pytest.raises(ConfigurationError) as caught:
        read(*args, **options).schema  # noqa: B018
    return str(caught.value)


@pytest.mark.parametrize("name", ["csv", "bare", "json"])
def test_a_code_with_leading_zeros_stays_text(spark, folder, name):
    found = read(spark, folder, name, "id long, zip string, plan string")
    wanted = spark.createDataFrame([(1, "01234", "a"), (2, "00007", "b")], "id long, zip string, plan string")
    assert_df_equality(found, wanted, ignore_row_order=True)


def test_without_a_schema_the_zeros_are_lost(spark, folder):
    """What the key is for."""
    assert {row["zip"] for row in read(spark, folder, "csv", None).collect()} == {1234, 7}


@pytest.mark.parametrize("name", ["csv", "json"])
def test_columns_are_found_by_their_names_and_are_those_of_the_schema(spark, folder, name):
    found = read(spark, folder, name, "plan string, zip string")
    assert_df_equality(found, spark.createDataFrame([("a", "01234"), ("b", "00007")], "plan string, zip string"))


@pytest.mark.parametrize("name", ["csv-by", "bare-by", "json-by", "parquet"])
def test_a_partition_column_has_the_type_that_it_is_given_and_others_are_as_they_were(spark, folder, name):
    before, found = (read(spark, folder, name, schema) for schema in (None, "area string"))
    assert (before.schema["area"].dataType.simpleString(), before.first()["area"]) == ("int", 7)
    assert (found.schema["area"].dataType.simpleString(), found.first()["area"]) == ("string", "007")
    assert found.drop("area").schema == before.drop("area").schema
    assert sorted(map(str, found.drop("area").collect())) == sorted(map(str, before.drop("area").collect()))


def test_a_schema_may_name_columns_of_files_and_of_folders_in_any_order(spark, folder):
    found = read(spark, folder, "csv-by", "area string, zip string, id int")
    assert [tuple(row) for row in found.orderBy("id").collect()] == [("01234", 1, "007"), ("00007", 2, "007")]
    assert found.columns == ["zip", "id", "area"]


@pytest.mark.parametrize(
    ("name", "schema", "fault"),
    [
        ("csv", "id long, zipp string", "no column zipp (did you mean zip?) in the data; it has id, zip, plan"),
        ("csv", "id long, Zip string", "no column Zip (did you mean zip?) in the data"),
        ("json", "ZIP string", "no column ZIP (did you mean zip?) in the data; it has id, plan, zip"),
        ("csv-by", "ares string", "no column ares in the data; it has id, zip, plan"),
        ("bare", "id long, zip string", "names 2 columns, and the files have 3; without a header"),
        ("parquet", "id long, area string", "names id, but files of parquet have types of their own; of partition col"),
        ("parquet-plain", "id long", "names id, but files of parquet have types of their own. Leave it out, and cast"),
        ("csv", "id long, zip strng", "'id long, zip strng' is no DDL"),
        ("csv", "id long zip", "'id long zip' is no DDL"),
    ],
)
def test_what_a_schema_cannot_name_is_refused_with_what_is_there(spark, folder, name, schema, fault):
    assert refusal(spark, folder, name, schema).startswith(f"input.schema: {fault}")


def test_a_type_that_is_misspelt_is_told_the_one_that_is_meant(spark, folder):
    assert refusal(spark, folder, "csv", "zip strng").endswith("did you mean string?")


@pytest.mark.parametrize(
    ("elsewhere", "here"),
    [("int64", "long"), ("float64", "double"), ("str", "string"), ("text", "string"), ("datetime", "timestamp")],
)
def test_a_type_of_numpy_pandas_or_sql_is_told_the_one_that_it_is_and_no_narrower_one(spark, folder, elsewhere, here):
    assert refusal(spark, folder, "csv", f"zip {elsewhere}").endswith(f"did you mean {here}?")


def test_of_a_schema_of_a_thousand_columns_a_message_has_what_stands_around_the_fault(spark, folder):
    wide = ", ".join(f"feature_{place} double" for place in range(1_000))
    told = refusal(spark, folder, "csv", f"{wide}, zip strng, {wide}")
    assert ", zip strng, feature_0 double" in told
    assert told.endswith("did you mean string?")
    assert len(told) < 500


def test_a_folder_without_a_file_is_told_as_that_whatever_the_schema(spark, tmp_path):
    (tmp_path / "_SUCCESS").touch()
    for ddl in (None, "id long"):
        with pytest.raises(ConfigurationError, match=r"no file of csv is there to be read\..* Check input\.path"):
            read_input(spark, InputTable(path=str(tmp_path), format="csv", ddl=ddl))


def test_rows_that_could_not_be_parsed_may_have_their_column(spark, folder):
    schema = "id int, plan int, _corrupt_record string"
    found = read(spark, folder, "csv", schema, mode="PERMISSIVE")
    assert {row["_corrupt_record"] for row in found.cache().collect()} == {"1,01234,a", "2,00007,b"}
