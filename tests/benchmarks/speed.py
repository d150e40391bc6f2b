"""Prints how fast we are beside what a person would write himself: whole runs, cold, and our steps in a warm session.

    pip install -e '.[local]' -r tests/benchmarks/requirements.txt
    python tests/benchmarks/speed.py [--rows 2000000] [--runs 5] [--only NAME ...] [--table NAME ...] [--json FILE]
    python tests/benchmarks/speed.py --growth 1000000 4000000 16000000 --only ours

Markdown goes to standard output, what it does meanwhile to standard error. Tables and all that runs write lie in one
folder, which is removed at the end. Everything asks the same model server, which costs next to nothing and repeats a
number of each record, so that every prediction is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "lib"))

from batch_transform.pipeline.submit import class_archive
from benchmarks.peers import telling
from benchmarks.peers.input_tables import NAMES, growing_table, input_table
from benchmarks.peers.measuring import end_by_signals, output_of
from benchmarks.peers.warm_steps import WAYS
from benchmarks.peers.whole_runs import WHOLE_RUNS, WholeRun, environment, model_server, whole_run

STEPS = "steps"
TABLES = [name for name in NAMES if name.startswith("330b-")]
FORMATS = ["parquet", "delta"]


def tell(text: str) -> None:
    """Says what is done."""
    print(text, file=sys.stderr, flush=True)


def measure_whole_runs(asked: argparse.Namespace, name: str, folder: Path) -> dict[str, list[WholeRun]]:
    """Returns all runs of each competitor over a table, one after the other in turn."""
    table = input_table(name, asked.rows)
    source = table.write(folder)
    names = [each for each in WHOLE_RUNS if each in asked.only]
    runs: dict[str, list[WholeRun]] = {each: [] for each in names}
    class_archive.make(environment(folder))  # as the installation by spark-submit.sh does
    with model_server() as server:
        for number in range(asked.runs):
            for each in names:
                runs[each].append(whole_run(each, table, source, folder, server, asked.cores))
                tell(f"{name}, run {number + 1}: {each} {runs[each][-1].cost.wall_seconds:.1f} s")
    return runs


def measure_growth(asked: argparse.Namespace, folder: Path) -> dict[str, dict[int, list[WholeRun]]]:
    """Returns all runs of each competitor over tables of so many rows, one after the other in turn."""
    names = [each for each in WHOLE_RUNS if each in asked.only]
    runs: dict[str, dict[int, list[WholeRun]]] = {name: {rows: [] for rows in asked.growth} for name in names}
    tables = [growing_table(rows) for rows in asked.growth]
    sources = [table.write(folder) for table in tables]
    with model_server() as server:
        for number in range(asked.runs):
            for table, source in zip(tables, sources, strict=True):
                for name in names:
                    runs[name][table.rows].append(whole_run(name, table, source, folder, server, asked.cores))
                    took = runs[name][table.rows][-1].cost.wall_seconds
                    tell(f"{table.rows:,} rows, run {number + 1}: {name} {took:.1f} s")
    return runs


def measure_steps(asked: argparse.Namespace, name: str, folder: Path, *, textbook: bool) -> list[dict]:
    """Returns what the steps over a table took, in a process of their own."""
    words = {"table": name, "rows": asked.rows, "runs": asked.runs, "cores": asked.cores, "folder": folder}
    command = [sys.executable, "-m", "benchmarks.peers.warm_steps"]
    command += [word for key, value in words.items() for word in (f"--{key}", str(value))]
    command += ["--formats", *asked.formats, "--ways", *asked.ways, *(["--textbook"] if textbook else [])]
    identity = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    log = folder / "steps.log"
    try:
        with log.open("ab") as errors:
            said = output_of(command, environment(folder) | identity, errors)
    except RuntimeError as err:
        raise RuntimeError(f"{err}\n{log.read_text(errors='replace')[-4000:]}") from None
    tell(f"{name}: steps")
    return [json.loads(line) for line in said.splitlines()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000, help="of 330 bytes; as many bytes of other records")
    parser.add_argument("--runs", type=int, default=5, help="of which medians are told")
    parser.add_argument("--only", nargs="+", choices=[*WHOLE_RUNS, STEPS], default=[*WHOLE_RUNS, STEPS])
    parser.add_argument("--table", nargs="+", choices=NAMES, default=TABLES, help="whole runs take the first alone")
    parser.add_argument("--growth", type=int, nargs="+", metavar="ROWS", help="whole runs over so many rows, no others")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS, help="of the steps")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS), help="of the steps")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, help="where a folder is made for all that is written")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    asked = parser.parse_args(arguments)
    end_by_signals()
    load = os.getloadavg()[0]
    lines = [f"{asked.cores} cores, load before {load:.1f}", ""]
    if asked.growth:
        with tempfile.TemporaryDirectory(dir=asked.folder, prefix="speed-") as made:
            grown = measure_growth(asked, Path(made))
        print("\n".join(lines + telling.growth(grown)))
        told = {name: {rows: [asdict(run) for run in of] for rows, of in each.items()} for name, each in grown.items()}
        write(asked.json, {"cores": asked.cores, "load": load, "growth": told})
        return
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="speed-") as made:
        folder = Path(made)
        runs = measure_whole_runs(asked, asked.table[0], folder) if {*asked.only} - {STEPS} else {}
        steps = [
            told
            for place, name in enumerate(asked.table if STEPS in asked.only else [])
            for told in measure_steps(asked, name, folder, textbook=place == 0)
        ]
    if runs:
        rows = input_table(asked.table[0], asked.rows).rows
        lines += telling.whole_runs(f"{asked.table[0]}, {rows:,} rows, Parquet to Parquet", runs)
    lines += telling.warm_steps(steps)
    print("\n".join(lines + (telling.settings_of_steps(asked.cores) if steps else [])))
    whole = {name: [asdict(run) for run in each] for name, each in runs.items()}
    document = {"cores": asked.cores, "load": load, "rows": asked.rows, "whole_runs": whole, "steps": steps}
    write(asked.json, document)


def write(place: Path | None, document: dict[str, Any]) -> None:
    """Writes all figures, if they are asked for."""
    if place is not None:
        place.write_text(json.dumps(document, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
