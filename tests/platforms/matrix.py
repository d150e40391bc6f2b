"""Runs the core set on each cell, and prints what came as a table in Markdown.

    .venv/bin/python tests/platforms/matrix.py              all cells, one after the other
    .venv/bin/python tests/platforms/matrix.py spark-3.5    those of a line; more words choose fewer: java-25, connect
    .venv/bin/python tests/platforms/matrix.py --list       their names

Exit code 1 if a part of a cell neither passed nor ended with exit 2 and a remedy.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "lib")]

from support.cells import Cell, NotHere, chosen  # noqa: E402 - they are on the path only now
from support.core_set import PARTS, CoreSet, Outcomes  # noqa: E402
from support.drivers import connect_server  # noqa: E402
from support.emulated import Emulated, emulated  # noqa: E402

SHOWN = ("pyspark", "delta-spark", "pyarrow", "pandas", "numpy", "boto3")
HEAD = ["Spark", "Java", "Python", "Hadoop", *SHOWN[1:], *PARTS, "seconds"]


def cells_row(cell: Cell, world: Emulated) -> tuple[list[str], Outcomes]:
    """Returns a line of the table, and what its parts came to."""
    began, outcomes = time.monotonic(), Outcomes()
    try:
        installed = cell.versions()
        with ExitStack() as resources:
            folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="matrix.")))
            remote = resources.enter_context(connect_server(folder, world.url)) if cell.connect else None
            (folder / "run").mkdir()
            outcomes = CoreSet(cell, world, folder / "run", remote).run()
        versions = [cell.hadoop(), *[installed.get(name, "none") for name in SHOWN[1:]]]
    except NotHere as err:
        outcomes.of = dict.fromkeys(PARTS, f"not here: {err}")
        versions = ["" for _ in SHOWN]
    spark = f"{cell.spark}{' Connect' * cell.connect}"
    told = [outcomes.of.get(part, "failed") for part in PARTS]
    return [spark, cell.java, cell.python, *versions, *told, f"{time.monotonic() - began:.0f}"], outcomes


def line(values: list[str]) -> str:
    """Returns a line of a table."""
    return f"| {' | '.join(value.replace('|', ' ').replace(chr(10), ' ') for value in values)} |"


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("words", nargs="*", help="parts of the cells' names")
    parser.add_argument("--list", action="store_true", help="only name the cells")
    asked = parser.parse_args(arguments)
    cells = chosen(asked.words)
    if asked.list or not cells:
        print("\n".join(cell.name for cell in cells or chosen([])))
        return 0 if asked.list else 2
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    command = shlex.join(["tests/platforms/matrix.py", *asked.words])
    print(f"`{command}`, {datetime.now(timezone.utc):%Y-%m-%d}, commit {commit.stdout.strip() or 'unknown'}\n")
    print(f"{line(HEAD)}\n|{'---|' * len(HEAD)}", flush=True)
    are_well = True
    with emulated() as world:
        for cell in cells:
            row, outcomes = cells_row(cell, world)
            print(line(row), flush=True)
            are_well = are_well and outcomes.are_well
    return 0 if are_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
