"""The input as a table, and what is known of it without its rows being read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from batch_transform.config.sections import Input
from batch_transform.outputs.registry import output_formats
from batch_transform.spark.input_reading import Scan, scan_of


@dataclass(frozen=True)
class Source:
    """The input table: `is_scan` if reading it again gives the same rows."""

    df: DataFrame
    is_scan: bool


def settings_of(given: Input | None) -> tuple[str, Mapping[str, str]]:
    """Returns format and options of an input, of which some may be settings of the session (`input_session`)."""
    return (given.format, given.options) if given is not None else ("", {})


def is_columnar(given: Input) -> bool:
    """Returns whether the input's files tell their rows without being read."""
    return given.dead_letters is None and (given.format in output_formats() or given.table is not None)


def scan_of_input(source: Source, given: Input | None) -> Scan | None:
    """Returns the scan that an input is, where its files tell their rows without being read."""
    return scan_of(source.df) if source.is_scan and given is not None and is_columnar(given) else None
