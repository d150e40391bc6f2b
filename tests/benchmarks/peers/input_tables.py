"""The tables of the benchmark, and whether a table of predictions is right: no Spark, the same rows each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq

# The column that the model repeats as its prediction; rows are numbered from 0 in their order.
NUMBER, PREDICTION = "row_number", "p"
_BYTES_OF_SMALL = 330
_WORDS = np.array(["north", "willow", "amber", "copper", "lantern", "meadow", "quartz", "harbor", "violet", "summit"])
_ROWS_OF_FILE = 250_000
_GROUP_JSON_BYTES = 33_000_000
_CHUNK_BYTES = 16_000_000  # of JSON: what is made at once


@dataclass(frozen=True)
class Shape:
    """What rows are.

    Attributes:
        record_bytes: of one as JSON, about.
        columns: makes those beside the number, of rows first to stop.
    """

    record_bytes: int
    columns: Callable[[int, int], dict[str, pa.Array]]


@dataclass(frozen=True)
class InputTable:
    """A table of the benchmark, such as `330b-8-files`."""

    name: str
    shape: Shape
    files: int
    rows: int
    group_rows: int = 1 << 30  # one row group a file, as its layout is what is compared

    @property
    def json_bytes(self) -> int:
        """Bytes of its records as JSON Lines, about."""
        return self.rows * self.shape.record_bytes

    def write(self, folder: Path) -> str:
        """Returns the path of the table once it is written below a folder: Parquet as pyarrow writes it."""
        place = folder / self.name
        place.mkdir(parents=True)
        chunk = max(1, _CHUNK_BYTES // self.shape.record_bytes)
        for file, (first, stop) in enumerate(_parts(self.rows, self.files)):
            tables = [_rows(self.shape, at, min(at + chunk, stop)) for at in range(first, stop, chunk)]
            if tables:
                groups = {"row_group_size": self.group_rows}
                pq.write_table(pa.concat_tables(tables), place / f"part-{file:05}.parquet", **groups)
        return str(place)


def _parts(rows: int, files: int) -> Iterator[tuple[int, int]]:
    bounds = np.linspace(0, rows, files + 1).astype(int)
    yield from zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)


def _rows(shape: Shape, first: int, stop: int) -> pa.Table:
    return pa.table({NUMBER: pa.array(np.arange(first, stop)), **shape.columns(first, stop)})


def _random(first: int) -> np.random.Generator:
    return np.random.default_rng(first)


def _text(random: np.random.Generator, rows: int, words: int) -> pa.Array:
    picked = pa.array(_WORDS).take(pa.array(random.integers(0, len(_WORDS), rows * words)))
    return pc.binary_join(
        pa.ListArray.from_arrays(pa.array(np.arange(0, rows * words + 1, words), pa.int32()), picked), " "
    )


def _narrow(texts: int, words: int) -> Callable[[int, int], dict[str, pa.Array]]:
    """Twelve columns with the number: three integers, three floats, a flag, and texts for the rest of the bytes."""

    def columns(first: int, stop: int) -> dict[str, pa.Array]:
        random, rows = _random(first), stop - first
        made = {f"count_{n}": pa.array(random.integers(0, 100_000, rows)) for n in range(3)}
        made |= {f"share_{n}": pa.array(random.random(rows)) for n in range(3)}
        made["is_paid"] = pa.array(random.random(rows) < 0.5)
        return made | {f"text_{n}": _text(random, rows, words) for n in range(texts)}

    return columns


def _nested(first: int, stop: int) -> dict[str, pa.Array]:
    """A struct of arrays of strings, as workload A has it, and an array of structs."""
    random, rows = _random(first), stop - first
    offsets = pa.array(np.arange(0, 3 * rows + 1, 3), pa.int32())
    titles, links = (pa.ListArray.from_arrays(offsets, _text(random, 3 * rows, 2)) for _ in range(2))
    page = pa.StructArray.from_arrays([titles, links], names=["titles", "links"])
    visits = pa.StructArray.from_arrays(
        [pa.array(random.integers(0, 100, 3 * rows)), pa.array(random.random(3 * rows) < 0.5)], names=["day", "is_new"]
    )
    return {"page": page, "visits": pa.ListArray.from_arrays(offsets, visits), "score": pa.array(random.random(rows))}


SHAPES = {
    "330b": Shape(_BYTES_OF_SMALL, _narrow(4, 4)),
    "4kb": Shape(4_000, _narrow(4, 140)),
    "100kb": Shape(100_000, _narrow(1, 14_600)),
    "nested": Shape(260, _nested),
}
MANY_GROUPS = "1-file"  # whose row groups are what Spark reads side by side
GROUP_BYTES = 5_000_000  # of Parquet, as Spark counts
LAYOUTS = {"8-files": 8, "200-files": 200, MANY_GROUPS: 1, "1-row-group": 1}
NAMES = [f"{shape}-{layout}" for shape in SHAPES for layout in LAYOUTS]


def input_table(name: str, small_rows: int) -> InputTable:
    """Returns the table of a name: as many bytes as `small_rows` rows of 330."""
    shape_name, _, layout = name.partition("-")
    shape = SHAPES[shape_name]
    rows = max(1, small_rows * _BYTES_OF_SMALL // shape.record_bytes) if shape_name != "330b" else small_rows
    groups = max(1, _GROUP_JSON_BYTES // shape.record_bytes) if layout == MANY_GROUPS else 1 << 30
    return InputTable(name, shape, LAYOUTS[layout], rows, groups)


def growing_table(rows: int) -> InputTable:
    """Returns a table of 330-byte records in files of 250,000: as many more of them as there are more rows."""
    return InputTable(f"330b-{rows}-rows", SHAPES["330b"], max(1, rows // _ROWS_OF_FILE), rows)


def check_predictions(path: str, rows: int) -> None:
    """Checks that a table of Parquet holds each row once, with its own prediction.

    Raises:
        AssertionError: it does not.
    """
    found = pyarrow.dataset.dataset(path, format="parquet").to_table(columns=[NUMBER, PREDICTION])
    numbers, predictions = (found[name].to_numpy() for name in (NUMBER, PREDICTION))
    assert len(numbers) == rows, f"{path}: {len(numbers):,} rows of {rows:,}"
    assert np.array_equal(numbers, predictions), f"{path}: predictions are not their rows'"
    assert np.array_equal(np.sort(numbers), np.arange(rows)), f"{path}: rows are there twice"
