"""Makes the pictures of the README: the demo in a terminal, and the report of that run.

    python tests/benchmarks/pictures.py [--folder .github/pictures]

The terminal is a pseudo-terminal of 100 columns whose last screen is kept, letters and colours as they were; the report
is what Chromium (Debian's package) shows of the page.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pyte
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[2]
COLUMNS, ROWS = 100, 32
WIDTH, HEIGHT = 1280, 1500


def screen_of(command: list[str], folder: Path) -> pyte.Screen:
    """The screen on which a command has ended."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        environment = {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        environment |= {"VIRTUAL_ENV": str(Path(sys.executable).parents[1])}
        os.execvpe(command[0], command, os.environ | environment)
    while True:
        try:
            seen = os.read(terminal, 65_536)
        except OSError:  # the other end is closed
            break
        if not seen:
            break
        stream.feed(seen)
    os.waitpid(pid, 0)
    return screen


def drawn(screen: pyte.Screen, told: str) -> str:
    """A screen as SVG, below the command that was given; one line of JSON is shortened."""
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text(f"$ {told}", style="bold"))
    lines = [_line(screen, row) for row in range(ROWS)]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    for line in lines:
        console.print(line, soft_wrap=True)
    # With a reader's own letters, and without a word about who made the picture.
    return re.sub(r"@font-face \{.*?\}|<!--.*?-->", "", console.export_svg(title="spark-batch-transform"), flags=re.S)


def _line(screen: pyte.Screen, row: int) -> Text:
    line = Text()
    for column in range(COLUMNS):
        char = screen.buffer[row][column]
        colour = (
            "" if char.fg == "default" else f"#{char.fg}" if len(char.fg) == 6 else char.fg.replace("brown", "yellow")
        )
        line.append(char.data, style=" ".join(filter(None, [colour, "bold" if char.bold else ""])))
    line.rstrip()
    return line


def main() -> None:
    """Writes both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / ".github/pictures")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        # Standard output is the program's; what a person sees is the rest.
        command = f"{ROOT}/spark-submit.sh {ROOT}/conf/demo.yml --set run_id=flights > report.json"
        screen = screen_of(["bash", "-c", command], work)
        picture = drawn(screen, "./spark-submit.sh conf/demo.yml")
        shown = "/home/me/flights".ljust(len(name), "_")[: len(name)]  # as long, so that no line is broken elsewhere
        (folder / "terminal.svg").write_text(picture.replace(name, shown), encoding="utf-8")
        (page,) = work.glob(".batch_transform/staging/**/report.html")
        chromium = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
        subprocess.run([*chromium, f"--screenshot={folder / 'report.png'}", page.as_uri()], check=True, cwd=work)


if __name__ == "__main__":
    main()
