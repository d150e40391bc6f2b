"""A table in the folder of another one is refused: readers and VACUUM take it for a part of that."""

from __future__ import annotations

import pytest

from batch_transform.config.result import DeadLetter, Output
from batch_transform.core.object_store import StoreFailure
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.checks.among_tables import TablesAround
from batch_transform.pipeline.checks.output_over_input import written_tables
from batch_transform.pipeline.places import Places, Targets
from support.memory_store import MemoryStore

PLACES = Places(RunLayout(S3Uri("bucket", "ws"), "a"), "s3a://bucket/ws/rows/a", "s3a")
DELTA = ["_delta_log/0.json", "part-0.parquet"]
FILES = ["_SUCCESS", "part-0.parquet"]


def faults(root, path, format="parquet", store=None):
    """The faults of an output below a root that holds some files; of dead letters there are none."""
    targets = Targets(Output(path=f"{root}/{path}", format=format), DeadLetter(path="s3://bucket/dead"), run_id="")
    around = TablesAround(None, PLACES, store or MemoryStore(), targets.format)
    return list(around.faults(written_tables(targets, lambda name: None)))


@pytest.fixture(params=["s3", "local"])
def filled(request, tmp_path):
    """Returns a root and a store once there are files below it."""
    store = MemoryStore()

    def fill(names):
        for name in names:
            if request.param == "s3":
                store.put(S3Uri("bucket", f"lake/{name}"), b"x")
            else:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_bytes(b"x")
        return ("s3a://bucket/lake" if request.param == "s3" else str(tmp_path)), store

    return fill


@pytest.mark.parametrize("format", ["delta", "parquet", "orc"])
@pytest.mark.parametrize("path", ["t/out", "t/deep/er/out", "t/ds=1"])
def test_a_table_in_a_delta_table_is_refused(filled, format, path):
    root, store = filled([f"t/{name}" for name in DELTA])
    (fault,) = faults(root, path, format, store)
    assert fault.startswith(f"output: {root}/{path} lies in ")
    assert "lake/t, a Delta table, and VACUUM" in fault.replace(str(root), "lake")
    assert "choose places apart" in fault


@pytest.mark.parametrize(("path", "format"), [("t/out", "parquet"), ("t/out", "delta"), ("t/ds=1", "delta")])
def test_a_new_table_in_a_table_of_files_is_refused(filled, path, format):
    root, store = filled([f"t/{name}" for name in FILES])
    (fault,) = faults(root, path, format, store)
    assert "/t, a table of files: whoever reads that" in fault


@pytest.mark.parametrize(
    ("there", "path", "format"),
    [
        ([], "t/out", "delta"),
        (FILES, "t/ds=1", "parquet"),
        (DELTA, "t/_out", "delta"),
        (DELTA, "t2", "delta"),
        (DELTA, "t", "delta"),
        (FILES, "t", "parquet"),
        ([*DELTA, "out/_delta_log/0.json", "out/part-0.parquet"], "t/out", "delta"),
        ([*FILES, "out/part-0.parquet"], "t/out", "parquet"),
        (["rows.parquet"], "t/out", "parquet"),
        (["_SUCCESS", "one/part-0.parquet"], "t/out", "parquet"),
    ],
)
def test_what_lies_apart_is_a_partition_is_hidden_or_was_there_is_taken(filled, there, path, format):
    """So is a folder beside files or tables that nobody has marked as a table."""
    root, store = filled([f"t/{name}" for name in there])
    assert faults(root, path, format, store) == []


def test_what_may_not_be_seen_refuses_nothing():
    class Forbidden(MemoryStore):
        def list(self, prefix):
            raise StoreFailure("ListObjectsV2", str(prefix), "AccessDenied", "no")
            yield

        def get(self, uri, if_match=None):
            raise StoreFailure("GetObject", str(uri), "AccessDenied", "no")

    assert faults("s3://bucket/lake", "t/out", "delta", Forbidden()) == []


@pytest.mark.parametrize("format", ["delta", "parquet"])
@pytest.mark.parametrize("path", ["t/out", "t/ds=1"])
def test_a_table_in_a_table_of_hudi_is_refused(filled, format, path):
    root, store = filled(["t/.hoodie/hoodie.properties", "t/ds=1/a_0-1-0_2024.parquet"])
    (fault,) = faults(root, path, format, store)
    assert "/t, a Hudi table, of which its readers know no such files; choose places apart" in fault
