"""A worker reads staged Parquet and puts its rows as objects of records; what it cannot it leaves to Spark."""

from __future__ import annotations

import functools
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batch_transform.core.framing import JSON_LINES
from batch_transform.core.object_store import PreconditionFailed
from batch_transform.core.sending.file_tasks import RowGroups
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.core.uris import S3Uri
from batch_transform.spark.file_export import FileExport
from batch_transform.spark.object_writer import ObjectWriter
from batch_transform.spark.staged_groups import StagedReading
from support.memory_store import MemoryStore, etag_of

ROWS = 10
INPUTS = pa.schema([("id", pa.int64()), ("text", pa.string()), ("raw", pa.binary())])
TARGET = S3Uri.parse("s3://bucket/run/input")


def row(number):
    return {"id": number, "text": None if number % 3 == 0 else f'"{number}"', "raw": b"\xff"}


def staged(rows, *, numbered=False, **written):
    """A staged file of the rows, three in a row group."""
    table = pa.Table.from_pylist([row(number) for number in rows], schema=INPUTS)
    if numbered:
        table = table.add_column(0, "n", pa.array(rows, pa.int64()))
    body = io.BytesIO()
    pq.write_table(table, body, row_group_size=3, **written)
    return body.getvalue()


@pytest.fixture
def store():
    return MemoryStore()


def connected(store):
    return store


def export_of(store, *tasks, most=1_000, object_bytes=60, numbers=None, batch_rows=2):
    connect = functools.partial(connected, store)
    writer = ObjectWriter(CuttingRules(object_bytes, 10_000), JSON_LINES, TARGET, connect)
    reading = StagedReading(tasks, INPUTS, numbers, batch_rows, connect)
    return FileExport(reading, ("text", "id"), "\n", most, writer)


def made_by(export, *places):
    return [each for place in places for batch in export(place) for each in batch.to_pylist()]


def records(store, made):
    found = {}
    for each in made:
        body, etag = store.get(TARGET.join(each["object"]))
        assert (len(body), etag) == (each["bytes"], each["etag"])
        lines = body.decode().splitlines(keepends=True)
        assert max(map(len, lines)) == each["largest"]
        found |= dict(zip(range(each["start"], each["stop"]), map(json.loads, lines), strict=True))
    return found


def expected(numbers):
    return {number: {"text": row(number)["text"], "id": number} for number in numbers}


def test_objects_have_the_rows_of_a_copy_by_their_places(store, tmp_path):
    path = tmp_path / "staged.parquet"
    path.write_bytes(staged(range(ROWS)))
    tasks = [(RowGroups(f"file:{path}", 100, 0, 2),)], [(RowGroups(f"file:{path}", 106, 2, 4),)]
    made = made_by(export_of(store, *(task for (task,) in tasks)), 0, 1)
    assert len(made) > 2
    assert [list(each) for each in records(store, made).values()] == [["text", "id"]] * ROWS
    assert records(store, made) == {100 + number: record for number, record in expected(range(ROWS)).items()}
    assert sum(sum(each["sizes"] or []) for each in made) == ROWS


def test_objects_have_the_rows_of_a_column_of_numbers(store, tmp_path):
    path = tmp_path / "staged.parquet"
    path.write_bytes(staged([4, 5, 6, 1, 2], numbered=True))
    made = made_by(export_of(store, (RowGroups(f"file:{path}", 0, 0, 2),), numbers="n", object_bytes=1_000), 0)
    assert [(each["start"], each["stop"]) for each in made] == [(4, 7), (1, 3)]
    assert records(store, made) == expected([4, 5, 6, 1, 2])


def test_objects_of_another_version_are_not_read(store):
    place = S3Uri.parse("s3://bucket/staged.parquet")
    store.put(place, staged(range(ROWS)))
    groups = RowGroups(str(place), 0, 0, 4, etag_of(staged(range(ROWS))))
    assert records(store, made_by(export_of(store, (groups,)), 0)) == expected(range(ROWS))
    store.put(place, staged(range(1, ROWS + 1)))
    with pytest.raises(PreconditionFailed):
        made_by(export_of(store, (groups,)), 0)


def test_a_large_record_a_broken_page_and_a_text_that_is_none_are_left_to_spark(store, tmp_path):
    """A page of a column as well that is in no record: of a copy it would be met by the merge alone."""
    path = tmp_path / "staged.parquet"
    task = (RowGroups(f"file:{path}", 0, 0, 4),)
    whole = staged(range(ROWS), write_page_checksum=True, compression="none", use_dictionary=False)
    path.write_bytes(whole)
    (left,) = made_by(export_of(store, task, most=20), 0)
    assert left["start"] == -1
    path.write_bytes(whole.replace(b"\x01\x00\x00\x00\xff", b"\x01\x00\x00\x00\xfe"))
    (left,) = made_by(export_of(store, task), 0)
    assert left["start"] == -1
    path.write_bytes(staged(range(ROWS), compression="none", use_dictionary=False).replace(b'"4"', b'"\xff"'))
    (left,) = made_by(export_of(store, task), 0)
    assert left["start"] == -1


def test_a_file_with_fewer_rows_than_its_footer_says_is_left_to_spark(store, tmp_path):
    """Those that pyarrow gives would be all that is sent of it."""
    path = tmp_path / "staged.parquet"
    body = staged(range(ROWS))
    groups, total = body.rfind(b"\x16\x02"), body.rfind(b"\x16\x14")  # the rows of the last group, and of the file
    path.write_bytes(b"".join([body[:total], b"\x16\x16", body[total + 2 : groups], b"\x16\x04", body[groups + 2 :]]))
    assert pq.read_metadata(path).num_rows == ROWS + 1
    assert pq.read_metadata(path).row_group(3).num_rows == 2
    left = made_by(export_of(store, (RowGroups(f"file:{path}", 0, 0, 4),)), 0)
    assert [each["start"] for each in left] == [-1]


def test_long_texts_of_a_dictionary_are_no_large_batch(store, tmp_path, monkeypatch):
    """In the file there is one; a batch would be as large as all of its rows."""
    monkeypatch.setattr("batch_transform.spark.staged_groups.ARROW_BATCH_BYTES", 10_000)
    path = tmp_path / "staged.parquet"
    texts = ["x" * 3_000] * 40 + ["y" * 12_000] + ["z"] * 40
    table = pa.table({"id": range(81), "text": texts, "raw": pa.nulls(81, pa.binary())})
    pq.write_table(table, path)
    reading = StagedReading(((RowGroups(f"file:{path}", 0, 0, 1),),), INPUTS, None, 30, lambda: store)
    found = list(reading.read(0))
    assert [number for numbers, _ in found for number in numbers] == list(range(81))
    assert [text for _, rows in found for text in rows["text"].to_pylist()] == texts
    assert all(rows.nbytes <= 10_000 or rows.num_rows == 1 for _, rows in found)
    assert len(found) < 81 / 3


class Counting(MemoryStore):
    """Remembers how long each range was that was asked for."""

    def __init__(self):
        super().__init__()
        self.ranges = []

    def get_range(self, uri, start, length_bytes, if_match=None):
        self.ranges.append(length_bytes)
        return super().get_range(uri, start, length_bytes, if_match)


def ranges_of(columns, rows, *, group_rows):
    store, body = Counting(), io.BytesIO()
    table = pa.table({f"c{place}": [row * 1.5 + place for row in range(rows)] for place in range(columns)})
    pq.write_table(table, body, row_group_size=group_rows, use_dictionary=False)
    store.put(S3Uri.parse("s3://bucket/staged.parquet"), body.getvalue())
    groups = RowGroups("s3://bucket/staged.parquet", 0, 0, -(-rows // group_rows), etag_of(body.getvalue()))
    reading = StagedReading(((groups,),), table.schema, None, 2_000, lambda: store)
    assert pa.Table.from_batches([found for _, found in reading.read(0)]).equals(table)
    return store.ranges, len(body.getvalue())


def test_a_wide_table_on_s3_takes_no_request_for_each_column():
    ranges, _ = ranges_of(100, 2_000, group_rows=500)
    assert len(ranges) <= 4


def test_a_large_row_group_on_s3_is_not_held_as_a_whole(monkeypatch):
    monkeypatch.setattr("batch_transform.spark.staged_groups._AT_ONCE_BYTES", 100_000)
    monkeypatch.setattr("batch_transform.spark.staged_groups._REQUEST_BYTES", 10_000)
    ranges, size = ranges_of(2, 100_000, group_rows=100_000)
    assert max(length for length in ranges if length != 65_536) < size / 4  # that is pyarrow's look at the end
