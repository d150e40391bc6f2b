"""A whole number among the arguments. Pure."""

from __future__ import annotations

import re

# For Python's `isdecimal` other scripts' digits are some too, and its `int` refuses thousands of them.
_DIGITS = re.compile("[0-9]{1,18}")


def whole_number(text: str, most: int) -> int | None:
    """Returns the number that a text is; None: it is none from 1 to the most."""
    number = int(text) if _DIGITS.fullmatch(text) else 0
    return number if 1 <= number <= most else None
