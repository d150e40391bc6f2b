"""Files of other columns beside a run's make a table of which readers may not see all: that is told."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.types import LongType, StructField, StructType

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.uris import S3Uri
from batch_transform.outputs.formats.parquet import FORMAT
from batch_transform.outputs.port import OutputTable
from support.memory_store import MemoryStore


def told(files, names, mode="append", partition_by=(), *, complete=True, store=None):
    store = store or MemoryStore()
    for name, columns in files.items():
        sink = io.BytesIO()
        pq.write_table(pa.table({column: [1] for column in columns}), sink)
        store.put(S3Uri("lake", f"out/{name}"), sink.getvalue())
    table = OutputTable(mode, "s3a://lake/out", partition_by=partition_by, location="s3://lake/out")
    schema = StructType([StructField(name, LongType()) for name in names])
    return FORMAT.check_fits(None, store, table, schema, complete=complete)


@pytest.mark.parametrize("mode", ["append", "overwrite_partitions"])
def test_a_column_that_files_which_stay_lack_may_be_shown_of_none(mode):
    (words,) = told({"a": ["id"]}, ["id", "prediction"], mode)
    place = "s3://lake/out/a" if mode == "append" else "s3://lake/out/a, if it stays,"
    assert words.startswith(f"output: the table is there with other columns: {place} has no column prediction. ")
    assert "may show none of it" in words


def test_columns_that_the_run_has_not_are_named_beside_those_that_it_has_alone():
    (words,) = told({"a": ["id", "p"], "b": ["id", "p", "old", "older"]}, ["id", "p"])
    assert "/b has old, older, which the run's files have not" in words
    (words,) = told({"a": ["id", "old"], "b": ["id"]}, ["id", "p"])
    assert "/a has no column p and has old, which the run's files have not" in words
    assert "may show none of these" in words


def test_of_the_same_columns_nothing_is_told_in_whatever_order_and_case():
    assert told({"a": ["P", "id"], "_SUCCESS.parquet": ["x"]}, ["id", "p"]) == []


def test_partition_columns_are_in_names_of_folders():
    assert told({"day=1/a": ["id", "p"]}, ["id", "day", "p"], partition_by=("day",)) == []


@pytest.mark.parametrize("mode", ["overwrite", "error"])
def test_of_files_that_do_not_stay_nothing_is_told(mode):
    assert told({"a": ["other"]}, ["id"], mode) == []


def test_before_predictions_are_known_nothing_is_told():
    assert told({"a": ["id", "p"]}, ["id"], complete=False) == []


@pytest.mark.parametrize("mode", ["append", "overwrite", "overwrite_partitions"])
@pytest.mark.parametrize("folder", ["year=2024/month=01", "year=2024/month=1"])
def test_a_partition_that_would_stay_beside_the_one_that_replaces_it_is_refused(mode, folder):
    """`month=01` is read as 1, and written as `month=1`: what was to be replaced stayed beside it."""
    args = {f"{folder}/a": ["id", "p"]}, ["id", "year", "month", "p"], mode, ("year", "month")
    if mode != "overwrite_partitions" or not folder.endswith("01"):
        assert told(*args) == []
        return
    with pytest.raises(
        ConfigurationError, match=r"^output: s3://lake/out/year=2024/month=01 spells month, which is big"
    ):
        told(*args)


class Listed(MemoryStore):
    """Counts how often a place is listed."""

    times = 0

    def list(self, *args, **kwargs):
        self.times += 1
        return super().list(*args, **kwargs)


@pytest.mark.parametrize(("mode", "times"), [("append", 1), ("overwrite_partitions", 1), ("overwrite", 0)])
def test_a_table_of_many_files_is_listed_once(mode, times):
    store = Listed()
    told({"day=1/a": ["id", "p"]}, ["id", "day", "p"], mode, ("day",), store=store)
    assert store.times == times
