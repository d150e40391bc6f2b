"""Modules as programs of their own, whatever lies in the folder of whoever calls."""

from __future__ import annotations

import sys

# `python -m` looks there first, for each `import json` as well; `-P` came with Python 3.11.
BEGIN = (
    "import sys; sys.path[0] or sys.path.pop(0); import runpy; "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def module_command(module: str, *arguments: str) -> list[str]:
    """Returns the command that runs a module as `python -m` does, but for the current folder."""
    return [sys.executable, "-c", BEGIN, module, *arguments]
