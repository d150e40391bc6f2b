"""Of files of other writers workers make the records, and read the rows, that Spark does, or leave them to Spark."""

from __future__ import annotations

import json
import math
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from batch_transform.config.loading import load
from batch_transform.core.sending.object_cutting import CuttingRules
from batch_transform.pipeline.lifecycle.opening_run import open_run
from batch_transform.pipeline.tables import spark_tables
from batch_transform.pipeline.tables.file_exporting import exported_by_workers
from batch_transform.pipeline.tables.plain_files import plain_files
from batch_transform.spark.job_settings import own_job
from batch_transform.spark.staged_groups import NotRead
from batch_transform.spark.staged_rows import input_columns, read_staged
from support.runs import run_file, silent

pytestmark = [pytest.mark.spark, pytest.mark.slow]

# The first microsecond of the year 1, and the last of 9999.
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
KEYS = [f"k{number}" for number in range(6)]


def moments(zone, values=(FIRST, LAST, -1, 0, None, 1), unit="us"):
    return pa.array(values, pa.int64()).cast(pa.timestamp(unit, zone))


def days(*values):
    return pa.array(values, pa.int32()).cast(pa.date32())


VALUES = pa.table(
    {
        "key": KEYS,
        "double": [-0.0, 5e-324, math.nan, math.inf, 1e22, 123456789012345680.0],
        "more": pa.array([-math.inf, None, 2.2250738585072014e-308, 1.7976931348623157e308, 2.0**53 - 1, 0.1 + 0.2]),
        "none": pa.array([None] * 6, pa.float64()),
        "long": pa.array([-(2**63), 2**63 - 1, None, 0, -1, 2**53 + 1], pa.int64()),
        "byte": pa.array([-128, 127, 0, None, 1, 2], pa.int8()),
        "short": pa.array([-(2**15), 2**15 - 1, 0, None, 1, 2], pa.int16()),
        "int": pa.array([-(2**31), 2**31 - 1, 0, None, 1, 2], pa.int32()),
        "flag": [True, False, None, True, True, False],
        "text": ["\x00a\x00", "\x1f\x7f\x80\u2028\u2029", "\\", '"', "", '\\"\\'],
        "words": ["\U0010ffff", "\ufeff", "\ud7ff\ue000", None, "x" * 2_000, "\r\n\t\b\f\v/"],
        "day": days(-719_162, 2_932_896, 0, -1, None, -141_428),
        "at": moments("UTC"),
        "local": moments(None),
    }
)
OLD = pa.table({"key": KEYS, "at": VALUES["at"], "day": VALUES["day"]})
DELTA = {
    **dict.fromkeys(("long", "int", "byte", "at", "local", "day"), "DELTA_BINARY_PACKED"),
    "key": "DELTA_BYTE_ARRAY",
    "text": "DELTA_BYTE_ARRAY",
    "words": "DELTA_LENGTH_BYTE_ARRAY",
    "flag": "RLE",
}


def noted(table, **notes):
    """The table with notes of Spark's in its file."""
    return table.replace_schema_metadata({f"org.apache.spark.{key}": value for key, value in notes.items()})


def also(table, name, values):
    return table.append_column(name, values)


# How a file is written, and who exports it and who reads it to merge it.
WRITTEN = {
    "pages of version 2": (VALUES, {"data_page_version": "2.0"}, "workers", "workers"),
    "a value a page": (
        VALUES,
        {"use_dictionary": False, "data_page_size": 1, "row_group_size": 2},
        "workers",
        "workers",
    ),
    "deltas": (
        VALUES,
        {"use_dictionary": False, "column_encoding": DELTA, "data_page_version": "2.0", "store_schema": False},
        "workers",
        "workers",
    ),
    "types that only pyarrow notes": (
        also(
            also(VALUES.set_column(0, "key", pa.array(KEYS, pa.large_string())), "zone", moments("America/St_Johns")),
            "nowhere",
            moments("No/Such_Zone"),
        ),
        {},
        "workers",
        "workers",
    ),
    "bytes": (also(VALUES, "raw", pa.array([b"\xff"] * 6)), {}, "Spark", "workers"),
    "days and times beyond four digits": (
        pa.table(
            {"key": KEYS[:4], "day": days(-(2**31), 2**31 - 1, 0, 0), "at": moments(None, (FIRST - 1, LAST + 1, 0, 0))}
        ),
        {},
        "Spark",
        "workers",
    ),
    "texts that are none": (
        pa.table({"key": pa.array([b"fine", b"\xed\xa0\x80", b"\xc0\x80", b"a\xc3"]).view(pa.string())}),
        {},
        "Spark",
        "workers",
    ),
    "times of 96 bits": (OLD.select(["key", "at"]), {"use_deprecated_int96_timestamps": True}, "Spark", "Spark"),
    "milliseconds": (also(pa.table({"key": KEYS}), "at", moments("UTC", range(6), "ms")), {}, "Spark", "Spark"),
    "unsigned": (also(VALUES, "n", pa.array([2**32 - 1] * 6, pa.uint32())), {}, "Spark", "Spark"),
    "a dictionary": (pa.table({"key": pa.array(KEYS).dictionary_encode()}), {}, "Spark", "Spark"),
    "an old calendar": (noted(OLD, version="2.4.8"), {}, "Spark", "Spark"),
    "an old calendar of today's Spark": (noted(OLD, version="4.2.0", legacyDateTime=""), {}, "Spark", "Spark"),
    "a version that Spark compares as a text": (noted(OLD, version="10.0.0"), {}, "Spark", "Spark"),
}


def begun(spark, world, folder):
    """A run that has staged copies of `folder`/in, with all columns in its records."""
    name = f"foreign-{uuid.uuid4().hex[:8]}"
    place = folder / "run.yml"
    place.write_text(yaml.safe_dump(run_file(world, name, record={})).replace("{folder}", str(folder)))
    driver = open_run(spark, load(place), world.access, silent)
    assert driver.step()
    assert driver.state.staged.is_copied
    return driver


def records(world, driver, done):
    """The record of each row, spelled so that an integer is no float and a nought not a negative one."""
    found = {}
    for span in done.spans.to_pylist():
        key = driver.ctx.tables.places.layout.input.join(span["object"]).key
        for place, line in enumerate(world.body(key).split(b"\n")[:-1]):
            found[span["start"] + place] = repr(json.loads(line, object_pairs_hook=list))
    return found


def exported(world, driver, monkeypatch, by_workers):
    tables, by = driver.ctx.tables, []

    def watched(*given):
        done = exported_by_workers(*given) if by_workers else None
        by.append("Spark" if done is None else "workers")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(spark_tables, "exported_by_workers", watched)
        return records(world, driver, tables.export(driver.state.staged, CuttingRules(9_000, 9_000))), by[0]


def values(columns):
    """Values by row number, of which two are equal if they are the same bits, but for what is no number."""
    kinds = {pa.date32(): pa.int32(), pa.timestamp("us"): pa.int64(), pa.timestamp("us", "UTC"): pa.int64()}
    kinds |= {pa.string(): pa.binary()}
    lists = [column.cast(kinds.get(column.type, column.type)).to_pylist() for column in columns]
    return {number: repr(row) for number, *row in zip(*lists, strict=True)}


def read_by_workers(spark, driver):
    """The rows as a merge's workers read them; None: they leave them to Spark."""
    reading = plain_files(spark, driver.state.staged, driver.ctx.store, driver.ctx.tables.connect)
    found = {}
    try:
        for place in range(len(reading.tasks) if reading else 0):
            for numbers, rows in reading.read(place):
                found |= values([pa.array(numbers), *rows.columns])
    except NotRead:
        return None
    return found if reading else None


def read_alike(spark, world, folder, monkeypatch):
    """Who exports a run's copies of `folder`/in, and who reads them to merge them, once both are found alike."""
    driver = begun(spark, world, folder)
    ours, by = exported(world, driver, monkeypatch, by_workers=True)
    theirs, _ = exported(world, driver, monkeypatch, by_workers=False)
    assert len(ours) == sum(file.rows for file in driver.state.staged.files)
    assert ours == theirs
    with own_job(spark, driver.state.staged):
        rows = read_by_workers(spark, driver)
        staged = read_staged(spark, driver.state.staged)
        number = f"`{staged.columns[0]}`"
        assert rows in (None, values(staged.select(number, *input_columns(staged)).toArrow().columns))
    driver.ctx.lease.release()
    return by, "Spark" if rows is None else "workers"


@pytest.mark.parametrize("way", WRITTEN)
def test_workers_read_what_spark_does_or_leave_it_to_spark(spark, world, tmp_path, monkeypatch, way):
    written, options, exports, merges = WRITTEN[way]
    (tmp_path / "in").mkdir()
    pq.write_table(written, tmp_path / "in" / "f.parquet", **options)
    assert read_alike(spark, world, tmp_path, monkeypatch) == (exports, merges)


def test_a_column_with_two_types_has_that_which_spark_goes_by(spark, world, tmp_path, monkeypatch):
    """Milliseconds by its converted type, microseconds by the logical type, which pyarrow goes by."""
    file = tmp_path / "in" / "f.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({"at": moments("UTC", range(6))}), file, store_schema=False)
    body = file.read_bytes()
    assert body.count(b"\x25\x14") == 1
    file.write_bytes(body.replace(b"\x25\x14", b"\x25\x12"))
    assert pq.read_schema(file).types == [pa.timestamp("us", "UTC")]
    assert read_alike(spark, world, tmp_path, monkeypatch) == ("Spark", "Spark")
