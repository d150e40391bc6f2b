"""Standard output, which may be closed, full, left by its reader, or of a locale that lacks what is written.

None of these is a fault of the run, whose exit code holds; what is lost for want of room is told in a line.
"""

from __future__ import annotations

import io
import os
import sys


def open_streams() -> None:
    """Opens what this process was started without (`>&-`) to nowhere, and has standard output written as UTF-8.

    A descriptor that is left free would be the next file's or socket's, which a child would then print into. The report
    is JSON, and the wrapper's is UTF-8 as well, whatever the locale.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - it is the process's
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def lost_of(text: str) -> str:
    """Writes a text to standard output, all of it at once, and returns why it is lost; "" if it is not.

    Whoever has read as much as he wanted (`| head`) loses nothing.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()  # a process that is ended while it hangs flushes nothing
    except OSError as err:
        _forget()
        if isinstance(err, BrokenPipeError):
            return ""
        why = err.strerror or type(err).__name__
        return f"standard output: cannot be written ({why}); give it room"
    return ""


def _forget() -> None:
    """Lets go of what could not be written: Python would try once more at its end, and print a stack.

    Of this process alone: a notebook's output is no file, or is that of a process that goes on.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
