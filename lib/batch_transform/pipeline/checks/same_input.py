"""The input that is named, and the check that a run which has staged its rows is given the same ones again."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import SparkSession

from batch_transform.config.runfile import RunConfig
from batch_transform.config.sections import Input
from batch_transform.core.errors import ConfigurationError, OtherRows
from batch_transform.core.events import Event, Listener
from batch_transform.core.object_store import ObjectStore
from batch_transform.core.plain_paths import has_patterns
from batch_transform.core.run_state import RunState
from batch_transform.core.secret_values import is_sealed
from batch_transform.core.source_identity import Likeness, compared
from batch_transform.pipeline.checks.dead_rows import dead_rows
from batch_transform.pipeline.checks.logged_input import refuse_logged, refuse_logged_table
from batch_transform.pipeline.places import Places
from batch_transform.pipeline.tables.source import Source, scan_of_input
from batch_transform.spark.csv_line_breaks import line_break_warning
from batch_transform.spark.input_reading import InputTable, filtered, read_input
from batch_transform.spark.input_settings import reader_options
from batch_transform.spark.source_identity import identify, same_rows


def read_source(
    spark: SparkSession, given: Input, places: Places, store: ObjectStore | None, limit: int | None = None
) -> Source:
    """Returns the input that a run file names; of it so many rows, whichever come first.

    Raises:
        ConfigurationError: as `read_input`, `refuse_logged` or `dead_rows`; or a secret is missing.
    """
    if limit is not None:  # which those are is another matter each time
        return Source(read_source(spark, given, places, store).df.limit(limit), is_scan=False)
    if given.dead_letters is not None:
        assert store is not None
        return Source(filtered(dead_rows(spark, given.dead_letters, places, store), given.where), is_scan=True)
    if missing := [name for name, value in given.options.items() if is_sealed(value)]:
        raise ConfigurationError(
            f"input.options.{name}: is a secret that is not given, and the input is to be read; give it in the run "
            "file, or, for a run that is named by its folder, as the variable that the run file had for it"
            for name in missing
        )
    table = _table(given, places)
    if table.path is not None and not table.is_pattern:
        refuse_logged(spark, table.path, given.format, store)
    elif table.table is not None:
        refuse_logged_table(spark, table.table, store)
    return Source(filtered(read_input(spark, table), given.where), is_scan=True)


def _table(given: Input, places: Places) -> InputTable:
    table = InputTable(given.table, given.format, reader_options(given.format, given.options), given.ddl)
    if given.path is None:
        return table
    path, is_pattern = places.input_path(given.path, takes_patterns=has_patterns(given.format))
    return replace(table, path=path, is_pattern=is_pattern)


def warn_of_line_breaks(spark: SparkSession, given: Input | None, places: Places, listener: Listener) -> None:
    """Tells of an input of CSV whose lines are no whole records, which is read all the same."""
    if given is not None and (warning := line_break_warning(spark, _table(given, places))) is not None:
        listener(Event("warning", warning))


def check_source(
    spark: SparkSession,
    config: RunConfig,
    places: Places,
    store: ObjectStore,
    source: Source | None,
    recorded: RunState,
    listener: Listener,
) -> None:
    """Checks that the rows are those that were staged, unless the input is gone: a staged run needs it no more.

    Raises:
        OtherRows: they are not those.
    """
    is_publishing = recorded.publication is not None and recorded.report is None
    if is_publishing and config.output is not None and config.output.mode.startswith("overwrite"):
        return  # the input may lie where the run itself is replacing files
    folder = None if source is not None else str(places.run)
    if source is None:
        assert config.input is not None
        try:
            source = read_source(spark, config.input, places, store, config.limit)
        except ConfigurationError as err:
            listener(Event("resume", f"{err}; the run goes on with the rows that it has staged"))
            return
    check_same_rows(source, config.input, recorded, folder, listener)


def check_same_rows(
    source: Source, given: Input | None, recorded: RunState, folder: str | None, listener: Listener
) -> None:
    """Checks that a source has the rows that a run has staged; where that cannot be told, the listener hears of it.

    A run of before inputs were recorded takes any.

    Args:
        source: the input.
        given: the section of it.
        recorded: the run.
        folder: of the run, by which `resume` goes on with it; None where it does not.
        listener: is told what happens.

    Raises:
        OtherRows: they are not those.
    """
    staged = recorded.staged
    before = staged.source if staged is not None else None
    if staged is None or before is None:
        return
    scan = scan_of_input(source, given)
    now = identify(source.df, scan.files if scan else None)
    likeness, why = compared(before, now) if now else (Likeness.UNSURE, "Spark does not tell how they are computed")
    if likeness is Likeness.UNSURE and not before.plan.is_random:
        # By what rows these are, as Spark's own ways have not told; no job of SageMaker's is needed for that.
        same = same_rows(source.df, staged)
        if same is not None:
            likeness, why = (Likeness.SAME, "") if same else (Likeness.OTHER, "they are not equal to the staged ones")
    has = f"{recorded.run_id} has staged its rows" if recorded.report is None else f"{recorded.run_id} is published"
    if likeness is Likeness.OTHER:
        goes_on = f"; `resume {folder}` goes on with the rows that it has staged" if folder else ""
        raise OtherRows(f"{has}, and these are other rows: {why}. Give other rows another run_id{goes_on}")
    if likeness is Likeness.UNSURE:
        whose = "goes on with" if recorded.report is None else "gives back"
        text = f"{has}, and whether these are the same cannot be told: {why}. It {whose} its own rows; "
        listener(Event("resume", f"{text}if others are meant, give them another run_id"))
