"""Where the rows of cached tables come from, told from plans as Spark prints them. Pure.

A table that is cached hides its files: of them `DataFrame.inputFiles` names none. The text of its plan still has the
folders of its scans: the first of each whole (`formatted`), the others as far as there is room (`extended`).
"""

from __future__ import annotations

import re

_CACHE = "InMemoryRelation"
_FORMATTED = re.compile(r"^Location: \w+ \[(.*?)(, \.\.\. \d+ entries)?\]$", re.MULTILINE)
# `[a, b]`, `[a, b, ...]`, or cut off within a path.
_EXTENDED = re.compile(r"Location: \w+\((\d+) paths\)\[(.*?)(\]|, \.\.\.\]|\.\.\.)(?=, |$)", re.MULTILINE)


def has_cache(text: str) -> bool:
    """Returns whether a plan, as Spark prints it, has a cached table in it; an analysed one does not show it."""
    return _CACHE in text


def cached_locations(formatted: str, extended: str) -> list[str]:
    """Returns the folders that scans in a plan read, where there is a cached table in it; else nothing.

    Where a scan has more folders than Spark names, its first one's parent stands for them: the folders of one scan are
    the partitions of a table, or what a pattern matches.

    Args:
        formatted: the plan, as `explain(mode="formatted")` prints it.
        extended: the same, as `explain(mode="extended")` does.
    """
    if not has_cache(formatted):
        return []
    named: set[str] = set()
    all_named = True
    for scan in _EXTENDED.finditer(extended):
        paths = scan[2].split(", ")
        named.update(paths[:-1] if scan[3] == "..." else paths)
        all_named = all_named and (scan[1] == "1" or (scan[3] == "]" and len(paths) == int(scan[1])))
    for scan in _FORMATTED.finditer(formatted):
        named.add(scan[1] if all_named or not scan[2] else scan[1].rpartition("/")[0])
    return sorted(named)
