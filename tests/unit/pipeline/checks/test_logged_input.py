"""Files of a table that has a log are not read as they lie: what was deleted would be scored, and paid for."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.logged_input import refuse_logged, refuse_logged_table
from support.memory_store import MemoryStore


@pytest.fixture(params=["s3", "local"])
def lake(request, tmp_path):
    """A place with a table of Delta, `ds=a/d`, and one of files, `f`, both in partitions."""
    names = ("ds=a/d/_delta_log/0.json", "ds=a/d/p=1/part-0.parquet", "f/p=1/part-0.parquet", "f/p=1/_delta_log")
    store = MemoryStore()
    for name in names:
        store.put(S3Uri("lake", name), b"x")
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return (store, "s3a://lake") if request.param == "s3" else (None, f"file:{tmp_path}")


@pytest.mark.parametrize("path", ["ds=a/d", "ds=a/d/", "ds=a/d/p=1"])
def test_a_table_of_delta_is_not_read_as_files(lake, path):
    store, root = lake
    with pytest.raises(
        ConfigurationError, match=r"/ds=a/d is a Delta table, and input.format is parquet.*format: delta"
    ):
        refuse_logged(None, f"{root}/{path}", "parquet", store)
    refuse_logged(None, f"{root}/{path}", "Delta", store)


@pytest.mark.parametrize("path", ["f", "f/p=1", "ds=a", "nothing", "ds=a/d/p=1/part-0.parquet"])
def test_other_folders_and_one_file_of_it_are_read(lake, path):
    store, root = lake
    refuse_logged(None, f"{root}/{path}", "parquet", store)


def test_where_nobody_can_look_nothing_is_refused():
    refuse_logged(None, "s3a://lake/d", "parquet", None)


@pytest.mark.parametrize("format", ["hudi", "Iceberg"])
def test_another_log_of_the_same_files_tells_as_well_which_hold_rows(lake, format):
    """As UniForm and XTable write one beside Delta's: no deleted row is read by it."""
    store, root = lake
    refuse_logged(None, f"{root}/ds=a/d", format, store)


@pytest.mark.parametrize("path", ["ds=a/d", "ds=a/d/p=1"])
def test_the_pattern_that_is_advised_stands_for_the_files_that_were_meant(lake, path):
    """Of a table in partitions `*.parquet` stands for nothing, and of one partition for those of the others."""
    store, root = lake
    with pytest.raises(ConfigurationError, match=re.escape(f"a pattern says so: {root}/{path}/[^_]*)")):
        refuse_logged(None, f"{root}/{path}", "parquet", store)


class Catalog:
    """A session whose catalog knows a table of this format at this place, with a column called as the place is."""

    def __init__(self, provider, location):
        self.rows = [("Location", "string"), ("Provider", "string"), ("", ""), ("# Detailed Table Information", "")]
        self.rows += [("Provider", provider), ("Location", location)]

    def sql(self, _statement):
        return SimpleNamespace(collect=lambda: self.rows)


@pytest.mark.parametrize("name", ["parquet.`{0}/ds=a/d`", "`ORC`.`{0}/ds=a/d/p=1`"])
def test_a_table_of_delta_is_not_read_as_files_that_a_name_stands_for_either(lake, name):
    store, root = lake
    with pytest.raises(ConfigurationError, match=r"ds=a/d is a Delta table, and .*name it delta\.`\S+/ds=a/d`"):
        refuse_logged_table(None, name.format(root), store)


@pytest.mark.parametrize("name", ["delta.`{0}/ds=a/d`", "parquet.`{0}/f`", "parquet.`{0}/ds=a/d/[^_]*`"])
def test_names_that_stand_for_other_files_are_read(lake, name):
    store, root = lake
    refuse_logged_table(None, name.format(root), store)


@pytest.mark.parametrize(
    ("provider", "is_refused"), [("parquet", True), ("hive", True), ("delta", False), (None, False)]
)
def test_a_table_that_a_catalog_reads_as_files_is_looked_at_where_it_lies(lake, provider, is_refused):
    """As one that was made beside a table of Delta, for a reader that knows none."""
    store, root = lake
    catalog = Catalog(provider, f"{root}/ds=a/d")
    if not is_refused:
        refuse_logged_table(catalog, "db.t", store)
        return
    with pytest.raises(ConfigurationError, match=rf"and db\.t reads it as {provider}"):
        refuse_logged_table(catalog, "db.t", store)


def test_the_files_of_a_table_of_hudi_are_not_read_as_they_lie(lake):
    """Among them are those of earlier versions of the same rows."""
    store, root = lake
    (store or MemoryStore()).put(S3Uri("lake", "h/.hoodie/hoodie.properties"), b"x")
    if store is None:
        folder = Path(root.removeprefix("file:"), "h", ".hoodie")
        folder.mkdir(parents=True)
        (folder / "hoodie.properties").touch()
    with pytest.raises(ConfigurationError, match=r"/h is a Hudi table, and .*set input\.format: hudi"):
        refuse_logged(None, f"{root}/h/p=1", "parquet", store)
    refuse_logged(None, f"{root}/h/p=1", "hudi", store)
