"""The dead letters of a published run as the input of another one: its rows and no other's, as they were staged.

Its own staged rows are exact, and hold the input's columns as they came. Where they are gone, the rows lie in the table
of dead letters: in the files that this run has put there or, where a table was committed, where the error names a job
of it.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from batch_transform.config.loading import recorded_config
from batch_transform.config.places import is_s3
from batch_transform.core.amounts import counted
from batch_transform.core.errors import ConfigurationError, LedgerCorrupt
from batch_transform.core.isolation.verdict_rows import DEAD
from batch_transform.core.object_names import slug
from batch_transform.core.object_store import ObjectNotFound, ObjectStore
from batch_transform.core.plain_paths import escaped
from batch_transform.core.publishing.file_publication import Kind, Publication, recorded_publications
from batch_transform.core.reserved_columns import each_of, quoted
from batch_transform.core.run_state import RunState
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.port import OutputFormat
from batch_transform.pipeline.places import Places, places_of, targets_of
from batch_transform.pipeline.recorded import RecordedRun, named_run, no_run, read_run
from batch_transform.s3.ledger import Ledger
from batch_transform.spark.arrow_types import spark_schema
from batch_transform.spark.dead_letters import ERROR_TYPE, files_with_dead_rows
from batch_transform.spark.settings import READER_OPTIONS
from batch_transform.spark.spark_errors import SPARK_ERRORS
from batch_transform.spark.staged_rows import input_columns, read_staged, staged_schema
from batch_transform.spark.user_session import zone_of

_KIND: Kind = "dead_letter"
_GONE = (ObjectNotFound, LedgerCorrupt)
_UNREADABLE: tuple[type[Exception], ...] = (*SPARK_ERRORS, *_GONE)


def dead_rows(spark: SparkSession, run: str, places: Places, store: ObjectStore) -> DataFrame:
    """Returns the dead rows of a published run, with the columns of its input.

    Args:
        spark: the session.
        run: its folder, or its run id in the same workspace.
        places: of the run that is to score them.
        store: with the workspace.

    Raises:
        ConfigurationError: there is no such run, it is not published, has no dead letter, or they are gone.
    """
    recorded = named_run(S3Uri.parse(run), store) if is_s3(run) else read_run(places.layout.workspace, run, store)
    uri, state = recorded.uri, _published(recorded.uri, recorded.state, store)
    dead = _dead_leaves(state, recorded.ledger)
    found = _of_staged(spark, state, dead) if dead is not None else None
    if found is None:
        found = _of_table(spark, recorded, dead, places)
    if found is None:
        raise ConfigurationError(
            f"input.dead_letters: {uri}: its {counted(_dead_letters(state), 'dead row')} cannot be had: its staged "
            "rows are gone, and its table of dead letters does not hold them as it was published; score them from "
            "where the input itself came from"
        )
    return found


def _published(uri: S3Uri, state: RunState | None, store: ObjectStore) -> RunState:
    told = f"input.dead_letters: {uri}"
    if state is None:
        raise ConfigurationError(no_run(told, uri, store))
    if state.report is None:
        raise ConfigurationError(
            f"{told} is not published: `resume {uri} --retry-dead` sends its dead rows again, in the run itself"
        )
    if not _dead_letters(state):
        raise ConfigurationError(f"{told} has no dead letter, so there is nothing to score again")
    return state


def _dead_letters(state: RunState) -> int:
    assert state.gate is not None
    return int(state.gate.payload["rows_dead_letter"])


def _dead_leaves(state: RunState, ledger: Ledger) -> pa.Table | None:
    """The leaves of the dead rows; None where the run was cleaned."""
    assert state.gate is not None
    try:
        leaves = ledger.read_part(state.gate.parts[0])
    except _GONE:
        return None
    return leaves.filter(pc.equal(leaves["state"], DEAD))


def _of_staged(spark: SparkSession, state: RunState, dead: pa.Table) -> DataFrame | None:
    """The staged rows that are dead; None where they are gone."""
    assert state.staged is not None
    spans = dead.select(["start", "stop"])
    ranges = spark.createDataFrame(spans.to_pylist(), spark_schema(spans.schema))
    numbers = ranges.select(F.explode(F.expr("sequence(start, stop - 1)")).alias("number"))
    try:
        rows = read_staged(spark, state.staged, files_with_dead_rows(state.staged, dead))
        columns = input_columns(rows)
        kept = rows.join(numbers, on=F.col(quoted(rows.columns[0])) == numbers["number"], how="left_semi")
        return kept.select(*columns) if kept.count() == _dead_letters(state) else None
    except SPARK_ERRORS:
        return None


def _of_table(spark: SparkSession, run: RecordedRun, dead: pa.Table | None, places: Places) -> DataFrame | None:
    """The published dead letters of the run; None where they are not as they were published."""
    state = run.state
    assert state is not None
    assert state.staged is not None
    config = recorded_config(state.config, is_of_frame=state.settings.is_of_frame)
    targets = targets_of(config, places_of(config, run.layout, spark.version))
    error, rows = targets.dead_letter.error_column, _dead_letters(state)
    try:
        assert state.publication is not None
        publication = recorded_publications(state.publication, run.ledger.read_part).get(_KIND)
        if publication is None:
            found = _of_jobs(targets.format.read(spark, targets.tables(places)[_KIND]), state, error)
            rows -= dead["job"].null_count if dead is not None else 0  # that no job has sent; nothing tells whose it is
        else:
            found = _files(spark, state, publication, targets.format, error, places)
        columns = each_of(field.name for field in staged_schema(state.staged))
        return found.select(*columns) if found.count() == rows else None
    except _UNREADABLE:
        return None


def _of_jobs(table: DataFrame, state: RunState, error: str) -> DataFrame:
    # A job's name begins so, and with no other run's nonce.
    return table.where(F.col(quoted(error))["job"].startswith(f"{slug(state.run_id)}-{state.nonce}-r"))


def _files(
    spark: SparkSession, state: RunState, publication: Publication, format: OutputFormat, error: str, places: Places
) -> DataFrame:
    assert state.staged is not None
    root = places.spark_path(publication.target)
    schema = StructType([*staged_schema(state.staged), StructField(error, ERROR_TYPE)])
    files = [escaped(f"{root}/{file.target}") for file in publication.files]
    how = {**READER_OPTIONS, "timeZone": zone_of(state.staged), "basePath": root}
    return spark.read.schema(schema).options(**how).format(format.can.name).load(files)
