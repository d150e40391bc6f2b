"""JSON of a workspace, in which another program, or another version, may have written anything."""

from __future__ import annotations

import json
from typing import Any


def parsed(body: bytes) -> Any:
    """Returns the value of a document.

    Raises:
        ValueError: it is none, or brackets in brackets, deeper than Python reads them.
    """
    try:
        return json.loads(body)
    except RecursionError as err:
        raise ValueError(f"brackets in brackets: {err}") from err
