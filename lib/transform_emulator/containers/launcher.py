"""Run a command in a process group of its own, and end the whole group when standard input is closed.

The emulator starts every model server through this script: when the emulator goes, even by SIGKILL, the kernel closes
the pipe and the server's processes end, workers and all. It imports the standard library only, and is run with -I -S
so that it starts in a few milliseconds.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 2.0
NOT_FOUND = 127  # as a shell would say


def main(command: list[str]) -> int:
    """Returns the command's exit code, or 143 if it was ended because standard input was closed."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]!r}: {error}\n")
        return NOT_FOUND
    threading.Thread(target=_end_with_stdin, args=(process,), daemon=True).start()
    try:
        return process.wait()
    finally:
        # What the command left behind in its group must not outlive it.
        _signal_group(process.pid, signal.SIGKILL)


def _end_with_stdin(process: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    _signal_group(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        _signal_group(process.pid, signal.SIGKILL)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    # Only the pipe decides, or a signal could leave the group behind. Not SIG_IGN: the command would inherit that.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, lambda *_: None)
    sys.exit(main(sys.argv[1:]))
