"""A module is read in one sitting: none of the library is longer than 250 lines."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES = 250


def test_no_module_is_longer():
    lengths = {
        path: len(path.read_text().splitlines()) for house in ("lib", "jobs") for path in (ROOT / house).rglob("*.py")
    }
    longer = {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > MOST_LINES}
    assert longer == {}
