"""How names of folders spell the values of partitions, and which of them readers take for one value. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
# As Spark writes them; it reads 01 and 2024-5-1 as well, where the type of the column is known or inferred.
WHOLE_NUMBER, DATE = r"0|-?[1-9]\d*", r"\d{4}-\d{2}-\d{2}"
# No reader takes `all` for either: beside it the others are text as well.
_READ = re.compile(r"\s*[+-]?\d[\dT:.\s+-]*")


def as_read(partition: str) -> tuple[str, ...]:
    """Returns a partition's path as readers unescape it: character by character, as Spark and Hive do."""
    return tuple(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), part) for part in partition.split("/"))


def spelled_otherwise(partitions: Iterable[str], spellings: Mapping[str, str]) -> tuple[str, str] | None:
    """Returns the first partition of which a value is spelled otherwise than Spark would, with its column; None: none.

    Args:
        partitions: their paths, as they are spelled.
        spellings: of columns, in lower case, the pattern of what Spark writes.
    """
    for partition in partitions:
        for part in as_read(partition):
            name, equals, value = part.partition("=")
            pattern = spellings.get(name.lower())
            if equals and pattern is not None and _READ.fullmatch(value) and not re.fullmatch(pattern, value):
                return partition, name
    return None
