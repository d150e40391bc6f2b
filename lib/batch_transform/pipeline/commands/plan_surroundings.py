"""What a plan looks at beside the input: earlier runs, the model, the bucket, and what is where the output goes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from batch_transform.aws.access import AwsAccess
from batch_transform.config.places import is_s3
from batch_transform.config.runfile import RunConfig
from batch_transform.core.errors import BatchTransformError
from batch_transform.core.estimate.earlier_jobs import NOTHING_KEPT
from batch_transform.core.estimate.instance_quotas import QuotasFound
from batch_transform.core.estimate.plan_text import output_fate
from batch_transform.core.object_store import ObjectStore, StoreFailure
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.tree_of_location import open_tree
from batch_transform.pipeline.checks.collected_faults import Faults, check_bucket, check_price, check_service
from batch_transform.pipeline.checks.model_servers import check_model_servers
from batch_transform.pipeline.checks.output_fit import Fit
from batch_transform.pipeline.checks.output_over_input import Reading
from batch_transform.pipeline.checks.preflight import Tables, check_targets
from batch_transform.pipeline.earlier_runs import EarlierRuns, earlier_runs
from batch_transform.pipeline.local_process import CLOCK
from batch_transform.pipeline.world.aws_access import jobs_of
from batch_transform.s3.store import S3Store
from batch_transform.sagemaker import quotas
from batch_transform.spark.input_reading import column_faults
from batch_transform.spark.prediction_columns import PredictionShape
from batch_transform.spark.settings import is_case_sensitive, session_settings
from batch_transform.spark.spark_errors import SPARK_ERRORS

NOBODY_ASKED = QuotasFound(why_not="SageMaker is emulated here")


@dataclass(frozen=True)
class Around:
    """What was found.

    Attributes:
        store: S3; None: there is none to look at, as of an emulator that a run would begin.
        region: where jobs run; None: in an emulator.
        before: what earlier runs tell of this model.
        quotas: of the account.
        missing: what the run would lack, a line each.
    """

    store: ObjectStore | None = None
    region: str | None = None
    before: EarlierRuns = field(default_factory=EarlierRuns)
    quotas: QuotasFound = NOBODY_ASKED
    missing: tuple[str, ...] = ()


NOTHING_AROUND = Around()


def around(config: RunConfig, access: AwsAccess | None) -> Around:
    """Returns what there is around a run; what is missing is told, and refuses nothing.

    Args:
        config: of the run.
        access: to AWS, or to an emulator that is up; None: to neither.
    """
    faults = Faults()
    faults.of(lambda: check_model_servers(config, CLOCK))
    forgotten = EarlierRuns(unknown=NOTHING_KEPT if config.ephemeral else "")
    if access is None:
        return replace(NOTHING_AROUND, before=forgotten, missing=faults.found)
    store, workspace = S3Store(access.client("s3")), S3Uri.parse(config.workspace)
    if not config.emulated:  # an emulator has what a run asks of it
        faults.of(lambda: check_bucket(store, workspace, access.console_region))
        with suppress(BatchTransformError):
            jobs = jobs_of(access)
            check_service(config, jobs, faults, access.console_region, is_new=True)
    faults.of(lambda: check_price(config, access.console_region))
    before = forgotten if config.ephemeral else earlier_runs(store, workspace, config.settings)
    return Around(
        store,
        access.console_region,
        before,
        account_quotas(access, config.settings.transform.instance_types),
        faults.found,
    )


def account_quotas(access: AwsAccess, types: Sequence[str]) -> QuotasFound:
    """Returns the quotas of instance types; an emulator has none, nor has whoever answers for AWS elsewhere."""
    if access.console_region is None:
        return NOBODY_ASKED
    try:
        client = access.client(quotas.SERVICE, **quotas.PATIENCE)
    except BatchTransformError as err:
        return QuotasFound(why_not=str(err))
    return quotas.instance_quotas(client, types, CLOCK.monotonic)


def fate(config: RunConfig, fit: Fit, shape: PredictionShape, df: DataFrame) -> str:
    """Returns what publishing will do to the output, in words.

    Args:
        config: of the run.
        fit: what is published, and where.
        shape: of the predictions.
        df: the input.
    """
    if faults := _refusals(fit, shape, Reading(config.input, lambda: df, shape.names)):
        return f"{'; '.join(faults)}; so the run is refused"
    output = config.settings.output
    return output_fate(output, is_there=None if output is None else _is_there(fit.spark, config, fit.store))


def _refusals(fit: Fit, shape: PredictionShape, reading: Reading) -> Sequence[str]:
    """What the run's own checks find wrong with its tables, as far as they write nothing; none where nobody looks."""
    targets, faults, names = fit.targets, Faults(), tuple(fit.schema.names)
    if fit.store is None and any(is_s3(table.location) for table in targets.tables(fit.places).values()):
        return ()
    errors = targets.dead_letter.error_column
    tables = Tables(names, (*names, *shape.names), (*names, errors))
    faults.add(column_faults(fit.schema, shape, errors, case_sensitive=is_case_sensitive(fit.spark)))
    try:
        with session_settings(fit.spark, targets.format.settings):
            check_targets(fit.spark, targets, fit.places, fit.store, tables, reading, faults, probes=False)
            if not faults.found:
                fit.checked(faults)
    except SPARK_ERRORS:
        return ()
    except (StoreFailure, OSError):
        return ()
    return faults.found


def _is_there(spark: SparkSession, config: RunConfig, store: ObjectStore | None) -> bool | None:
    output = config.output
    assert output is not None
    try:
        if output.table is not None:
            return bool(spark.catalog.tableExists(output.table))
        assert output.path is not None
        if store is None and is_s3(output.path):
            return None
        return next(iter(open_tree(output.path, store).list()), None) is not None
    except (BatchTransformError, StoreFailure, OSError, PySparkException):
        return None
