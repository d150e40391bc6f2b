"""`merge: join`, the textbook way: Spark reads the outputs, numbers their lines and joins on the row number.

The oracle of the tests, the peer in the benchmark, and the way for clusters whose Python workers may not read S3: only
the text of a line goes to Python here. It shuffles both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, StructField, StructType

from batch_transform.core.predictions import PredictionReader
from batch_transform.core.records import Staged
from batch_transform.core.verdicts import SCORED
from batch_transform.spark.merging import OUTCOME, PredictionShape, iterator_udf
from batch_transform.spark.staging import ROW_NUMBER, read_staged


def with_outcomes_joined(
    spark: SparkSession,
    staged: Staged,
    leaves: pa.Table,
    output_path: Callable[[str, str], str],
    shape: PredictionShape,
) -> DataFrame:
    """Returns the staged rows with the column OUTCOME, as `merging.with_outcomes` does.

    Args:
        spark: the session.
        staged: the staged rows.
        leaves: the outcome of every row.
        output_path: the path, as Spark reads it, of the output for (job, object).
        shape: of the predictions.
    """
    rows = read_staged(spark, staged)
    kind = StructType([StructField("scored", BooleanType()), *shape.struct.fields])
    scored = leaves.filter(pc.equal(leaves["state"], SCORED)).select(["start", "stop", "job", "object", "line"])
    if not scored.num_rows:
        return rows.withColumn(OUTCOME, F.lit(None).cast(kind)).where(F.lit(False))
    parse = iterator_udf(_Parser(shape.reader), kind)
    answers = _numbered_lines(spark, scored, output_path).select(
        F.col("number").alias(ROW_NUMBER), parse(F.col("text")).alias(OUTCOME)
    )
    return rows.join(answers, on=ROW_NUMBER, how="inner")


def _numbered_lines(spark: SparkSession, scored: pa.Table, output_path: Callable[[str, str], str]) -> DataFrame:
    places = spark.createDataFrame(scored.to_pylist(), "start long, stop long, job string, object string, line long")
    outputs = sorted({(row["job"], row["object"]) for row in scored.select(["job", "object"]).to_pylist()})
    # `text` alone also splits at a lone \r; `.option("wholetext", ...)` is ignored.
    texts = spark.read.text([output_path(job, name) for job, name in outputs], wholetext=True)
    steps = F.split(F.input_file_name(), "/")
    named = texts.select(
        F.element_at(steps, -2).alias("job"),
        F.regexp_replace(F.element_at(steps, -1), r"\.out$", "").alias("object"),
        F.posexplode(F.split("value", "\n", -1)).alias("position", "text"),
    )
    within = (F.col("position") >= F.col("line")) & (F.col("position") - F.col("line") < F.col("stop") - F.col("start"))
    return (
        named.join(places, on=["job", "object"], how="inner")
        .where(within)
        .select((F.col("start") + F.col("position") - F.col("line")).alias("number"), "text")
    )


class _Parser:
    """The function of the parsing tasks: texts of lines to outcomes."""

    def __init__(self, reader: PredictionReader) -> None:
        self._reader = reader

    def __call__(self, batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        for texts in batches:
            block = "".join([text + "\n" for text in texts.to_pylist()]).encode()
            values = self._reader.read(block).values
            flags = pc.is_valid(values)
            fields = [pa.field("scored", pa.bool_()), *self._reader.type]
            yield pa.StructArray.from_arrays([flags, *values.flatten()], fields=fields)
