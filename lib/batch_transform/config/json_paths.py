"""The part of JSONPath that the service's filters take (transform_emulator/FACTS.md, 2.4).

A path outside it is told in a job's data log, for each of its objects: after the jobs are paid for.
"""

from __future__ import annotations

import re

from batch_transform.config.values import check_length
from batch_transform.core import limits

_NAMES = r"'[^']*'(?:\s*,\s*'[^']*')*"
_INDEXES = r"-?\d+(?:\s*,\s*-?\d+)*"
_RANGE = r"(?:-?\d+)?\s*:\s*(?:-?\d+)?"
# The developer guide writes a dot before a bracket as well.
_STEP = rf"\.?\*|\.[^.\[\]()*?@'\"\s]+|\.?\[\s*(?:\*|{_NAMES}|{_INDEXES}|{_RANGE})\s*\]"
_SEVERAL_NAMES = re.compile(rf"\[\s*({_NAMES})\s*\]$")
_PATH = re.compile(rf"\$(?:{_STEP})*", re.ASCII)


def check_json_path(value: str) -> str:
    """Returns a filter that the service takes.

    Raises:
        ValueError: it is too long, does not begin with `$`, or is none of the service's operators.
    """
    check_length(limits.MAX_JSON_PATH_CHARACTERS)(value)
    if not value.startswith("$"):
        raise ValueError(f"is {value!r}; it must begin with $, such as $.features or $['id','SageMakerOutput']")
    if not _PATH.fullmatch(value):
        raise ValueError(
            f"is {value!r}; of JSONPath the service takes .name, *, ['a','b'], [0,2], [-1] and one range [1:4] alone; "
            "what a record has can be chosen with record.columns or record.sql as well"
        )
    return value


def names_left(path: str) -> list[str]:
    """Returns the names of the object that a filter leaves, `['a','b']` at its end; none where it leaves anything else.

    One name alone leaves the value itself, and not an object with that name.
    """
    found = _SEVERAL_NAMES.search(path)
    names = re.findall(r"'([^']*)'", found[1]) if found is not None else []
    return names if len(names) > 1 else []
