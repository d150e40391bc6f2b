"""The core set of a cell: three runs, of which one is killed, by what the wheel installs and nothing of the tests' own.

1. `score(df)` over many types with three bad rows, from and to Parquet on this machine.
2. `batch-transform run`: CSV to Parquet as CSV records, everything on S3; its driver is killed with SIGKILL once its
   first job is there, and it is started again.
3. `batch-transform run`: that Parquet to Delta, everything on S3.
"""

from __future__ import annotations

import io
import json
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from support.cells import Cell
from support.emulated import BUCKET, REGION, Emulated

PROGRAM = Path(__file__).parents[1] / "platforms" / "core_program.py"
ROWS = 2000
PATIENCE_SECONDS = 600
# In the order of the table, those of each run.
TYPES, KILLED, DELTA = ("types", "dead letters"), ("CSV", "all on S3", "kill, resume"), ("Delta on S3",)
PARTS = (*TYPES, *KILLED, *DELTA)
PASSED = "passed"


@dataclass
class Outcomes:
    """What each part of the set came to: passed; refused with exit 2 and a remedy; or what went wrong."""

    of: dict[str, str] = field(default_factory=dict)

    def tell(self, parts: tuple[str, ...], what: Callable[[], str]) -> None:
        """Records what a run came to; an assertion that fails is that part's outcome, not the end of the cell."""
        try:
            told = what()
        except (AssertionError, KeyError, ValueError, subprocess.SubprocessError) as err:
            told = f"failed: {err}"[:3000]
        self.of.update(dict.fromkeys(parts, told))

    @property
    def are_well(self) -> bool:
        """Whether each part passed, or was refused with a remedy."""
        return self.of.keys() == set(PARTS) and not any(told.startswith("failed") for told in self.of.values())


@dataclass(frozen=True)
class CoreSet:
    """The set, on one cell.

    Attributes:
        folder: an empty one.
        remote: of the Spark Connect server, for a cell of a client.
    """

    cell: Cell
    world: Emulated
    folder: Path
    remote: str | None = None

    def run(self, *, is_killed: bool = True) -> Outcomes:
        """Returns what each part came to; without the run that is killed, those of the others."""
        outcomes, scored = Outcomes(), f"{uuid.uuid4().hex[:8]}/scored"
        outcomes.tell(TYPES, self._types)
        if is_killed:
            outcomes.tell(KILLED, lambda: self._killed(scored))
        else:
            self._put(f"{scored}/part-0.parquet", _as_scored())
        outcomes.tell(DELTA, lambda: self._delta(scored))
        return outcomes

    def _put(self, key: str, body: bytes) -> None:
        self.world.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def _variables(self) -> dict[str, str]:
        remote = {"SPARK_REMOTE": self.remote} if self.remote else {}
        return self.cell.variables | remote

    def _types(self) -> str:
        arguments = self.world.arguments(self.folder, "shaped", errors={"max_rows": 3})
        python = str(self.cell.environment / "bin" / "python")
        command = [python, "-I", str(PROGRAM), str(self.folder), json.dumps(arguments)]
        variables = self._variables() | {"PYSPARK_PYTHON": python}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        assert done.returncode == 0, done.stderr[-2000:]
        said = json.loads(done.stdout.splitlines()[-1])
        assert (said["status"], said["rows"]) == ("published", [300, 297, 297]), said
        assert (said["types_kept"], said["rows_equal"]) == (True, True), said
        assert str(self.cell.environment) in said["from"], said
        dead = pq.read_table(self.folder / "out_dead_letter")
        assert sorted(dead["key"].to_pylist()) == ["refused!199", "refused!5", "refused!77"], dead
        return PASSED

    def _document(self, **sections: Any) -> dict[str, Any]:
        return {
            "run_id": f"c-{uuid.uuid4().hex[:10]}",
            "workspace": f"s3://{BUCKET}",
            "transform": {"poll_seconds": 0.1, "invocations_max_retries": 0},
            "aws": {"endpoint_url": self.world.url, "region": REGION},
            "lease_seconds": 1.0,
            **sections,
        }

    def _killed(self, scored: str) -> str:
        csv = f"{uuid.uuid4().hex[:8]}/in.csv"
        lines = "".join(f"{key},{key * 3}\n" for key in range(ROWS))
        self._put(csv, f"key,other\n{lines}".encode())
        document = self._document(
            input={
                "path": f"s3://{BUCKET}/{csv}",
                "format": "csv",
                "options": {"header": "true", "inferSchema": "true"},
            },
            record={"columns": ["key", "other"], "format": "csv"},
            model={"name": "lines"},
            prediction={"schema": "echo int, thrice int", "format": "csv"},
            output={"path": f"s3://{BUCKET}/{scored}"},
        )
        driver = self._started(document)
        _await(lambda: driver.poll() is not None or bool(self.world.jobs(document["run_id"])))
        _kill(driver)
        assert driver.returncode < 0, f"it ended with {driver.returncode} before it was killed: {self._log()}"
        before = self.world.jobs(document["run_id"])
        code, report = self._finished(document)
        assert code == 0, self._log()
        assert before, "it was killed before its first job was there"
        assert report["rows_scored"] == ROWS, report
        assert sorted(self.world.jobs(document["run_id"])) == sorted({*before, *self._named(report)}), (
            "a job of no report"
        )
        rows = self._rows(scored)
        assert sorted(rows["key"].to_pylist()) == list(range(ROWS)), rows
        assert rows["echo"].to_pylist() == rows["key"].to_pylist(), rows
        assert rows["thrice"].to_pylist() == rows["other"].to_pylist(), rows
        return PASSED

    def _delta(self, scored: str) -> str:
        document = self._document(
            input={"path": f"s3://{BUCKET}/{scored}"},
            record={"sql": "named_struct('key', cast(key AS string))"},
            model={"name": "shaped"},
            prediction={"schema": "echo string", "sql": ["echo AS again"]},
            output={"path": f"s3://{BUCKET}/{scored}-delta", "format": "delta"},
        )
        code, report = self._finished(document)
        if code == 2:
            (fault, *_) = report["error"]
            return f"exit 2: {fault}"
        assert code == 0, self._log()
        assert report["rows_scored"] == ROWS, report
        rows = self._rows(f"{scored}-delta")  # of one commit, so that all files are of it
        assert rows["again"].to_pylist() == list(map(str, rows["key"].to_pylist())), rows
        assert len(rows) == ROWS, rows
        return PASSED

    def _rows(self, folder: str) -> pa.Table:
        names = [
            name for name in self.world.objects(f"{folder}/") if name.endswith(".parquet") and "_delta_log" not in name
        ]
        return pa.concat_tables([pq.read_table(io.BytesIO(self.world.body(name))) for name in names])

    def _started(self, document: Mapping[str, Any]) -> subprocess.Popen[bytes]:
        (self.folder / "run.yml").write_text(json.dumps(document))
        target = [] if self.remote else ["--target", "local"]
        command = [str(self.cell.environment / "bin" / "batch-transform"), "run", "run.yml", *target]
        with (self.folder / "log").open("w") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._variables(),
                cwd=self.folder,
                start_new_session=True,
            )

    def _finished(self, document: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        process = self._started(document)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        lines = output.decode().strip().split("\n")
        assert len(lines) == 1, (lines, self._log())
        return process.returncode, json.loads(lines[0] or "{}")

    def _log(self) -> str:
        return (self.folder / "log").read_text()[-800:]

    @staticmethod
    def _named(report: Mapping[str, Any]) -> list[str]:
        return [job["name"] for job in report["jobs"]]


def _as_scored() -> bytes:
    """What the second run would publish, as a file of Parquet."""
    keys = pa.array(range(ROWS), pa.int32())
    thrice = pa.array((3 * key for key in range(ROWS)), pa.int32())
    written = io.BytesIO()
    pq.write_table(pa.table({"key": keys, "other": thrice, "echo": keys, "thrice": thrice}), written)
    return written.getvalue()


def _await(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kills it and all that it has started, the JVM and its workers among them."""
    below = []
    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for each in below:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    process.communicate()
    psutil.wait_procs(below, timeout=30)
