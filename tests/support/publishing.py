"""A driver that publishes and can be killed: its ledger is a dict that survives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from batch_transform.core.publishing.file_publication import Mode
from batch_transform.outputs.copying import publication_of, publish
from batch_transform.outputs.file_tree import Tree

RUN, NONCE = "run", "n0nce"
MODES = ("error", "append", "overwrite", "overwrite_partitions")

# The merged files, with what Spark leaves beside them.
SOURCE = {
    "_SUCCESS": b"",
    "ds=1/part-a.parquet": b"new one",
    "ds=1/.part-a.parquet.crc": b"crc",
    "ds=3/part-b.parquet": b"new three",
    "ds=3/part-c.parquet": b"new three again",
}
# An output with an earlier publication; for mode error it holds no data.
BEFORE = {
    "_SUCCESS": b"",
    "_batch_transform-old.json": b"{}",
    "ds=1/old.parquet": b"old one",
    "ds=1/.old.parquet.crc": b"crc",
    "ds=2/old.parquet": b"old two",
    "ds=4/x=5/.keep": b"",
    "ds=6/deeper/old.parquet": b"old six",
}
NEW = {
    f"ds=1/part-{NONCE}-00000.parquet": b"new one",
    f"ds=3/part-{NONCE}-00001.parquet": b"new three",
    f"ds=3/part-{NONCE}-00002.parquet": b"new three again",
}


def before(mode: str) -> dict[str, bytes]:
    """Returns the files of the output before the publication."""
    return {"_SUCCESS": b""} if mode == "error" else BEFORE


def data(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Returns the data files among `files`."""
    return {name: body for name, body in files.items() if name.endswith(".parquet") and "/." not in name}


def run(ledger: dict[str, Any], mode: Mode, source: Tree, target: Tree, threads: int = 1) -> None:
    """Publishes as a driver does: decide, record, then act; a recorded decision is never made again."""
    if "publication" not in ledger:
        merged = [replace(file, rows=len(file.name)) for file in source.list()]
        ledger["publication"] = publication_of("result", mode, source, target, merged, RUN, NONCE)
    publish(ledger["publication"], source, target, threads)


def holds_its_promise(mode: str, files: Mapping[str, bytes]) -> bool:
    """Returns whether `_SUCCESS` stands beside a whole table only: the one before, or the one published."""
    return "_SUCCESS" not in files or data(files) in (data(before(mode)), published(mode))


def published(mode: str) -> dict[str, bytes]:
    """Returns the data files after the publication."""
    kept: dict[str, tuple[str, ...]] = {"overwrite": (), "overwrite_partitions": ("ds=2/", "ds=6/")}
    stay = kept.get(mode, ("ds=",))
    return {name: body for name, body in data(before(mode)).items() if name.startswith(stay)} | NEW
