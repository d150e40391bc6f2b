"""What the wrapper `spark-submit.sh` and the Python driver tell each other, as files that the wrapper names.

The driver's process is a grandchild of the wrapper and outlives spark-submit, so neither a signal, nor its standard
output, nor its exit code reaches the other side in the usual way.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batch_transform.core.escaping import visible_json
from batch_transform.core.ledger import JsonObject

PID_FILE = "BATCH_TRANSFORM_PID_FILE"
REPORT_FILE = "BATCH_TRANSFORM_REPORT_FILE"
EXIT_FILE = "BATCH_TRANSFORM_EXIT_FILE"
ALIVE_FILE = "BATCH_TRANSFORM_ALIVE_FILE"  # a named pipe that the wrapper holds open while it lives
COMMAND = "BATCH_TRANSFORM_COMMAND"  # the very command that was given, if it is a run file alone
PROGRAM = "BATCH_TRANSFORM_PROGRAM"  # the wrapper, as it was called
RESUME = "BATCH_TRANSFORM_RESUME"  # what resumes the run that it began
SUBMIT_NEXT = "BATCH_TRANSFORM_SUBMIT"  # the step after the one that it began, which is `prepare`


@dataclass(frozen=True)
class Handshake:
    """The files of one run; None: nobody asked for it, and it is not written."""

    pid_file: Path | None = None
    report_file: Path | None = None
    exit_file: Path | None = None
    alive_file: Path | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Handshake:
        """Returns the files that the environment names."""
        names = (PID_FILE, REPORT_FILE, EXIT_FILE, ALIVE_FILE)
        return cls(*(Path(environ[name]) if environ.get(name) else None for name in names))

    def announce(self, pid: int) -> None:
        """Writes the driver's process id, to which signals are then forwarded."""
        _write(self.pid_file, str(pid))

    def report(self, report: JsonObject) -> None:
        """Writes the report; the wrapper prints it when the driver has ended. The last one holds."""
        _write(self.report_file, visible_json(report))

    def end(self, exit_code: int) -> None:
        """Writes the exit code; the driver does nothing that matters after it."""
        _write(self.exit_file, str(exit_code))


def _write(path: Path | None, text: str) -> None:
    if path is None:
        return
    # Renamed into place, so that the wrapper reads all of it or nothing.
    part = path.with_name(path.name + ".part")
    part.write_text(text + "\n", encoding="utf-8")
    os.replace(part, path)
