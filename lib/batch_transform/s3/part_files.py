"""A part of a ledger as a file: Parquet, in groups of rows that are decoded by themselves."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

GROUP_ROWS = 50_000  # of a part: a worker of the merge decodes those alone in which its rows lie


def as_parquet(table: pa.Table) -> bytes:
    """Returns a table as a file, as all bulk of a run is written."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=GROUP_ROWS)
    body: bytes = sink.getvalue().to_pybytes()
    return body
