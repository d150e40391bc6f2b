"""Becomes the command that a file describes, in a session of its own.

`setsid` is no command on macOS, and a shell starts background commands with SIGINT ignored, which Java and Python
would inherit.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn


def main(arguments: list[str]) -> NoReturn:
    """Replaces this process by the command in the JSON file `arguments[0]`: `command`, `environment`."""
    described = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    command = described["command"]
    os.execvpe(command[0], command, os.environ | described["environment"])


if __name__ == "__main__":
    main(sys.argv[1:])
