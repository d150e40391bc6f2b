"""Whether names of files below a place are of the table there, or of something else. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from batch_transform.core.object_names import is_data_file

# Hive and Athena give files no ending, others that of the codec; Spark's own begin with `part-`, whatever the ending.
_CODECS = ("br", "brotli", "bz2", "deflate", "gz", "gzip", "lz4", "lz4_raw", "lzo", "snappy", "xz", "zlib", "zst")
_ENDINGS = frozenset((*_CODECS, "zstd", "parq", "pq"))
_ENDING = re.compile(r".\.([A-Za-z]\w*)$")
# Of Hive's writers, where several have their own folder each; EMR's mark of a folder, an object without a byte.
_OF_HIVE = re.compile(r"(\d+|HIVE_UNION_SUBDIR_\d+)/\d{6}_\d+")
# Spark's, of a table in buckets: its readers know the bucket by the end of the name, and take no file without one.
_OF_BUCKETS = re.compile(r"part-\d{5,}-[0-9a-f-]{36}_\d{5,}\.c\d{3}\b")
_EMRS_MARK = "_$folder$"


def first_seen(names: Iterable[str]) -> str | None:
    """Returns what a person sees first of the files of these names: one file, or a folder, which ends in a slash."""
    return next(filter(None, map(_seen, names)), None)


def other_table(names: Iterable[str], formats: Collection[str], log_folders: Collection[str]) -> str | None:
    """Returns the first thing that is of no table of files right there: a folder (with a slash) or a file; None: none.

    Of such a table are files, and folders of partitions (`ds=1`); of no table is what readers do not see.

    Args:
        names: below the place.
        formats: of tables, as the names of their files end.
        log_folders: names of the folders that make another table of the folder that they lie in.
    """
    return next((found for name in names if (found := _other(name, formats, log_folders)) is not None), None)


def file_of_buckets(names: Iterable[str]) -> str | None:
    """Returns the first data file that is one of a table in buckets, as Spark writes them; None: none is."""
    return next((name for name in names if is_data_file(name) and _OF_BUCKETS.match(name.rpartition("/")[2])), None)


def is_table_of_files(names: Iterable[str]) -> bool:
    """Returns whether a folder that a writer has marked as complete is a table: it holds no other folder."""
    seen = {found for name in names if (found := _seen(name)) is not None}
    return bool(seen) and not any(map(_is_other_folder, seen))


def _seen(name: str) -> str | None:
    first, slash, _ = name.partition("/")
    return f"{first}{slash}" if is_data_file(first) and not name.endswith(_EMRS_MARK) else None


def _is_other_folder(seen: str) -> bool:
    return seen.endswith("/") and "=" not in seen


def _other(name: str, formats: Collection[str], log_folders: Collection[str]) -> str | None:
    folders = name.split("/")[:-1]
    at = next((place for place, folder in enumerate(folders) if place and folder in log_folders), None)
    if at is not None and is_data_file("/".join(folders[:at])):
        return "/".join((*folders[:at], ""))
    seen = _seen(name)
    if seen is None or _OF_HIVE.match(name):
        return None
    if seen.endswith("/"):
        return seen if _is_other_folder(seen) else None
    ending = _ENDING.search(seen)
    is_of_files = ending is None or ending[1].lower() in (*_ENDINGS, *formats) or seen.startswith("part-")
    return None if is_of_files else seen
