"""What the wrapper `spark-submit.sh` and the Python driver tell each other, as files that the wrapper names.

The driver's process is a grandchild of the wrapper and outlives spark-submit, so neither a signal, nor its standard
output, nor its exit code reaches the other side in the usual way.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from batch_transform.core.escaping import one_line, visible_json
from batch_transform.core.ledger import JsonObject
from batch_transform.core.publishing.last_words import is_told_in_words, last_lines
from batch_transform.pipeline.spelling import spelled_out_here

if TYPE_CHECKING:
    from typing_extensions import Self

PID_FILE_VARIABLE = "BATCH_TRANSFORM_PID_FILE"
REPORT_FILE_VARIABLE = "BATCH_TRANSFORM_REPORT_FILE"
EXIT_FILE_VARIABLE = "BATCH_TRANSFORM_EXIT_FILE"
ALIVE_FILE_VARIABLE = "BATCH_TRANSFORM_ALIVE_FILE"  # a named pipe that the wrapper holds open while it lives
BEGAN_VARIABLE = "BATCH_TRANSFORM_BEGAN"  # when the wrapper was called, in seconds since 1970
COMMAND_VARIABLE = "BATCH_TRANSFORM_COMMAND"  # the very command that was given, unless something in it may be a secret
# That command, if it begins a run by its file, and so another one under another run_id.
ANEW_VARIABLE = "BATCH_TRANSFORM_ANEW"
WORDS = ".words"  # added to the report's file: what the wrapper tells a person after it has printed that
TOLD = ".told"  # likewise: a file that is there if all of it was told in words, which is enough on a terminal
ERROR = "error: "  # begins what is told of an error once more


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of the environment within the block: the process may be another's, and go on."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


def seconds_before(environ: Mapping[str, str], now: float) -> float:
    """Returns for how long the wrapper has been at work, which may be on another machine; 0 where there is none."""
    with suppress(ValueError):
        return max(0.0, now - float(environ.get(BEGAN_VARIABLE, "") or now))
    return 0.0


@dataclass(frozen=True)
class Handshake:
    """The files of one run; None: nobody asked for it, and it is not written.

    Attributes:
        reports: the last one that was told of, if any.
    """

    pid_file: Path | None = None
    report_file: Path | None = None
    exit_file: Path | None = None
    alive_file: Path | None = None
    reports: list[JsonObject] = field(default_factory=list, compare=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Returns the files that the environment names."""
        names = (PID_FILE_VARIABLE, REPORT_FILE_VARIABLE, EXIT_FILE_VARIABLE, ALIVE_FILE_VARIABLE)
        pid, report, code, alive = (Path(environ[name]) if environ.get(name) else None for name in names)
        return cls(pid, report, code, alive)

    def announce(self, pid: int) -> None:
        """Writes the driver's process id, to which signals are then forwarded."""
        _write(self.pid_file, f"{pid}\n")

    def report(self, report: JsonObject) -> None:
        """Writes the report; the wrapper prints it when the driver has ended. The last one holds."""
        self.reports[:] = [report]
        if self.report_file is not None:
            _hand(self.report_file.with_name(self.report_file.name + WORDS), _ended(last_lines(report)))
            told = self.report_file.with_name(self.report_file.name + TOLD)
            _hand(told, "") if is_told_in_words(report) else told.unlink(missing_ok=True)
            _hand(self.report_file, f"{visible_json(report)}\n")

    def show(self, text: str) -> None:
        """Writes what is printed as it is, for a person, in the place of a report."""
        if self.report_file is not None:
            _hand(self.report_file, f"{text}\n")

    def end(self, exit_code: int) -> None:
        """Writes the exit code, and tells a person how it ended; the process does nothing that matters after it."""
        if self.report_file is None:  # else whoever prints that does it
            with suppress(OSError):  # the pipe to a dead JVM
                # Off a terminal nothing is drawn over an error, which stands just above.
                again = sys.stderr.isatty()
                told = [line for report in self.reports for line in last_lines(report)]
                sys.stderr.write(_ended(line for line in told if again or not line.startswith(ERROR)))
                sys.stderr.flush()
        _hand(self.exit_file, f"{exit_code}\n")


def _ended(lines: Iterable[str]) -> str:
    return "".join(f"{one_line(spelled_out_here(line))}\n" for line in lines)


def _hand(path: Path | None, text: str) -> None:
    """Writes what tells of work that is done, which no full disk undoes: the wrapper then says that nothing came."""
    try:
        _write(path, text)
    except OSError as err:
        with suppress(OSError):
            sys.stderr.write(
                f"{path} cannot be written ({err.strerror}): make room there, or set TMPDIR to elsewhere\n"
            )


def _write(path: Path | None, text: str) -> None:
    if path is None:
        return
    # Renamed into place, so that the wrapper reads all of it or nothing.
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
