"""What Spark is told of a table is what its Arrow schema says."""

from __future__ import annotations

import pyarrow as pa
import pytest

from batch_transform.core.predictions.output_counts import OUTPUT_SCHEMA
from batch_transform.core.resuming.repair import MADE_SCHEMA
from batch_transform.core.spans import CUT_SCHEMA, EXPORT_SCHEMA, PART_SCHEMA
from batch_transform.spark.arrow_types import spark_schema


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (EXPORT_SCHEMA, "start:bigint,stop:bigint,lane:string,object:string,bytes:bigint,largest:bigint,etag:string"),
        (
            CUT_SCHEMA,
            "start:bigint,lane:string,object:string,offset:bigint,bytes:bigint,parts:array<bigint>,send:array<int>",
        ),
        (
            PART_SCHEMA,
            "start:bigint,stop:bigint,lane:string,object:string,bytes:bigint,largest:bigint,etag:string,offset:bigint,"
            "copies:array<string>,copy_etags:array<string>",
        ),
        (MADE_SCHEMA, "object:string,rows:bigint,bytes:bigint,largest:bigint,etag:string"),
        (
            OUTPUT_SCHEMA,
            "object:string,etag:string,lines:bigint,blank:bigint,"
            "unreadable:array<struct<start:bigint,stop:bigint,reason:string,placeholder:boolean>>,wrong_key:bigint,"
            "shape:string,setting:string,misread:boolean,is_error:boolean",
        ),
    ],
)
def test_spark_is_told_what_stood_here_by_hand(schema, words):
    assert spark_schema(schema).simpleString() == f"struct<{words}>"


def test_nothing_that_spark_is_told_forbids_nulls():
    told = spark_schema(pa.schema([pa.field("a", pa.list_(pa.int32()), nullable=False)]))
    assert told["a"].nullable
    assert told["a"].dataType.containsNull


def test_a_time_is_in_utc_and_another_type_is_no_guess():
    assert spark_schema(pa.schema([("t", pa.timestamp("us", tz="UTC"))])).simpleString() == "struct<t:timestamp>"
    with pytest.raises(KeyError):
        spark_schema(pa.schema([("t", pa.decimal128(10, 2))]))
