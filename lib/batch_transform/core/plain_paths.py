"""Which paths Spark's readers take for patterns, and how one is read that is none. Pure.

Readers alone have patterns; writers take each path as it is. A path of the pipeline's own is never meant as one,
whatever characters the working directory or the workspace has; `input.path` may be one.
"""

from __future__ import annotations

import re

# SparkHadoopUtil.isGlobPath. For Hadoop a backslash says that the next character is meant as it is. Spark's option for
# the same (`__globPaths__`) does not look whether the path is there, and reads one that is gone as no rows.
_MARKS = re.compile(r"[\[\]{}*?\\]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:(//[^/]*)?")
# Hadoop writes file:/path and file:///path, and decodes no %; file://host/path names another machine.
_OF_FILES = re.compile(r"^(?i:file):(?://)?(?=/(?!/))")
_OF_TABLES = ("delta", "hudi", "iceberg")  # whose path is one table's, and no pattern
_HOW_TO_ESCAPE = (
    r"it was read as a pattern, since it has some of [ ] { } * ? \ in it; a backslash before one makes it a plain "
    "character"
)


def missed(failure: str) -> str:
    """Returns what is said of a pattern that stands for nothing, with what to do about one that is none."""
    return f"{failure.rstrip('.')}; {_HOW_TO_ESCAPE}"


def escaped(path: str, format: str = "") -> str:
    """Returns what a reader of a format is given to read this path and no other."""
    return _MARKS.sub(r"\\\g<0>", path) if has_patterns(format) else path


def plain_path(pattern: str) -> str | None:
    """Returns the path that a pattern stands for alone; None for one that may stand for several."""
    return None if _MARKS.search(_ESCAPED.sub("", pattern)) else _ESCAPED.sub(r"\1", pattern)


def without_file_scheme(location: str) -> str:
    """Returns the path of a file of this machine; any other location as it is."""
    return _OF_FILES.sub("", location)


def has_patterns(format: str) -> bool:
    """Returns whether a format's reader takes a path for a pattern of files; else it names one table."""
    return format.lower() not in _OF_TABLES


def colon_fault(key: str, path: str) -> str | None:
    """Returns what is wrong with a path of the pipeline's own that Hadoop can write and not read; None: nothing.

    Of a pattern it reads each part as a location of its own, and a colon as the end of a scheme.
    """
    if _MARKS.search(path) and ":" in _SCHEME.sub("", path, count=1):
        return (
            f"{key}: {path} has a colon and some of [ ] {{ }} * ? \\, which Hadoop does not read together; choose "
            "another place"
        )
    return None
