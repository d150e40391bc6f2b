"""`export: rows`, the textbook way: `mapPartitions` over rows, `json.dumps` for each, one put for each object.

Slow and obvious. It is the oracle of the tests and the peer of the benchmark; its records are equal to those of
`export: arrow` as parsed JSON. The one module that uses an RDD, which Spark Connect has not.
"""

from __future__ import annotations

import base64
import json
import math
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    AtomicType,
    BinaryType,
    BooleanType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegralType,
    MapType,
    StringType,
    StructType,
    UserDefinedType,
)

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import Framing
from batch_transform.core.limits import LARGEST_RECORD_BYTES
from batch_transform.core.object_names import object_name
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.sending.object_cutting import Cutter, CuttingRules
from batch_transform.core.sending.record_sizes import WRITTEN_SCHEMA, ExportedObjects, counted, exported
from batch_transform.core.spans import STANDARD, UNSENDABLE
from batch_transform.core.uris import S3Uri
from batch_transform.exports.port import ExportWay, ToExport
from batch_transform.records.jsonlines import JSON_OPTIONS
from batch_transform.records.port import RecordFormat
from batch_transform.spark.copied_input import read_whole
from batch_transform.spark.iso_dates import at_leaves, is_date, iso_text
from batch_transform.spark.settings import is_connect

# Types whose values Python has as JSON has them, or that `plain_value` knows.
_VARIANT = "variant"  # Spark 3.5 has no such type
_AS_THEY_ARE = (StringType, IntegralType, BooleanType, DoubleType, DecimalType, BinaryType)


class RowExport(ExportWay):
    """The textbook way: rows in Python, `json.dumps` for each, one put for each object. Slow, and an oracle."""

    def check(self, spark: SparkSession, format: RecordFormat) -> None:
        """Refuses Spark Connect, and records that are no JSON."""
        faults = []
        if is_connect(spark):
            faults.append("export: rows needs an RDD, which Spark Connect has not; leave it out, or set export: arrow")
        if not format.is_json:
            faults.append(f"export: rows makes JSON, but record.format is {format.name}; leave it out")
        if faults:
            raise ConfigurationError(faults)

    def export(self, given: ToExport) -> ExportedObjects:
        """Returns the objects, of which each partition has written its own."""
        staged = read_whole(given.spark, given.staged, given.rule)
        rows = staged.select(F.col(staged.columns[0]).alias("number"), given.rule.value().alias("value"))
        (kind,) = (each.dataType for each in rows.schema.fields[1:])
        rows = rows.select("number", at_leaves(F.col("value"), kind, _is_spelled, _spelled).alias("value"))
        if given.rule.one_object:
            rows = rows.repartition(1).sortWithinPartitions("number")
        (kind,) = (each.dataType for each in rows.schema.fields[1:])
        writer = PartitionWriter(kind, given.rules, given.framing, given.target, given.connect)
        written = rows.rdd.mapPartitions(writer).collect()
        return exported(pa.Table.from_pylist(written, schema=WRITTEN_SCHEMA))


def _is_spelled(kind: DataType) -> bool:
    """Whether Spark has to spell values of a type, as Python has no such values or spells them in another way."""
    return isinstance(kind, AtomicType) and not isinstance(kind, _AS_THEY_ARE) and kind.typeName() != _VARIANT


def _spelled(value: Column, kind: DataType) -> Column:
    if is_date(kind):
        return iso_text(value, kind)
    if isinstance(kind, FloatType):
        return value.cast("string").cast("double")  # Python would have more digits than the 32 bits say
    return F.get(F.from_json(F.to_json(F.array(value), JSON_OPTIONS), "array<string>"), 0)


@dataclass(frozen=True)
class PartitionWriter:
    """The function of the export tasks; a value that Spark sends to the workers."""

    kind: DataType
    rules: CuttingRules
    framing: Framing
    target: S3Uri
    connect: Callable[[], ObjectStore]

    def __call__(self, rows: Iterable[tuple[int, Any]]) -> Iterator[dict[str, object]]:
        store, cutter, task = self.connect(), Cutter(self.rules), uuid.uuid4().hex[:16]
        end = b"\n" if self.framing.newline else b""
        most = LARGEST_RECORD_BYTES - len(self.framing.header)
        opened = _Object()
        for number, value in rows:
            # Without blanks, as staging has measured records.
            text = json.dumps(plain_value(value, self.kind) or {}, ensure_ascii=False, separators=(",", ":"))
            record = text.encode() + end
            record = record if len(record) <= most else b""
            pieces = cutter.cut(np.array([number]), np.array([len(record)]), np.array([bool(record)]))
            for piece in pieces:
                if not piece.continues:
                    yield from self._written(opened, store, task)
                    opened = _Object(number, piece.lane)
            opened.records.append(record)
        yield from self._written(opened, store, task)

    def _written(self, filled: _Object, store: ObjectStore, task: str) -> Iterator[dict[str, object]]:
        if not filled.records:
            return
        sizes, name, etag, counts = [len(record) for record in filled.records], None, None, list[int]()
        if filled.lane != UNSENDABLE:
            name = object_name(filled.start, len(sizes), task, self.framing.suffix)
            etag = store.put(self.target.join(name), self.framing.frame(filled.records))
            counts = counted(np.array(sizes)).tolist()
        span: dict[str, object] = {"start": filled.start, "stop": filled.start + len(sizes), "lane": filled.lane}
        yield {**span, "object": name, "bytes": sum(sizes), "largest": max(sizes), "etag": etag, "sizes": counts}


@dataclass
class _Object:
    """An object that is being filled with records, the first of which is row `start`."""

    start: int = 0
    lane: str = STANDARD
    records: list[bytes] = field(default_factory=list)


def plain_value(value: Any, kind: DataType) -> Any:
    """A value of a row as `json.dumps` takes it, and as the record is to say it."""
    if value is None:
        return None
    if isinstance(kind, UserDefinedType):
        return plain_value(kind.serialize(value), kind.sqlType())
    if kind.typeName() == _VARIANT:
        return json.loads(value.toJson())
    if isinstance(kind, StructType):
        pairs = zip(kind.fields, value, strict=True)
        return {each.name: plain_value(part, each.dataType) for each, part in pairs}
    if isinstance(kind, MapType):
        return {key: plain_value(part, kind.valueType) for key, part in value.items()}
    if isinstance(value, list):
        return [plain_value(part, kind.elementType) for part in value]  # type: ignore[attr-defined]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return float(value) if kind.scale else int(value)  # type: ignore[attr-defined]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


WAY = RowExport()
