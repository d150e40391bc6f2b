"""The workloads that have to run here, and the tests named after them: `python tests/support/workload_rows.py`."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]
_NAME = re.compile(r"test_([a-e]\d+)_")

ROWS = {
    "A1": "nested columns, booleans and dates from Parquet, as JSON Lines in partitions",
    "A2": "payload and concurrency from the largest record: 6 MB and 16 at once; unsplittable: 45 MB and 2",
    "A3": "payload times concurrency is at most 100; both can be pinned",
    "A4": "jobs over manifests",
    "A5": "3,600 seconds for an invocation",
    "A6": "prepare, submit, wait outside, collect: nothing idles while a job runs",
    "A7": "a Failed job with one failed file: found by its output",
    "A8": "failed files are split until only bad rows fail, with fewer objects and a payload as large as needed",
    "A9": "instances that fail to start are counted, with advice",
    "A10": "files that fail although the payload is large enough: memory",
    "A11": "outputs merged with their inputs by file name and row order, as Parquet",
    "A12": "no join by the service unless it is asked for",
    "A13": "a time-out of eight hours around a job",
    "A14": "a run file for each model over a common base, variables for the day, DAGs from a folder",
    "B1": "CSV without a header, split by Line, MultiRecord",
    "B2": "one JSON document for a mini-batch, unpacked to one prediction for each row",
    "B3": "the whole set in one request; the output of one model is the input of the next",
    "B4": "the same predictions from a real-time endpoint",
    "B5": "new data scored later with the same model, on paths of its own",
    "B6": "predictions beside their rows, and a picture",
    "C1": "gzip",
    "C2": "application/json, one record for each request",
    "C3": "ready-made lines, byte for byte",
    "C4": "join_source input",
    "C5": "what instances and concurrency buy",
    "C6": "outputs joined to inputs by line number",
    "D1": "bad records are skipped, not their file",
    "D2": "steps before and after the model, in SQL",
    "D3": "a picture for each row",
    "E1": "a model of four functions in a script",
    "E2": "the smallest request",
    "E3": "the steps of a job, in their order",
    "E4": "columns in the model's order; a header needs whole objects",
    "E5": "CSV cells with newlines are refused",
    "E6": "a new version of a model is a new run",
}


def tests_of_rows() -> dict[str, list[str]]:
    """Returns for each row the tests that are named after it, as pytest names them."""
    found = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (named := _NAME.match(node.name)):
                found[named[1].upper()].append(f"{path.relative_to(TESTS.parent)}::{node.name}")
    return dict(found)


def main() -> None:
    """Prints the table."""
    found = tests_of_rows()
    for row, what in ROWS.items():
        sys.stdout.write(f"{row:<4} {what}\n")
        for test in found.get(row, ["no test"]):
            sys.stdout.write(f"     {test}\n")


if __name__ == "__main__":
    main()
