"""Ray Data: batches of Arrow to the model and back, rendered by orjson or by polars."""

from __future__ import annotations

import functools
import io
import logging

import orjson
import polars as pl
import pyarrow as pa
import ray

from benchmarks.peers.posting import arguments, with_predictions, working


def _orjson(batch: pa.Table) -> bytes:
    return b"\n".join(map(orjson.dumps, batch.to_pylist()))


def _polars(batch: pa.Table) -> bytes:
    body = io.BytesIO()
    pl.from_arrow(batch).write_ndjson(body)
    return body.getvalue()


ENCODERS = {"orjson": _orjson, "polars": _polars}


def _score(batch: pa.Table, url: str, encoder: str) -> pa.Table:
    return with_predictions(batch, url, ENCODERS[encoder](batch))


def main() -> None:
    """Scores the table."""
    parser = arguments(__doc__)
    parser.add_argument("--encoder", choices=list(ENCODERS), required=True)
    asked = parser.parse_args()
    ray.init(num_cpus=asked.cores, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    settings = f"Ray {ray.__version__}: num_cpus={asked.cores}, batch_format=pyarrow, batch_size={asked.batch_rows}"
    with working(f"{settings}, tasks, no dashboard, the rest by default"):
        score = functools.partial(_score, url=asked.url, encoder=asked.encoder)
        scored = ray.data.read_parquet(asked.input).map_batches(
            score, batch_format="pyarrow", batch_size=asked.batch_rows, zero_copy_batch=True
        )
        scored.write_parquet(asked.output)
    ray.shutdown()


if __name__ == "__main__":
    main()
