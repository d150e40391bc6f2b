"""Spark's functions and types for record formats, imported when one is first used.

Whoever checks a run file, or goes on with a run without Spark, asks the formats as well and may have no Spark at all.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import functions as functions
    from pyspark.sql import types as types
else:

    class _Late:
        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(importlib.import_module(self._name), attribute)

    functions, types = _Late("pyspark.sql.functions"), _Late("pyspark.sql.types")
