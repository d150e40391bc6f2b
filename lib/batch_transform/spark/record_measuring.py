"""Measure the records of a table, without writing anything: all of them in one aggregation, or some of a large one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import reduce

import numpy as np
from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from batch_transform.core.estimate.measured_records import LaneSize, Measured
from batch_transform.core.estimate.table_size import RENDERED_FILES, measured_by, scan_partitions
from batch_transform.core.framing import Framing
from batch_transform.core.limits import LARGEST_RECORD_BYTES
from batch_transform.core.reserved_columns import RECORD, RECORD_FAULT
from batch_transform.core.sending.object_sizes import is_large
from batch_transform.core.sending.partitioning import partitioning
from batch_transform.core.sending.row_faults import MOST_KINDS, check_measured
from batch_transform.core.spans import OVERSIZE, STANDARD, UNSENDABLE
from batch_transform.spark.explaining import parallelism
from batch_transform.spark.record_rules import RecordRule
from batch_transform.spark.settings import ROW_READER, session_settings
from batch_transform.spark.table_size import Looked, split_bytes


def measure(
    df: DataFrame, rule: RecordRule, framing: Framing, oversize_bytes: int, *, rows_are_large: bool = False
) -> Measured:
    """Returns the sizes of the records as an export would write them, by lane.

    Args:
        df: the input.
        rule: how a row becomes a record.
        framing: how records lie in an object.
        oversize_bytes: the record size, with its newline if it has one, above which the oversize lane begins.
        rows_are_large: whether the scan should read row by row.

    Raises:
        ConfigurationError: there are rows that the format cannot carry.
    """
    record, size = _record_bytes(framing), F.col("size")
    lane = F.when(size > LARGEST_RECORD_BYTES, UNSENDABLE).when(size > oversize_bytes, OVERSIZE).otherwise(STANDARD)
    fault = F.col(RECORD_FAULT)
    faults = [F.count(fault).alias("faults"), F.slice(F.collect_set(fault), 1, MOST_KINDS).alias("kinds")]
    settings: Mapping[str, str] = ROW_READER if rows_are_large else {}
    with session_settings(df.sparkSession, settings):
        found = (
            rule.rendered(df)
            .select(record.alias("size"), RECORD_FAULT, F.spark_partition_id().alias("partition"))
            .groupBy(lane.alias("lane"), "partition")
            .agg(F.count(F.lit(1)).alias("rows"), F.sum(size).alias("bytes"), F.max(size).alias("largest"), *faults)
            .collect()
        )
    kinds = [kind for row in found for kind in row["kinds"]]
    check_measured(sum(row["faults"] for row in found), kinds, rule.format.name, rule.format.remedy)
    sizes = Counter[int]()
    for row in found:
        sizes[row["partition"]] += row["bytes"]
    partitions = partitioning(list(sizes.values()), parallelism(df.sparkSession))
    return Measured(_lanes(found), framing.newline, partitions)


def first_record(df: DataFrame, rule: RecordRule) -> str:
    """Returns one record as it would be sent, for a person who asks to see one; bytes that are no text as `\\x..`."""
    rows = rule.rendered(df).select(RECORD).limit(1).collect()
    record = rows[0][RECORD] if rows else ""
    return record.decode("utf-8", "backslashreplace") if isinstance(record, (bytes, bytearray)) else record or ""


def measure_some(looked: Looked, rule: RecordRule, framing: Framing, oversize_bytes: int) -> Measured:
    """Returns the sizes of the records of a large table, about: by the first rows of some of its files.

    Args:
        looked: the table.
        rule: how a row becomes a record.
        framing: how records lie in an object.
        oversize_bytes: as `measure`.

    Raises:
        ConfigurationError: there are rows among them that the format cannot carry.
    """
    size, spark = looked.size, looked.parts[0].sparkSession
    rows = size.rows_of_a_piece * (RENDERED_FILES if len(looked.parts) == 1 else 1)
    some = [rule.rendered(df).select(_record_bytes(framing).alias("size"), RECORD_FAULT) for df in looked.parts]
    with session_settings(spark, ROW_READER if is_large(size.row_bytes) else {}):
        # A limit that is collected is worked out partition by partition; below anything else each one gives so many.
        found = reduce(DataFrame.unionAll, [df.limit(rows) for df in some]).collect()
    kinds = [row[RECORD_FAULT] for row in found if row[RECORD_FAULT] is not None]
    check_measured(len(kinds), kinds[:MOST_KINDS], rule.format.name, rule.format.remedy)
    records = np.array([row["size"] for row in found], np.int64)
    mean = float(records.mean()) if len(records) else 0.0
    partitions = scan_partitions(size, mean, parallelism(spark), *split_bytes(looked.parts[0]))
    return measured_by(size, records, oversize_bytes, partitions, newline=framing.newline)


def _record_bytes(framing: Framing) -> Column:
    return F.coalesce(F.octet_length(RECORD), F.lit(0)).cast("long") + int(framing.newline)


def _lanes(found: Iterable[Row]) -> dict[str, LaneSize]:
    """The lanes, whose rows lie in any number of partitions."""
    lanes: dict[str, LaneSize] = {}
    for row in found:
        before = lanes.get(row["lane"], LaneSize(0, 0, 0))
        largest = max(before.largest, row["largest"])
        lanes[row["lane"]] = LaneSize(before.rows + row["rows"], before.bytes + row["bytes"], largest)
    return lanes
