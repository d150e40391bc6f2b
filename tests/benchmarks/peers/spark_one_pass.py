"""Spark in one pass with the request inside it: `mapInArrow` (arrow) or `mapPartitions` over rows (rdd); orjson."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame, Row
from pyspark.sql.types import LongType, StructType

from benchmarks.peers.input_tables import PREDICTION
from benchmarks.peers.plain_session import MEMORY, session
from benchmarks.peers.posting import BATCH_BYTES, answer_to, arguments, predictions, with_predictions, working


def _in_arrow(df: DataFrame, schema: StructType, url: str) -> DataFrame:
    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            body = b"\n".join(map(orjson.dumps, batch.to_pylist()))
            yield from with_predictions(batch, url, body).to_batches()

    return df.mapInArrow(score, schema)


def _in_rows(df: DataFrame, schema: StructType, url: str) -> DataFrame:
    def answered(rows: list[Row], records: list[bytes]) -> Iterator[tuple[Any, ...]]:
        found = predictions(answer_to(url, b"\n".join(records)), len(rows)).to_pylist()
        return ((*row, p) for row, p in zip(rows, found, strict=True))

    def score(rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
        kept: list[Row] = []
        records: list[bytes] = []
        size = 0
        for row in rows:
            record = orjson.dumps(row.asDict(recursive=True))
            if records and size + len(record) > BATCH_BYTES:
                yield from answered(kept, records)
                kept, records, size = [], [], 0
            kept.append(row)
            records.append(record)
            size += len(record) + 1
        if records:
            yield from answered(kept, records)

    return df.sparkSession.createDataFrame(df.rdd.mapPartitions(score), schema, verifySchema=False)


WAYS = {"arrow": _in_arrow, "rdd": _in_rows}


def main() -> None:
    """Scores the table."""
    parser = arguments(__doc__)
    parser.add_argument("--way", choices=list(WAYS), required=True)
    asked = parser.parse_args()
    # Without a limit of bytes Spark does not ask for them after each row, which takes a tenth of an export of ours.
    sizes = {"maxRecordsPerBatch": asked.batch_rows, "maxBytesPerBatch": 2**31 - 1} if asked.way == "arrow" else {}
    batches = {f"spark.sql.execution.arrow.{name}": str(size) for name, size in sizes.items()}
    spark = session(asked.cores, batches)
    told = itertools.chain([f"local[{asked.cores}]", f"spark.driver.memory={MEMORY}"], map("=".join, batches.items()))
    with working(f"Spark {spark.version}: {', '.join(told)}, the rest by default"):
        df = spark.read.parquet(asked.input)
        schema = StructType([*df.schema.fields]).add(PREDICTION, LongType())
        WAYS[asked.way](df, schema, asked.url).write.parquet(asked.output)
    spark.stop()


if __name__ == "__main__":
    main()
