"""Prints how fast the prediction reader is, beside pyarrow's bare JSON reader on the same bytes in the same run.

    python tests/benchmarks/prediction_reader.py [--lines 2000000]

The bare reader is given the same schema, once on one thread as in a Spark worker and once on all; it trusts that the
lines are well formed. Each figure is the best of the repeats.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.json

sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))

from batch_transform.core.predictions.line_counts import count
from batch_transform.core.predictions.output_lines import blocks
from batch_transform.core.predictions.reader import PredictionReader

LINE = b'{"p_late":0.123,"late":true}\n'
SCHEMA = pa.schema([("p_late", pa.float64()), ("late", pa.bool_())])
CHUNK_BYTES = 1 << 20
BLOCK_BYTES = 4 << 20


def chunks(content: bytes) -> Iterator[bytes]:
    """Yields the content as an S3 body would be read."""
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]


def bare(content: bytes, threads: bool) -> int:
    """Returns the rows that pyarrow's reader alone finds."""
    options = pyarrow.json.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore")
    reading = pyarrow.json.ReadOptions(use_threads=threads)
    return pyarrow.json.read_json(pa.BufferReader(content), reading, options).num_rows


def read(content: bytes, schema: pa.Schema | None) -> int:
    """Returns the lines that the prediction reader reads."""
    reader = PredictionReader(schema)
    return sum(map(len, map(reader.read, blocks(chunks(content), BLOCK_BYTES))))


def best_seconds(work: Callable[[], object], repeats: int) -> float:
    """Returns the shortest time of the repeats, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Prints one JSON line for each way of reading."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    clean = LINE * arguments.lines
    every = 100_000  # one line in so many is bad
    head = LINE * (every - 1)
    misfits = (head + b'{"p_late":"x"}\n') * max(1, arguments.lines // every)
    glued = (head + LINE[:-1] + LINE) * max(1, arguments.lines // every)
    decimals = pa.schema([("p_late", pa.decimal128(10, 3)), ("late", pa.bool_())])
    ways: dict[str, tuple[bytes, Callable[[], object]]] = {
        "pyarrow alone, one thread": (clean, lambda: bare(clean, False)),
        "pyarrow alone, all threads": (clean, lambda: bare(clean, True)),
        "reader": (clean, lambda: read(clean, SCHEMA)),
        "reader, 1 misfit in 100,000 lines": (misfits, lambda: read(misfits, SCHEMA)),
        "reader, 1 glued line in 100,000": (glued, lambda: read(glued, SCHEMA)),
        "reader without a schema": (clean, lambda: read(clean, None)),
        "slow reader (a decimal)": (clean, lambda: read(clean, decimals)),
        "count": (clean, lambda: count(chunks(clean))),
    }
    floor = 0.0
    for name, (content, work) in ways.items():
        seconds = best_seconds(work, 1 if name.startswith("slow") else arguments.repeats)
        speed = len(content) / 1e6 / seconds
        floor = floor or speed
        lines = content.count(b"\n")
        figures = {"mb_per_second": round(speed), "lines_per_second": round(lines / seconds)}
        print(json.dumps({"way": name, **figures, "of_pyarrow_alone": round(speed / floor, 2)}))


if __name__ == "__main__":
    main()
