"""Which export ways there are, where `rows` refuses to work, and what it makes of values that JSON does not know."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.ml.linalg import Vectors, VectorUDT
from pyspark.sql import types as T
from pyspark.sql.connect import session

from batch_transform import exports
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import JSON_LINES
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.uris import S3Uri
from batch_transform.exports.export_ways import export_way, names
from batch_transform.exports.rows import PartitionWriter, plain_value
from batch_transform.records.registry import record_format
from support.memory_store import MemoryStore

KIND = T.StructType().add("a", T.LongType())


def test_the_ways_are_told_without_spark():
    told = "from batch_transform.exports.export_ways import names; print(names())"
    code = f"import sys; sys.modules['pyspark'] = None\n{told}"
    environment = {"PYTHONPATH": ":".join(sys.path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout.decode().strip() == str(names())


def test_the_ways_are_the_modules_of_the_folder():
    folder = Path(exports.__path__[0])
    assert set(names()) == {path.stem for path in folder.glob("*.py") if "\nWAY = " in path.read_text(encoding="utf-8")}
    assert RunConfig.model_fields["export"].default in names()


@pytest.mark.parametrize("way", ["arrow", "rows"])
def test_a_way_that_works_is_not_refused(way):
    export_way(way).check(object(), record_format("json"))


def test_rows_are_refused_over_spark_connect_and_for_records_that_are_no_json():
    connected = object.__new__(session.SparkSession)
    with pytest.raises(ConfigurationError) as refused:
        export_way("rows").check(connected, record_format("csv"))
    assert refused.value.faults == (
        "export: rows needs an RDD, which Spark Connect has not; leave it out, or set export: arrow",
        "export: rows makes JSON, but record.format is csv; leave it out",
    )
    export_way("arrow").check(connected, record_format("csv"))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (T.DecimalType(38, 0), Decimal(10**37 + 1), 10**37 + 1),
        (T.DecimalType(5, 2), Decimal("1.50"), 1.5),
        (T.BinaryType(), bytearray(b"\xff"), base64.b64encode(b"\xff").decode()),
        (T.DoubleType(), float("-inf"), "-Infinity"),
        (T.ArrayType(T.DoubleType()), [float("nan"), None], ["NaN", None]),
        (T.MapType(T.BooleanType(), T.BinaryType()), {True: b""}, {True: ""}),
        (T.StructType().add("b", KIND), (None,), {"b": None}),
        (VectorUDT(), Vectors.dense([1.0]), {"type": 1, "size": None, "indices": None, "values": [1.0]}),
    ],
)
def test_a_value_becomes_what_a_record_says(kind, value, expected):
    assert plain_value(value, kind) == expected


def written(rows, rules):
    store = MemoryStore()
    folder = S3Uri("bucket", "run/input")
    spans = list(PartitionWriter(KIND, rules, JSON_LINES, folder, lambda: store)(rows))
    return spans, {each["object"]: store.get(folder.join(each["object"]))[0] for each in spans if each["object"]}


def test_objects_end_where_the_rules_and_the_row_numbers_do():
    spans, objects = written([(n, (n,)) for n in (0, 1, 2, 3, 7)], CuttingRules(18, 18))
    assert [(span["start"], span["stop"], span["bytes"], span["largest"]) for span in spans] == [
        (0, 2, 16, 8),
        (2, 4, 16, 8),
        (7, 8, 8, 8),
    ]
    assert [[json.loads(line)["a"] for line in body.split(b"\n") if line] for body in objects.values()] == [
        [0, 1],
        [2, 3],
        [7],
    ]


def test_a_record_that_no_payload_holds_is_a_span_without_an_object(monkeypatch):
    monkeypatch.setattr("batch_transform.exports.rows.LARGEST_RECORD_BYTES", 8)
    spans, objects = written([(0, (1,)), (1, (1234,)), (2, None)], CuttingRules(100, 100))
    assert [(span["lane"], span["bytes"], span["object"] is None) for span in spans] == [
        ("standard", 8, False),
        ("unsendable", 0, True),
        ("standard", 3, False),
    ]
    assert [*objects.values()] == [b'{"a":1}\n', b"{}\n"]
