"""Where Python looks for modules: for Spark's in the installed package before its zip of the same.

spark-submit names them by the zip first, of which nothing keeps what Python compiles: the driver and each daemon of
workers compiled them anew, half a second each.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence


def package_first(path: Sequence[str], is_file: Callable[[str], bool] = os.path.isfile) -> list[str]:
    """Returns the places of modules, with `pyspark.zip` last where the package that it lies in is found without it.

    Args:
        path: as `sys.path` has it.
        is_file: whether there is a file.
    """
    site = next((place for place in path if is_file(os.path.join(place, "pyspark/__init__.py"))), None)
    late = None if site is None else os.path.join(site, "pyspark/python/lib/pyspark.zip")
    return [*(place for place in path if place != late), *(place for place in path if place == late)]


def current_folder_last(path: Sequence[str]) -> list[str]:
    """Returns the places of modules, with that one last which `python -m` puts first: a `json.py` may lie there."""
    is_put = not getattr(sys.flags, "safe_path", False) and path[0] == os.getcwd()
    return [*path[1:], path[0]] if is_put else list(path)
