"""JSON that comes from elsewhere: whatever is wrong with it is a ValueError, and what is read can be written again."""

import json
import math
import re
from typing import Any

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def read(text: str | bytes) -> Any:
    r"""Returns the document of a text.

    Python's own reader is more lenient than others, and than RFC 8259: it takes NaN, Infinity and numbers that no
    double holds. Half a surrogate pair (`"\ud800"`) becomes U+FFFD, as in Go's reader: no UTF-8 can hold it.

    Raises:
        ValueError: It is no JSON, or nested too deeply.
    """
    try:
        document = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if _has_escaped_surrogate(text):
            written = json.dumps(document, ensure_ascii=False)
            if LONE_SURROGATE.search(written):
                return json.loads(LONE_SURROGATE.sub(REPLACEMENT, written))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return document


def write(document: Any) -> str:
    """Returns a compact text with sorted keys: so are the joined records in a notebook of AWS's (Go's encoding/json).

    Raises:
        ValueError: It is nested too deeply.
    """
    try:
        return json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _has_escaped_surrogate(text: str | bytes) -> bool:
    return (b"\\u" in text) if isinstance(text, bytes) else ("\\u" in text)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number
