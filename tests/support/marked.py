"""Processes that a test has started, however deep, known by a mark in their environment."""

from __future__ import annotations

import psutil

MARK = "TEST_MARK"


def marked_processes(mark: str) -> list[str]:
    """Returns the command lines of all that run with this mark.

    A process that ends meanwhile, or is somebody else's, has None for its environment.
    """
    infos = (process.info for process in psutil.process_iter(["environ", "cmdline", "status"]))
    return [
        " ".join(info["cmdline"] or ())
        for info in infos
        if (info["environ"] or {}).get(MARK) == mark and info["status"] != psutil.STATUS_ZOMBIE
    ]
