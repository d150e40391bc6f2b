"""A worker writes what it reads of staged Parquet, and beside each row that has one its prediction."""

from __future__ import annotations

import datetime as dt
import functools
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.core.errors import GateRefused
from batch_transform.core.isolation.verdict_rows import DEAD, LEAF_SCHEMA
from batch_transform.core.object_store import ObjectNotFound, PreconditionFailed
from batch_transform.core.predictions.reader import PredictionReader
from batch_transform.core.publishing.counted_numbers import NumberColumn
from batch_transform.core.run_layout import RunLayout
from batch_transform.core.sending.file_tasks import RowGroups
from batch_transform.core.uris import S3Uri
from batch_transform.s3.part_files import as_parquet
from batch_transform.spark import file_merge, staged_groups
from batch_transform.spark.file_merge import FileMerge
from batch_transform.spark.staged_groups import StagedReading
from batch_transform.spark.zip_merge import MergeSource
from support.core_tables import leaf, leaves
from support.memory_store import MemoryStore, etag_of

ROWS = 10
INPUTS = pa.schema([("id", pa.int64()), ("text", pa.string()), ("at", pa.timestamp("us", "UTC"))])
READER = PredictionReader(pa.schema([("p", pa.float64()), ("near", pa.list_(pa.int64()))]))
AT = dt.datetime(2024, 5, 1, tzinfo=dt.timezone.utc)


def connected(store):
    return store


def row(number):
    return {
        "id": number,
        "text": None if number % 3 == 0 else f"ü{number}",
        "at": AT + dt.timedelta(microseconds=number),
    }


def answer(number):
    return {"p": number / 4, "near": [number, number + 1]}


@pytest.fixture
def store():
    return MemoryStore()


def staged(rows, *, numbered=False):
    """A staged file of the rows, three in a row group."""
    table = pa.Table.from_pylist([row(number) for number in rows], schema=INPUTS)
    if numbered:
        table = table.add_column(0, "n", pa.array(rows, pa.int64()))
    body = io.BytesIO()
    pq.write_table(table.select(table.column_names[::-1]), body, row_group_size=3)
    return body.getvalue()


def merge_of(store, tasks, target, *, dead=(), **other):
    """A merge of rows that are scored in one job, an object each two, but for those that are dead."""
    layout = RunLayout(S3Uri.parse("s3://bucket/p"), "run")
    made = []
    for start in range(0, ROWS, 2):
        body = "".join(json.dumps(answer(number)) + "\n" for number in (start, start + 1)).encode()
        store.put(layout.output("j", f"o{start}"), body)
        for number in (start, start + 1):
            known = {"job": "j", "object": f"o{start}", "line": number - start, "lines": 2, "etag": etag_of(body)}
            made.append(leaf(number, number + 1, DEAD) if number in dead else leaf(number, number + 1, **known))
    store.put(layout.part("leaves"), as_parquet(leaves(*made).cast(LEAF_SCHEMA)))
    source = MergeSource(layout, "leaves", functools.partial(connected, store))
    given = {"column": None, "codec": "snappy", "notes": {"said": "by Spark"}}
    numbers, batch_rows = other.pop("numbers", None), other.pop("batch_rows", 100)
    reading = StagedReading(tuple(tasks), INPUTS, numbers, batch_rows, source.connect)
    return FileMerge(source, reading, READER, target=str(target), **(given | other))


def made_by(merge, *places):
    (told,) = zip(*(batch.to_pylist() for place in places for batch in merge(place)), strict=True)
    return list(told)


def expected(numbers):
    return [row(number) | answer(number) for number in numbers]


def test_rows_are_numbered_by_their_places_in_a_copy(store, tmp_path):
    path = tmp_path / "staged.parquet"
    path.write_bytes(staged(range(ROWS)))
    tasks = [(RowGroups(f"file:{path}", 0, 0, 2),), (RowGroups(f"file://{path}", 6, 2, 4),)]
    told = made_by(merge_of(store, tasks, tmp_path / "out"), 0, 1)
    assert [each["rows"] for each in told] == [6, 4]
    for each, numbers in zip(told, (range(6), range(6, ROWS)), strict=True):
        assert pq.read_table(tmp_path / "out" / each["file"]).to_pylist() == expected(numbers)


def test_rows_have_the_numbers_of_their_column_where_spark_staged_them(store, tmp_path):
    path, order = tmp_path / "staged.parquet", [7, 8, 1, 0, 9]
    path.write_bytes(staged(order, numbered=True))
    (told,) = made_by(merge_of(store, [(RowGroups(f"file:{path}", 0, 0, 2),)], tmp_path / "out", numbers="n"), 0)
    assert pq.read_table(tmp_path / "out" / told["file"]).to_pylist() == expected(order)


def test_dead_rows_are_left_out_and_a_file_without_a_row_is_one(store, tmp_path):
    path = tmp_path / "staged.parquet"
    path.write_bytes(staged(range(ROWS)))
    task = (RowGroups(f"file:{path}", 0, 0, 4),)
    (some,) = made_by(merge_of(store, [task], tmp_path / "out", dead=(0, 4, 5, 9)), 0)
    assert pq.read_table(tmp_path / "out" / some["file"]).to_pylist() == expected([1, 2, 3, 6, 7, 8])
    (none,) = made_by(merge_of(store, [task], tmp_path / "out", dead=range(ROWS)), 0)
    # Readers before parquet-mr 1.13 end at a row group without rows.
    assert pq.read_metadata(tmp_path / "out" / none["file"]).num_row_groups == 0
    empty = pq.read_table(tmp_path / "out" / none["file"])
    assert (none["rows"], empty.num_rows, empty.column_names) == (0, 0, ["id", "text", "at", "p", "near"])


def test_fields_may_lie_in_one_column_and_numbers_are_counted(store, tmp_path):
    path = tmp_path / "staged.parquet"
    path.write_bytes(staged(range(ROWS)))
    counted = (NumberColumn(0, "said.p", is_float=True),)
    merge = merge_of(store, [(RowGroups(f"file:{path}", 0, 0, 4),)], tmp_path / "out", column="said", counted=counted)
    (told,) = made_by(merge, 0)
    found = pq.read_table(tmp_path / "out" / told["file"])
    assert found.to_pylist() == [row(number) | {"said": answer(number)} for number in range(ROWS)]
    assert json.loads(told["counts"]) == [
        {"filled": 10, "finite": 10, "least": 0.0, "most": 2.25, "sample": [number / 4 for number in range(ROWS)]}
    ]


def test_objects_on_s3_are_read_in_ranges_and_written_whole(store, monkeypatch):
    monkeypatch.setattr(staged_groups, "_REQUEST_BYTES", 64)
    store.put(S3Uri.parse("s3://bucket/staged.parquet"), staged(range(ROWS)))
    etag = etag_of(staged(range(ROWS)))
    merge = merge_of(store, [(RowGroups("s3a://bucket/staged.parquet", 0, 0, 4, etag),)], "s3://bucket/merged")
    (told,) = made_by(merge, 0)
    body, _ = store.get(S3Uri.parse(f"s3://bucket/merged/{told['file']}"))
    assert pq.read_table(pa.BufferReader(body)).to_pylist() == expected(range(ROWS))
    with pytest.raises(ObjectNotFound, match="it is gone"):
        made_by(merge_of(store, [(RowGroups("s3://bucket/other", 0, 0, 1),)], "s3://bucket/merged"), 0)


def test_an_object_that_has_been_replaced_since_it_was_looked_at_is_not_read(store):
    """Its row groups may be others; nor is one read of which a part has been replaced meanwhile."""
    place = S3Uri.parse("s3://bucket/staged.parquet")
    store.put(place, staged(range(ROWS)))
    groups = RowGroups(str(place), 0, 0, 4, etag_of(staged(range(ROWS))))
    store.put(place, staged(range(1, ROWS + 1)))
    with pytest.raises(PreconditionFailed, match=r"staged\.parquet"):
        made_by(merge_of(store, [(groups,)], "s3://bucket/merged"), 0)
    assert not list(store.list(S3Uri.parse("s3://bucket/merged")))


def test_a_file_tells_spark_its_schema_and_has_row_groups_of_bounded_size(store, tmp_path, monkeypatch):
    monkeypatch.setattr(file_merge, "_GROUP_BYTES", 1)
    path = tmp_path / "staged.parquet"
    path.write_bytes(staged(range(ROWS)))
    merge = merge_of(store, [(RowGroups(f"file:{path}", 0, 0, 4),)], tmp_path / "out", codec="zstd", batch_rows=2)
    (told,) = made_by(merge, 0)
    footer = pq.read_metadata(tmp_path / "out" / told["file"])
    assert footer.metadata == {b"said": b"by Spark"}
    assert footer.num_row_groups == ROWS // 2
    assert footer.row_group(0).column(0).compression == "ZSTD"


def test_a_worker_holds_no_more_of_its_rows_than_a_file_of_bounded_size(store, monkeypatch):
    """However much larger predictions are than their rows: one file of a task's took gigabytes of a worker."""
    monkeypatch.setattr(file_merge, "_GROUP_BYTES", 1)
    monkeypatch.setattr(file_merge, "_FILE_BYTES", 1)
    store.put(S3Uri.parse("s3://bucket/staged.parquet"), staged(range(ROWS)))
    counted = (NumberColumn(0, "p", is_float=True),)
    tasks = [(RowGroups("s3://bucket/staged.parquet", 0, 0, 4, etag_of(staged(range(ROWS)))),)]
    told = made_by(merge_of(store, tasks, "s3://bucket/merged", batch_rows=4, counted=counted), 0)
    assert len(told) > 1
    bodies = [store.get(S3Uri.parse(f"s3://bucket/merged/{each['file']}"))[0] for each in told]
    found = [pq.read_table(pa.BufferReader(body)).to_pylist() for body in bodies]
    assert [len(rows) for rows in found] == [each["rows"] for each in told]
    assert [each for rows in found for each in rows] == expected(range(ROWS))
    assert all(pq.read_metadata(pa.BufferReader(body)).metadata == {b"said": b"by Spark"} for body in bodies)
    assert sum(json.loads(each["counts"])[0]["finite"] for each in told) == ROWS


@pytest.mark.parametrize("text", ["ü4", "PAR1"])
def test_a_file_that_pyarrow_refuses_is_told_of_and_is_no_failure(store, tmp_path, text):
    """Spark may read it: it looks at no checksum of a page."""
    path, body = tmp_path / "staged.parquet", io.BytesIO()
    table = pa.Table.from_pylist([row(number) for number in range(ROWS)], schema=INPUTS)
    pq.write_table(table, body, write_page_checksum=True, compression="none", use_dictionary=False)
    path.write_bytes(body.getvalue().replace(text.encode(), b"xxxx"[: len(text.encode())]))
    (told,) = made_by(merge_of(store, [(RowGroups(f"file:{path}", 0, 0, 1),)], tmp_path / "out"), 0)
    assert told == {"file": None, "rows": None, "counts": None}


def test_a_row_that_no_leaf_has_ends_the_merge(store, tmp_path):
    path = tmp_path / "staged.parquet"
    path.write_bytes(staged(range(ROWS + 1)))
    with pytest.raises(GateRefused, match="row number 10 lies in no object"):
        made_by(merge_of(store, [(RowGroups(f"file:{path}", 0, 0, 4),)], tmp_path / "out"), 0)


def test_two_attempts_of_a_task_write_two_files(store, tmp_path):
    path = tmp_path / "staged.parquet"
    path.write_bytes(staged(range(ROWS)))
    merge = merge_of(store, [(RowGroups(f"file:{path}", 0, 0, 4),)], tmp_path / "out")
    first, second = made_by(merge, 0), made_by(merge, 0)
    assert first[0]["file"] != second[0]["file"]
    assert first[0]["rows"] == second[0]["rows"] == ROWS
