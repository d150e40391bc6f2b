"""What is told of an input that Spark cannot read, where Spark's own words say nothing of what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from batch_transform.core.near_names import meant, nearest
from batch_transform.core.worker_errors import LEFT_OUT

_FORMATS = ("parquet", "orc", "delta", "csv", "json", "text", "avro", "binaryFile", "xml")
_OF_SUFFIXES = {
    "parquet": "parquet",
    "orc": "orc",
    "csv": "csv",
    "tsv": "csv",
    "json": "json",
    "jsonl": "json",
    "ndjson": "json",
    "txt": "text",
    "avro": "avro",
    "xml": "xml",
}
_BUCKET = re.compile("s3[an]?://([^/]*)")
_NO_BUCKET = re.compile(r"UnknownStoreException|NoSuchBucket")
_NO_FORMAT = re.compile(r"DATA_SOURCE_NOT_FOUND.*?data source: ([\w-]+)[. ]")
_OTHER_FORMAT = re.compile(r"Could not read footer|is not a Parquet file|Malformed ORC file")
_SUFFIX = re.compile(r"\.(\w+)(?:\.(?:gz|bz2|zst|zip|snappy|lz4))?(?=[\s.,;:]|$)")
# With which words end that are no reader's of an option: CSV's parser tells all its settings, Spark a person's SQL.
_OTHER_WORDS = re.compile(r"Parser Configuration|== (?:SQL|DataFrame)\b")
_TELLING = 3  # characters of a value that is one of an option's wherever it stands
_BROKEN_ROW = "columnnameofcorruptrecord"  # an option of readers, in lower case
# Options of a few words. A mode that Spark does not know is its default, so what FAILFAST would refuse is null; at the
# word for a calendar it looks with a file that does not tell its own.
_MODES, _CALENDARS = ("PERMISSIVE", "DROPMALFORMED", "FAILFAST"), ("EXCEPTION", "CORRECTED", "LEGACY")
_WORDS = {
    "mode": (("csv", "json", "xml"), _MODES),
    "datetimerebasemode": (("parquet", "avro"), _CALENDARS),
    "int96rebasemode": (("parquet",), _CALENDARS),
}
_CONDITION = re.compile(r"\[[A-Z0-9_.]+\]")
NOT_THERE = "there is no such file or folder; check input.path"


def unread_input(place: str, format: str, words: str) -> str | None:
    """Returns what is told of an input that cannot be read; None where the words of the failure are the best there are.

    Args:
        place: its path, as Spark was given it.
        format: of its files.
        words: of the failure, as they would be told otherwise.
    """
    what = f"input: {place} cannot be read: "
    if "PATH_NOT_FOUND" in words:
        several = "; it is one path: several are a pattern, {first,second}" if "," in place and "{" not in place else ""
        return what + NOT_THERE + several
    if _NO_BUCKET.search(words) and (bucket := _BUCKET.match(place)):
        return (
            f"{what}there is no bucket {bucket[1]}; check input.path, and the endpoint, if another "
            "one than AWS's is asked"
        )
    if "UNABLE_TO_INFER_SCHEMA" in words:
        return (
            f"{what}no file of {format} is there to be read. Readers skip names that begin with _ or ., and folders "
            "within it that are not named column=value (input.options: {recursiveFileLookup: true} reads those). Check "
            "input.path and input.format, and whether what writes the files has written any"
        )
    if (unknown := _NO_FORMAT.search(words)) and nearest(unknown[1], _FORMATS):
        return f"input.format: Spark has no format {unknown[1]}{meant(unknown[1], _FORMATS)}"
    if "DELTA_TABLE_NOT_FOUND" in words or "DELTA_MISSING_DELTA_TABLE" in words:
        return f"{what}no Delta table is there; check input.path, or name another format in input.format"
    other = _named_otherwise(format, words) if _OTHER_FORMAT.search(words) else None
    return f"{words.rstrip('.')}. Did you mean input.format: {other}?" if other else None


def word_faults(format: str, options: Mapping[str, str]) -> list[str]:
    """Returns a fault for each option of a reader that takes a few words, and has none of them."""
    faults = []
    for name, value in options.items():
        formats, words = _WORDS.get(name.lower(), ((), ()))
        is_known = value in words or (words is _MODES and value.upper() in words)
        if format.lower() in formats and not is_known:
            faults.append(f"input.options.{name}: not {value}{meant(value, words)}; valid: {', '.join(words)}")
    return faults


def pattern_fault(name: str) -> str:
    """Returns what is told of an option that is no pattern of dates or times."""
    return (
        f"input.options.{name}: is no pattern of dates or times that Spark knows, as yyyy-MM-dd HH:mm:ss is one; "
        "letters that are no part of it stand between single quotes"
    )


def doubted_options(options: Mapping[str, str], said: Sequence[str], told: str) -> str:
    """Returns a sentence that names the options of a reader which an error is about; '' where none is, or it is told.

    What Spark says of one may not be told, as it looks like what it says of a row. Its name is none, and a row that
    has the same value as an option says no more by that.

    Args:
        options: of the reader.
        said: what the error and its causes say.
        told: what is told of them, without the place.
    """
    told = _CONDITION.sub("", told.replace(LEFT_OUT, ""))
    texts = " ".join(_OTHER_WORDS.split(text, maxsplit=1)[0] for text in said).lower()

    def is_meant(name: str, value: str) -> bool:
        words = [f"[\"`']{re.escape(value)}[\"`']" if value else "empty"]
        if value not in ("true", "false"):  # a flag's name, such as header, is a word of many errors
            words.append(rf"\b{re.escape(name)}\b")
            words += [rf"(?<![\w-]){re.escape(value)}(?![\w-])"] if len(value) >= _TELLING else []
        is_told = re.search(rf"\b{re.escape(name)}\b", told, re.IGNORECASE)
        return not is_told and any(re.search(word, texts) for word in words)

    doubted = [name for name, value in options.items() if is_meant(name.lower(), str(value).lower())]
    if not doubted:
        return ""
    return f". Is input.options: {{{', '.join(f'{name}: ...' for name in doubted)}}} as the reader takes it?"


def broken_rows(options: Mapping[str, str]) -> str:
    """Returns the column in which a reader keeps what it cannot parse."""
    return next((value for name, value in options.items() if name.lower() == _BROKEN_ROW), "_corrupt_record")


def no_documents(format: str, options: Mapping[str, str], columns: Sequence[str]) -> str | None:
    """Returns what is told of files of JSON in which Spark has found no document at all; None of any others.

    Args:
        format: of the files.
        options: of their reader.
        columns: that it has found in them, without those of their folders.
    """
    told = {name.lower(): value for name, value in options.items()}
    if format.lower() != "json" or list(columns) != [broken_rows(options)]:
        return None
    if told.get("multiline", "").lower() == "true":
        return "input: none of its files is a document of JSON or an array of them; check input.path and input.format"
    return (
        "input: no line of its files is a document of JSON; where one takes several lines, or all are one array of "
        "several lines, set input.options: {multiLine: true}"
    )


def _named_otherwise(format: str, words: str) -> str | None:
    """The format that a file of the failure is named after, if that is another one."""
    named = [_OF_SUFFIXES[suffix] for suffix in _SUFFIX.findall(words) if suffix in _OF_SUFFIXES]
    return named[0] if named and format.lower() not in named else None
