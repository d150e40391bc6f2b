"""Score a table with Amazon SageMaker Batch Transform, driven from Spark.

`score` and the error classes are loaded when they are asked for: Spark's Python workers import this package and have
pyarrow, pandas and boto3 only.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 10):  # noqa: UP036 - pip looks at it, but an archive of modules is not installed
    raise ImportError(f"batch_transform needs Python 3.10 or newer, and this is {sys.version.split()[0]}")

from batch_transform.core import __version__

if TYPE_CHECKING:
    from batch_transform.pipeline.commands.notebook import score
    from batch_transform.pipeline.commands.score_result import ScoreResult

__all__ = ["ScoreResult", "__version__", "score"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from batch_transform.pipeline.commands import notebook

    return getattr(notebook, name)
