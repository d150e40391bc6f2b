"""What goes into a run and what comes back of it, checked: the input or what is staged of it, records, predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    ByteType,
    CharType,
    DataType,
    DateType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructType,
    VarcharType,
)

from batch_transform.config.json_paths import names_left
from batch_transform.config.prediction import PredictionKey
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.framing import Framing
from batch_transform.core.near_names import listed, no_such
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.predictions.answer_form import JSON
from batch_transform.core.predictions.answer_form import JSON_LINES as JSON_LINES_ANSWER
from batch_transform.core.predictions.output_counts import KeyCheck
from batch_transform.core.predictions.prediction_types import may_be_blank
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.run_state import RunState
from batch_transform.core.uris import S3Uri
from batch_transform.exports.export_ways import export_way
from batch_transform.pipeline.checks.collected_faults import Faults
from batch_transform.pipeline.checks.same_input import read_source
from batch_transform.pipeline.places import Places
from batch_transform.pipeline.tables.run_predictions import shape_of
from batch_transform.pipeline.tables.source import Source
from batch_transform.pipeline.tables.spark_tables import SparkTables
from batch_transform.records.registry import framing_of
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.record_rules import RecordRule, record_rule
from batch_transform.spark.staged_rows import staged_schema


@dataclass(frozen=True)
class RunRows:
    """What goes in and what comes back; `source` is None for rows that are staged already."""

    source: Source | None
    schema: StructType
    rule: RecordRule
    shape: PredictionShape
    key: KeyCheck | None


def rows_of(
    spark: SparkSession,
    config: RunConfig,
    places: Places,
    store: ObjectStore,
    source: Source | None,
    recorded: RunState | None,
    faults: Faults,
) -> RunRows:
    """Checks input, record and predictions; refuses with all faults that were found, here or before."""
    source = source or faults.of(lambda: _read(spark, config, recorded, places, store))
    schema = faults.of(lambda: _schema(source, recorded, places))
    inferred = recorded.inferred if recorded is not None else None
    shape = faults.of(lambda: shape_of(spark, config, inferred))
    is_staged = recorded is not None and recorded.staged is not None
    rule = None if schema is None else faults.of(lambda: rule_of(spark, schema, config, is_staged=is_staged))
    if schema is None or shape is None or rule is None:
        faults.refuse()
        raise AssertionError("a check failed without a fault")
    if recorded is None or recorded.spans is None:
        faults.of(lambda: export_way(config.export).check(spark, rule.format))
    reader, record, framing = shape.reader, rule.fields, framing_of(config.settings)
    key = faults.of(lambda: key_check(config.prediction.key, reader, record, places.layout.input, framing))
    faults.of(lambda: check_filtered(config.transform.output_filter, reader))
    if recorded is None:  # it was `refuse` unless given once, and is in the ledgers of runs of any schema
        faults.of(lambda: check_blank_lines(config.prediction.blank_lines, reader))
    faults.refuse()
    return RunRows(source, schema, rule, shape, key)


def rule_of(spark: SparkSession, schema: StructType, config: RunConfig, *, is_staged: bool = False) -> RecordRule:
    """Returns how a row of this input becomes a record.

    Raises:
        ConfigurationError: as `record_rule`.
    """
    record = config.record
    return record_rule(
        spark,
        schema,
        record.format,
        record.columns,
        record.sql,
        header=bool(record.header),
        one_object=config.settings.is_one_object,
        is_staged=is_staged,
    )


def _read(
    spark: SparkSession, config: RunConfig, recorded: RunState | None, places: Places, store: ObjectStore
) -> Source | None:
    """The input; None for a run over rows that are staged: they are pinned, whatever became of the input."""
    if recorded is not None and recorded.staged is not None:
        return None
    assert config.input is not None
    return read_source(spark, config.input, places, store, config.limit)


def read_again(
    spark: SparkSession, config: RunConfig, recorded: RunState | None, places: Places, store: ObjectStore
) -> Source:
    """The input of a run whose staged rows are gone, nothing depending on them yet."""
    assert config.input is not None
    source = read_source(spark, config.input, places, store, config.limit)
    _schema(source, recorded, places)
    return source


def _schema(source: Source | None, recorded: RunState | None, places: Places) -> StructType | None:
    """The schema of the staged rows, else of the input; None where the input could not be read.

    Raises:
        ConfigurationError: the input is of another schema than the rows that the run has staged: it was not meant.
    """
    if recorded is None or recorded.staged is None:
        return source.df.schema if source is not None else None
    staged = staged_schema(recorded.staged)
    if source is not None:
        before, now = ([field.simpleString() for field in fields] for fields in (staged, source.df.schema.fields))
        if before != now:
            changed = sorted(set(before) ^ set(now)) or ["the order of the columns"]
            raise ConfigurationError(
                f"input: {recorded.run_id} was begun over an input of another schema ({listed(changed)}); score "
                f"this one under another run_id, or give `resume {places.run}`, which takes the rows that are staged"
            )
    return StructType(staged)


def input_of(tables: SparkTables) -> DataFrame:
    """The input, read again for a run that has staged it."""
    if tables.source is not None:
        return tables.source.df
    assert tables.config.input is not None
    return read_source(tables.spark, tables.config.input, tables.places, tables.store).df


def key_check(
    key: PredictionKey | None,
    reader: PredictionReader,
    record: Mapping[str, DataType],
    inputs: S3Uri,
    framing: Framing,
) -> KeyCheck | None:
    """Returns what answers must echo, None for nothing.

    Raises:
        ConfigurationError: no such field in the answers, no such column in the record, or a type that two sides may
            spell differently.
    """
    if key is None:
        return None
    faults = []
    fields = {field.name: field.type for field in reader.type}
    family = _family(fields[key.field]) if key.field in fields else None
    if key.field not in fields:
        faults.append(f"prediction.key: {no_such('field', [key.field], 'prediction.schema', fields)}")
    elif family is None:
        faults.append(f"prediction.key: the field {key.field} is {fields[key.field]}; valid: string, integer, date")
    if key.column not in record:
        faults.append(f"prediction.key: {no_such('column', [key.column], 'the record', record)}")
    elif family is not None and not isinstance(record[key.column], _COLUMNS[family]):
        kinds = f"the column {key.column} is {record[key.column].simpleString()}, the field {fields[key.field]}"
        faults.append(f"prediction.key: {kinds}; they must be of one kind")
    if faults:
        raise ConfigurationError(faults)
    return KeyCheck(key.field, key.column, inputs, framing)


def check_filtered(output_filter: str | None, reader: PredictionReader) -> None:
    """Checks that what a filter leaves of an answer has a field of the schema.

    Raises:
        ConfigurationError: it has none, so that no answer could be read.
    """
    names = names_left(output_filter or "")
    if not names or reader.schema is None or reader.form.steps or reader.form.format not in (JSON, JSON_LINES_ANSWER):
        return
    if not {name.lower() for name in names} & {name.lower() for name in reader.schema.names}:
        raise ConfigurationError(
            f"prediction.schema: has {', '.join(reader.schema.names)}, and transform.output_filter leaves "
            f"{' and '.join(names)} of each answer, so none could be read; name one of these in the schema, such as "
            f"'{names[-1]} struct<p: double>', or let the filter leave the prediction alone"
        )


def check_blank_lines(asked: str, reader: PredictionReader) -> None:
    """Checks that an output with a blank line is refused only where one may be an answer.

    Raises:
        ConfigurationError: none may be, and all are left out, whatever was asked for.
    """
    if asked == "refuse" and not may_be_blank(reader.schema, reader.form):
        raise ConfigurationError(
            "prediction.blank_lines: is refuse, which holds of answers that are bare strings alone (no "
            "prediction.schema, or in csv and text one of one string); between these answers blank lines are left out, "
            "and the lines that remain must be as many as the rows: leave the key out"
        )


# The columns whose values JSON spells as it spells a field of that kind.
_COLUMNS: dict[str, tuple[type[DataType], ...]] = {
    "string": (StringType, CharType, VarcharType),
    "integer": (ByteType, ShortType, IntegerType, LongType),
    "date": (DateType,),
}


def _family(kind: pa.DataType) -> str | None:
    """The kind of value in JSON, None for one that two sides may spell differently."""
    families = {"string": pt.is_string, "integer": pt.is_integer, "date": pt.is_date}
    return next((name for name, holds in families.items() if holds(kind)), None)
