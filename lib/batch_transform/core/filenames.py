"""Which files of an output are data, by Spark's rules for hidden files and Hive's for partitions."""

from __future__ import annotations

import re
from urllib.parse import unquote

MARKER = re.compile(r"_batch_transform-[^/]+\.json")
# Parquet's summary files; Spark no longer writes them, but a reader that finds old ones believes them.
SUMMARIES = frozenset({"_metadata", "_common_metadata"})


def is_data_file(name: str) -> bool:
    """Returns whether Spark reads the file, given its name below the root.

    The rule is Spark's `HadoopFSUtils.shouldFilterOutPathName`: no part of the path begins with "." or with "_"
    (unless it holds "=", as a partition may), and no copy in progress.
    """
    return not any(_hidden(part) for part in name.split("/"))


def _hidden(part: str) -> bool:
    return part.startswith(".") or (part.startswith("_") and "=" not in part) or part.endswith("._COPYING_")


def is_leftover(name: str) -> bool:
    """Returns whether the file, no data itself, describes data files that an overwrite removes."""
    return bool(MARKER.fullmatch(name)) or name.rpartition("/")[2] in SUMMARIES


def partition_of(name: str) -> str:
    """Returns the partition's path, as it is spelled: "a=1/b=2" for "a=1/b=2/part-0.parquet", "" without one."""
    return name.rpartition("/")[0]


def partition_columns(name: str) -> tuple[str, ...]:
    """Returns the partition columns of a data file in their order: ("a", "b") for "a=1/b=2/part-0.parquet"."""
    parts = partition_of(name).split("/")
    return tuple(unquote(part.partition("=")[0]) for part in parts if "=" in part)
