"""A session by its settings alone, without Java, and small files of Parquet for what is asked of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batch_transform.outputs.file_tree import Tree


def local_session(**settings: str) -> Any:
    """Returns what answers for a session's settings, with `__` for their dots; it is local unless one says another."""
    told = {"spark.master": "local[2]"} | {key.replace("__", "."): value for key, value in settings.items()}
    return SimpleNamespace(conf=SimpleNamespace(get=lambda key, default=None: told.get(key, default)))


def write_parquet(tree: Tree, *names: str) -> None:
    """Writes files of one column, `id`: a row into the first, two into the second, and so on."""
    for place, name in enumerate(names):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"id": range(place + 1)}), sink)
        tree.put(name, sink.getvalue().to_pybytes())
