"""Arrays that are a body and its media type: `["[0, 1]", "application/json"]`.

So answers a container whose function returned both (the inference toolkits' `output_fn` may) to a server that wrote
what it was given as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

# RFC 6838's names, of the kinds that an answer may have.
_MEDIA_TYPE = re.compile(r"(?:application|text)/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(?:\s*;\s*[\w.-]+=[\w.\"-]+)*")


def media_type_of(elements: Sequence[str]) -> str | None:
    """Returns the media type of an array that is a body and its type; None for any other array.

    Two media types are no such pair: they may be predictions.

    Args:
        elements: of the array, as they are written.
    """
    if len(elements) != 2 or not (media_type := _media_type(elements[1])):
        return None
    return None if _media_type(elements[0]) else media_type


def _media_type(text: str) -> str | None:
    if not text.startswith('"'):
        return None
    value = str(json.loads(text))
    return value if _MEDIA_TYPE.fullmatch(value) else None
