"""Which rule of a Delta table a row has broken, from Delta's words: the rule is the table's, and the rest is the row's.

With its condition before it (Delta 4) or without (Delta 3), and in any case with the row's values or one of them.
"""

from __future__ import annotations

import re

from batch_transform.core.stack_traces import Link

_CLASS = "DeltaInvariantViolationException"
_WORDS = re.compile(
    r"(?:\[\w+\] )?(?:"
    # What follows these words first, or comes before them last, is the row's, whatever it says.
    r"(?P<check>CHECK constraint .+?) violated by row with values:.*"
    r"|NOT NULL constraint violated for column: (?P<column>[^\n]+?)\.?\s*"
    r'|Value ".*" exceeds char/varchar type length limitation\. Failed check: (?P<length>.+?)\.?\s*'
    r")(?:SQLSTATE: \w{5})?\s*",
    re.DOTALL,
)


def broken_rule(link: Link) -> str | None:
    """Returns the rule with its name, its column or its expression; None of any other error."""
    found = _WORDS.fullmatch(link.text) if link.name.endswith(_CLASS) else None
    if found is None:
        return None
    if found["column"] is not None:
        return f"NOT NULL of column {found['column']}"
    return found["check"] or f"the length in {found['length']}"
