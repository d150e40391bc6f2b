"""Workers merge what they read and write as Spark does, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)

from batch_transform.core.copied_files import is_of_todays_calendar
from batch_transform.spark import file_merge_rules
from batch_transform.spark.file_merge_rules import are_plain, are_read_alike, plain_codec, plain_columns

UTC = pa.timestamp("us", "UTC")


def of(*kinds, **told):
    return StructType([StructField(f"c{place}", kind, metadata=told) for place, kind in enumerate(kinds)])


def test_types_that_parquet_has_in_one_way_are_plain():
    numbers = (BooleanType(), ByteType(), ShortType(), IntegerType(), LongType(), FloatType(), DoubleType())
    found = plain_columns(of(*numbers, StringType(), BinaryType(), DateType(), TimestampType(), TimestampNTZType()))
    kinds = [pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string()]
    assert found.types == [*kinds, pa.binary(), pa.date32(), UTC, pa.timestamp("us")]


@pytest.mark.parametrize(
    "fields",
    [
        of(DecimalType(10, 2)),
        of(ArrayType(LongType())),
        of(MapType(StringType(), LongType())),
        of(StructType([StructField("x", LongType())])),
        of(CharType(3)),
        of(VarcharType(3)),
        of(LongType(), comment="of the user's"),
        StructType([StructField("a.b", LongType())]),
        StructType([StructField("a", LongType()), StructField("a", LongType())]),
    ],
)
def test_other_columns_are_not(fields):
    assert plain_columns(fields) is None


def test_a_text_with_rules_of_its_own_is_not():
    with_rules = getattr(StringType, "collationId", None)
    if with_rules is None:  # Spark 3.5
        assert plain_columns(of(StringType())) is not None
    else:
        assert plain_columns(of(StringType("UTF8_LCASE"))) is None


def test_predictions_may_be_lists_of_plain_values():
    assert are_plain(pa.struct([("p", pa.float64()), ("near", pa.list_(pa.string()))]))
    for kind in (pa.decimal128(9, 2), pa.list_(pa.list_(pa.int64())), pa.struct([("x", pa.int64())])):
        assert not are_plain(pa.struct([("p", kind)]))


COLUMNS = pa.schema([("id", pa.int64()), ("text", pa.string()), ("at", UTC)])


@pytest.mark.parametrize(
    "found",
    [
        COLUMNS,
        pa.schema([*COLUMNS, ("more", pa.decimal128(9, 2))]),
        pa.schema([("at", pa.timestamp("us", "Europe/Berlin")), ("text", pa.large_string()), ("id", pa.int64())]),
    ],
)
def test_files_in_which_the_same_types_lie_are_read_alike(found):
    assert are_read_alike(COLUMNS, found, {})


@pytest.mark.parametrize(
    "other",
    [
        ("id", pa.int32()),
        ("id", pa.uint64()),
        ("text", pa.binary()),
        ("text", pa.dictionary(pa.int32(), pa.string())),
        ("at", pa.timestamp("ns")),
        ("at", pa.timestamp("us")),
        ("ID", pa.int64()),
    ],
)
def test_files_of_other_types_or_names_are_not(other):
    lacking = [each for each in COLUMNS if each.name != other[0].lower()]
    assert not are_read_alike(COLUMNS, pa.schema([*lacking, other]), {})


def test_a_name_that_is_there_twice_is_read_by_spark():
    assert not are_read_alike(COLUMNS, pa.schema([*COLUMNS, ("id", pa.int64())]), {})


OLD = [{b"org.apache.spark.version": b"2.4.8"}, {b"org.apache.spark.legacyDateTime": b""}]
OLD += [{b"org.apache.spark.version": b"3.5.1", b"org.apache.spark.legacyINT96": b""}]
OLD += [{b"org.apache.spark.version": b"10.0.0"}]  # Spark compares it with 3.0.0 as texts


@pytest.mark.parametrize("notes", OLD)
def test_times_in_an_older_calendar_are_read_by_spark(notes):
    assert not is_of_todays_calendar(notes)
    assert not are_read_alike(COLUMNS, COLUMNS, notes)
    assert are_read_alike(pa.schema(list(COLUMNS)[:2]), COLUMNS, notes)


@pytest.mark.parametrize("notes", [{}, {b"org.apache.spark.version": b"4.2.0"}, {b"pandas": b"{}"}])
def test_times_in_todays_calendar_are_read_alike(notes):
    assert are_read_alike(COLUMNS, COLUMNS, notes)


def session(codec, *keys):
    rows = SimpleNamespace(collect=lambda: [{"key": key} for key in keys])
    return SimpleNamespace(conf=SimpleNamespace(get=lambda key: codec), sql=lambda text: rows)


@pytest.mark.parametrize(
    ("codec", "known"),
    [("snappy", "snappy"), ("ZSTD", "zstd"), ("none", "none"), ("uncompressed", "none"), ("gzip", "gzip")],
)
def test_pages_are_compressed_as_the_session_says(codec, known):
    assert plain_codec(session(codec, "spark.sql.shuffle.partitions")) == known


@pytest.mark.parametrize("codec", ["lz4", "lz4raw", "brotli", "lzo", "own"])
def test_of_other_codecs_spark_knows_which_they_are(codec):
    assert plain_codec(session(codec)) is None


@pytest.mark.parametrize("key", ["parquet.bloom.filter.enabled", "spark.hadoop.parquet.crypto.factory.class"])
def test_what_a_user_tells_sparks_writer_has_spark_write(key, monkeypatch):
    assert plain_codec(session("snappy", key)) is None
    monkeypatch.setattr(file_merge_rules, "hadoop_settings_of_files", lambda: {key.removeprefix("spark.hadoop."): "x"})
    assert plain_codec(session("snappy")) is None


def test_a_pyarrow_that_cannot_note_sparks_schema_has_spark_write(monkeypatch):
    monkeypatch.delattr(pq.ParquetWriter, "add_key_value_metadata")
    assert plain_codec(session("snappy")) is None
