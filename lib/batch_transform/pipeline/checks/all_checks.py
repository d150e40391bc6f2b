"""The checks of a run against everything outside it, from the cheapest to those that write a probe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.types import StructType

from batch_transform.core.errors import ConfigurationError
from batch_transform.pipeline.checks.collected_faults import Faults
from batch_transform.pipeline.checks.output_fit import Fit
from batch_transform.pipeline.checks.output_over_input import Reading
from batch_transform.pipeline.checks.preflight import Tables, check_spark_reads, check_table, check_targets
from batch_transform.pipeline.context import RunContext
from batch_transform.pipeline.places import targets_of
from batch_transform.pipeline.tables.spark_tables import SparkTables
from batch_transform.spark.expectations import check_expected
from batch_transform.spark.merge_way import way_named
from batch_transform.spark.refused_settings import Without, without
from batch_transform.spark.s3_probe import WorkersReach
from batch_transform.spark.settings import OWN_SETTINGS, ROW_READER, STAGED_FORMAT, effective, session_settings


def check_world(
    ctx: RunContext, tables: SparkTables, fit: Fit, reading: Reading, reach: WorkersReach, faults: Faults
) -> None:
    """Checks places, tables and the ways to them; each kind only where those before it found nothing.

    Args:
        ctx: the run's outside world.
        tables: its work on tables.
        fit: what is published, and where.
        reading: the input.
        reach: whether the workers reach S3, asked already.
        faults: what was found before.

    Raises:
        ConfigurationError: with all faults of a kind; nothing is left behind.
    """
    spark, names = tables.spark, tuple(fit.schema.names)
    targets = targets_of(ctx.config, ctx.places)
    found = refused_settings(spark, targets.format.settings)
    faults.add(list(found.faults))
    published = Tables(names, (*names, *tables.shape.names), (*names, targets.dead_letter.error_column))
    check_targets(spark, targets, ctx.places, ctx.store, published, reading, faults, probes=True)
    warnings = [found.warning]
    if not faults.found:
        warnings += fit.checked(faults)
        faults.of(
            partial(check_expected, spark, fit.schema, fit.added["result"], ctx.config.expect, is_known=fit.complete)
        )
    if not faults.found:
        faults.add(check_table(spark, fit.schema, tables.shape, ctx.places, tables.connect, targets, reach))
    way = way_named(ctx.config.merge)
    if not faults.found and way.spark_reads_outputs:
        faults.of(lambda: check_spark_reads(spark, ctx.places, ctx.store, way.name))
    faults.refuse()
    result = StructType([*fit.schema.fields, *fit.added["result"]])
    warnings += targets.format.warnings(spark, list(targets.tables(ctx.places).values()), result)
    for warning in filter(None, warnings):
        ctx.tell("warning", warning)


def refused_settings(spark: SparkSession, of_format: Mapping[str, str]) -> Without:
    """Returns what the run cannot do, or does not promise, in this session; sets nothing beyond the call.

    Args:
        spark: the session.
        of_format: the settings of the output's format.
    """
    wanted = {**OWN_SETTINGS, **ROW_READER, **of_format}
    with session_settings(spark, wanted) as refused:
        return without(wanted, {key: effective(spark, key) for key in refused}, STAGED_FORMAT)


# Of the platform's own packages: a wheel that asked for others would replace them for everyone.
# The oldest that runs are tried with (tests/platforms): of Databricks 15.4 LTS and serverless environment version 2.
# Version 8, of environment version 1, cannot even combine no chunks.
OLDEST_PYARROW = 14


def check_pyarrow(version: str = pa.__version__) -> None:
    """Raises ConfigurationError for a pyarrow that is too old."""
    if int(version.partition(".")[0]) < OLDEST_PYARROW:
        raise ConfigurationError(
            f"pyarrow {version} is installed here, and {OLDEST_PYARROW} or newer is needed: on Databricks' serverless "
            f"compute choose environment version 2 or later, elsewhere pip install 'pyarrow>={OLDEST_PYARROW}'"
        )
