"""`merge: join`, the textbook way: Spark reads the outputs, numbers their lines and joins on the row number.

The oracle of the tests, the peer in the benchmark, and the way for clusters whose Python workers may not read S3: only
the text of a line goes to Python here. It shuffles both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from batch_transform.core import reserved_columns
from batch_transform.core.isolation.verdict_rows import SCORED
from batch_transform.core.plain_paths import escaped
from batch_transform.core.predictions.answer_form import AnswerForm
from batch_transform.core.predictions.output_lines import lines_of
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.reserved_columns import OUTCOME, free, place_name
from batch_transform.core.staged_table import Staged
from batch_transform.spark.arrow_types import spark_schema
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.settings import WHOLE_FILES
from batch_transform.spark.staged_rows import read_staged
from batch_transform.spark.zip_merge import ORIGIN_TYPE, iterator_udf, outcome_type

# Columns of a leaf that say where a prediction comes from, in the order of ORIGIN_TYPE.
_ORIGIN = ("job", "object", "at")
_TEXT = StructType([StructField("text", StringType())])


def with_outcomes_joined(
    spark: SparkSession,
    staged: Staged,
    leaves: pa.Table,
    output_path: Callable[[str, str], str],
    shape: PredictionShape,
) -> DataFrame:
    """Returns the staged rows with their outcomes as the last column, as `zip_merge.with_outcomes` does.

    Args:
        spark: the session.
        staged: the staged rows.
        leaves: the outcome of every row.
        output_path: the path, as Spark reads it, of the output for (job, object).
        shape: of the predictions.
    """
    rows = read_staged(spark, staged)
    scored = leaves.filter(pc.equal(leaves["state"], SCORED)).select(["start", "stop", "line", *_ORIGIN])
    number, (outcome,) = rows.columns[0], free([OUTCOME], rows.columns)
    if not scored.num_rows:
        return rows.withColumn(outcome, F.lit(None).cast(outcome_type(shape))).where(F.lit(False))
    parse = iterator_udf(_Parser(shape.reader), outcome_type(replace(shape, provenance=False)))
    answers = _numbered_lines(spark, scored, output_path, shape.reader.form).select(
        "number", parse(F.col("text")).alias("outcome"), *_ORIGIN
    )
    found = F.col("outcome")
    for field, name in zip(ORIGIN_TYPE.fields if shape.provenance else (), _ORIGIN, strict=False):
        found = found.withField(field.name, F.col(name).cast(field.dataType))
    told = answers.select(F.col("number").alias(number), found.alias(outcome))
    return rows.join(told, on=number, how="inner")


def _numbered_lines(
    spark: SparkSession, scored: pa.Table, output_path: Callable[[str, str], str], form: AnswerForm
) -> DataFrame:
    places = spark.createDataFrame(scored.to_pylist(), spark_schema(scored.schema))
    outputs = sorted({(row["job"], row["object"]) for row in scored.select(["job", "object"]).to_pylist()})
    # `text` alone also splits at a lone \r; `.option("wholetext", ...)` is ignored.
    paths = [escaped(output_path(job, name)) for job, name in outputs]
    texts = spark.read.options(**WHOLE_FILES).text(paths, wholetext=True)
    steps = F.split(F.input_file_name(), "/")
    named = texts.select(
        F.element_at(steps, -2).alias("job"),
        F.regexp_replace(F.element_at(steps, -1), r"\.out$", "").alias("object"),
        "value",
    )
    # In steps: a Python function has no place beside input_file_name(), nor inside posexplode().
    named = _unpacked(named, form).select("job", "object", F.posexplode(_lines(form)).alias("position", "text"))
    within = (F.col("position") >= F.col("line")) & (F.col("position") - F.col("line") < F.col("stop") - F.col("start"))
    return (
        named.join(places, on=["job", "object"], how="inner")
        .where(within)
        .select((F.col("start") + F.col("position") - F.col("line")).alias("number"), "text", *_ORIGIN)
    )


def _lines(form: AnswerForm) -> Column:
    """The lines of a text as `AnswerForm.lines` gives them, of a form that is lines; of any other they are as it is."""
    text = F.col("value")
    if form.separator and form.is_lines:
        text = F.replace(text, F.lit(form.separator), F.lit("\n"))
    lines = F.transform(F.split(text, "\n", -1), lambda line: F.regexp_replace(line, "^\ufeff+", ""))
    return F.filter(lines, lambda line: line.rlike(r"[^ \t\n\r\x0B\f]")) if form.skips_blank else lines


def _unpacked(texts: DataFrame, form: AnswerForm) -> DataFrame:
    """The texts of outputs with one prediction on each line."""
    if form.is_lines:
        return texts
    unpack = iterator_udf(_Unpacker(form), _TEXT)
    return texts.withColumn("value", unpack(F.col("value"))).withColumn("value", F.col("value")["text"])


@dataclass(frozen=True)
class _Unpacker:
    """The function of the unpacking tasks: texts of outputs to texts with one prediction on each line."""

    form: AnswerForm

    def __call__(self, batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        for texts in batches:
            made = [b"".join(self.form.lines([text.as_py().encode()])).decode(errors="replace") for text in texts]
            yield pa.StructArray.from_arrays([pa.array(made, pa.string())], names=["text"])


class _Parser:
    """The function of the parsing tasks: texts of lines to outcomes."""

    def __init__(self, reader: PredictionReader) -> None:
        self._reader = reader

    def __call__(self, batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        for texts in batches:
            block = "".join([text + "\n" for text in texts.to_pylist()]).encode()
            values = self._reader.read(lines_of(block)).values
            names = [reserved_columns.SCORED, *map(place_name, range(values.type.num_fields))]
            yield pa.StructArray.from_arrays([pc.is_valid(values), *values.flatten()], names)
