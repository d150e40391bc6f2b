"""What a catalog tells of a table that it would not make, and what it does not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql.types import LongType, StructField, StructType

from batch_transform.core.uris import S3Uri
from batch_transform.outputs.delta_fit import check_new
from batch_transform.outputs.port import OutputTable
from batch_transform.outputs.unmade_tables import refuse_unmade
from support.memory_store import MemoryStore


class OfACatalog(Py4JJavaError):
    """As the client shows what a catalog's plugin throws of its own."""

    def __init__(self):
        Exception.__init__(self)

    def __str__(self):
        return "io.unitycatalog.client.ApiException: getSchema call failed with: 403"


class Session:
    """A session whose catalog answers so, in each place in which it is asked."""

    def __init__(self, current="default", rows=()):
        self.current, self.rows = current, rows
        self.catalog = SimpleNamespace(currentDatabase=lambda: self._answer(self.current))

    def sql(self, _statement):
        return SimpleNamespace(collect=lambda: self._answer(self.rows))

    def _answer(self, told):
        if told is None:
            raise OfACatalog
        return told


@pytest.mark.parametrize("session", [Session(rows=None), Session(current=None)])
def test_a_schema_that_may_not_be_described_says_nothing_of_its_tables(session):
    """As where this role may make tables alone: a plugin's own error ended the run."""
    refuse_unmade(session, MemoryStore(), OutputTable("append", table="t"))


def test_what_consoles_make_for_a_folder_is_nothing_that_was_left():
    store = MemoryStore()
    store.put(S3Uri("lake", "db/t/"), b"")
    rows = [("Catalog Name", "spark_catalog"), ("Location", "s3://lake/db")]
    refuse_unmade(Session(rows=rows), store, OutputTable("append", table="t"))


def test_of_a_new_table_without_a_condition_the_session_is_asked_nothing():
    check_new(None, OutputTable("append", "s3a://lake/t"), StructType([StructField("id", LongType())]), "output")
