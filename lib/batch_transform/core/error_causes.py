"""What is told of an error of Spark's, and whether trying again may help: from its chain of causes, never with a row.

An error that a row has raised quotes it: `The value '...' of the type "STRING" cannot be cast`. So the words of an
error are shown where they are known to speak of names, places and machines only; of every other one its condition or
class, the expression, and where it was raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from batch_transform.core.broken_rules import broken_rule
from batch_transform.core.condition_hints import HINTS
from batch_transform.core.ended_applications import ENDED, has_ended
from batch_transform.core.escaping import visible
from batch_transform.core.stack_traces import Link, expanded
from batch_transform.core.worker_errors import CONDITION, LEFT_OUT, PASSING, simple, words_of


class Outlook(Enum):
    """Whether the same call may succeed later."""

    FINAL = "final"
    PASSING = "passing"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cause:
    """What is told of an error: `words` are safe to show."""

    outlook: Outlook
    words: str


_MOST_EXPRESSION, _MOST_WORDS = 200, 600
_STATE = re.compile(r"\s*SQLSTATE: ([0-9A-Z]{5})\b")
# What Spark adds at the end of a message: the part of the user's SQL, or the line of their program.
_CONTEXT = re.compile(r"\n== (?:SQL[^\n]*\(line \d+, position \d+\)|DataFrame) ==\n")
_FRAGMENT = re.compile(r"(.*?)\n\^+\s*|(\S+ was called from\n[^\n]+)\s*", re.DOTALL)
# Their messages may end with what a row says, and so with what looks like a part of SQL.
_OPEN_ENDED = ("DELTA_", "USER_RAISED_EXCEPTION")

# Analysis has seen no row; what it says is of names, types and the user's own SQL. With these exceptions.
_ANALYSIS = re.compile(
    r"^(?:(?:org\.apache\.spark|io\.delta|com\.databricks)\.[\w.]*)?(?:\w*AnalysisException|ParseException"
    r"|NoSuch(?:Table|Database|Namespace|Function|Partition)\w*Exception|SparkClassNotFoundException|PySpark\w+)$"
)
# COLUMN_ALREADY_EXISTS: in a file whose first line is taken for its header, a row's values are names.
_ROWS_IN_ANALYSIS = (
    "COLUMN_ALREADY_EXISTS",
    "INVALID_FORMAT",
    "DELTA_REPLACE_WHERE_MISMATCH",
    "INVALID_PARTITION_VALUE",
)
# Data exceptions, broken constraints, what a user's expression raises.
_STATES_OF_ROWS = ("21", "22", "23", "44", "P0", "38")
# Their words are Spark's own and a path, a setting or a column.
_OF_PLACES = (
    "CANNOT_READ_FILE_FOOTER",
    "CONFIG_NOT_AVAILABLE",
    "DELTA_MISSING_NOT_NULL_COLUMN_VALUE",
    "FAILED_READ_FILE",
    "FAILED_RENAME",
    "PATH_NOT_FOUND",
    "TASK_WRITE_FAILED",
    "UNABLE_TO_INFER_SCHEMA",
    "UNSUPPORTED_FEATURE",
)
_FINAL_STATES = (*_STATES_OF_ROWS, "07", "0A", "42", "46", "54", "56", "KD")
_FINAL_CONDITIONS = (
    *(name for name in _OF_PLACES if name not in ("TASK_WRITE_FAILED", "FAILED_RENAME")),
    *_ROWS_IN_ANALYSIS,
    "CANNOT_PARSE",
    "CAST_",
    "DELTA_",
    "DIVIDE_BY_ZERO",
    "DUPLICATED_MAP_KEY",
    "FAILED_EXECUTE_UDF",
    "INVALID_",
    "MALFORMED_",
    "NOT_NULL_ASSERT_VIOLATION",
    "NUMERIC_",
    "USER_RAISED_EXCEPTION",
)
# Classes whose words are about machines, files and connections; not those of what a library has within it, as a parser
# of XML or JSON that quotes what it reads, nor those that quote a name of a charset, an URL or a path that they refuse.
_OF_MACHINES = re.compile(
    r"^(?!(?:\w+\.)+(?:shaded|thirdparty|third_party|repackaged|relocated)\.)"
    r"(?:(?:java\.(?:io(?!\.Unsupported)|net(?!\.(?:URISyntax|MalformedURL))|nio(?!\.charset|\.file\.InvalidPath)"
    r"|util\.zip)|javax\.net|sun\.security|org\.apache\.(?:hadoop(?!\.hive)|http|parquet|orc)"
    r"|shaded\.parquet\.org\.apache\.thrift|com\.amazonaws|software\.amazon|com\.google\.cloud|com\.azure)\."
    r"|(?:.*\.)?(?:ClassNotFoundException|NoClassDefFoundError|NoSuchMethodError|OutOfMemoryError)$"
    r"|.*\.FetchFailedException$)"
)
_OF_SPARK = re.compile(
    r"Job aborted|Job \d+ cancelled|Task failed while writing|Exception thrown in awaitResult|ExecutorLostFailure"
    r"|FetchFailed|TaskKilled|Could not execute broadcast|Cannot broadcast|Not enough memory|Total size of serialized"
    r"|Python worker (?:exited|failed)|Encountered error while reading file|Could not read footer|Failed to merge"
    r"|Unable to acquire|ShuffleMapStage|ResultStage|SparkContext|Cannot call methods on a stopped"
    r"|\w+ flag can be true or false"
)
_SPARKS_OWN = re.compile(
    r"(?:IllegalStateException|Py4JJavaError|SparkConnectGrpcException|SparkException|UnknownException)?"
)
_NO_PARQUET = re.compile(r"[a-z][a-z0-9+.-]*:/[^\n]* is not a Parquet file")
# And what Thrift has read of a file's metadata, with the least and the greatest value of a column, and the last bytes
# of a file that is none of Parquet's, which are those of its last row.
_QUOTED_ERROR = re.compile(
    r"(?:[a-z_$][\w$]*\.)+[A-Z]\w*(?:Exception|Error): (?!Class )|(?<=!) Struct: ?|,? but found \["
)
# How many they are may be a row's to say.
_TOO_MANY = re.compile(r"(?:Cannot|Unsuccessful try to) create array with -?\d+ ")
_TOO_LARGE = "an array would have more elements than Spark can hold"
_FINAL_CLASSES = re.compile(
    r"(?:NumberFormat|DateTime\w*|DateTimeParse|Arithmetic|ArrayIndexOutOfBounds|ClassCast|ClassNotFound"
    r"|UnsupportedFileSystem|UnsupportedOperation|FileNotFound|NoSuchFile|EOF|Zip|ParquetDecoding|TProtocol"
    r"|AccessControl|AccessDenied|CharConversion|MalformedInput|InvalidPath|InvalidInput"
    r"|Pars(?:e|ing)|Wstx(?!IO)\w*|InvalidProtocolBuffer|ParentNotDirectory|SparkUpgrade|NoSuchElement|IllegalArgument"
    r"|Invariant\w*)Exception$|NoClassDefFoundError$|NoSuchMethodError$"
    # Of Java's own that a function raises over a value: neither what only wraps, nor what another thread has done.
    r"|^(?:java\.(?:lang|math|security|text|time|util(?!\.concurrent))|javax\.(?:crypto|xml)|org\.xml)\.(?:\w+\.)*"
    r"(?!Runtime|IllegalState|InvocationTarget|Interrupted|ConcurrentModification|Exception)\w+Exception$"
)
_PASSING_CLASSES = re.compile(
    r"^java\.net\.(?!URISyntax)|(?:Timeout|TimedOut|ConnectionClosed|Interrupted|NoHttpResponse|FetchFailed|Throttl\w*"
    r"|SlowDown|ConnectTimeout|SocketTimeout|SSL|SdkClient|AWSServiceIO|AWSService)\w*Exception$|OutOfMemoryError$"
    rf"|{PASSING}"
)
_PASSING_WORDS = re.compile(
    r"[Nn]o space left|Disk quota|Too many open files|Cannot allocate memory|Input/output error|ExecutorLostFailure"
    r"|FetchFailed|TaskKilled|Python worker (?:exited|failed)|Connection (?:reset|refused)|cancelled"
    r"|Service: .*Status Code: 5|Could not execute broadcast|Not enough memory|Unable to acquire"
)
_FINAL_WORDS = re.compile(r"Mkdirs failed|Permission denied|Read-only file system|Not a directory|Is a directory")


def cause_of(chain: Iterable[Link]) -> Cause:
    """Returns what is told of an error.

    Args:
        chain: the error and its causes, in this order.
    """
    links = [part for link in chain for part in expanded(link)]
    if has_ended(links):
        return Cause(Outlook.PASSING, ENDED)
    told = list(dict.fromkeys(filter(None, map(_words, links))))
    # Who wraps an error repeats it: `RuntimeException: java.lang.ClassNotFoundException: ...`.
    kept = [words for place, words in enumerate(told) if not _is_repeated(words, told[place + 1 :])]
    words = visible(": ".join(kept))[:_MOST_WORDS].replace("\n", " ").replace("\t", " ")
    return Cause(_outlook(links), words or "an error without a name")


def _is_repeated(words: str, later: Sequence[str]) -> bool:
    is_mute = words.endswith(LEFT_OUT) and " " not in words.removesuffix(LEFT_OUT)
    return any(words in other or (is_mute and not other.endswith(LEFT_OUT)) for other in later)


def _outlook(links: Sequence[Link]) -> Outlook:
    """What may pass wins: an executor that dies breaks streams, and a broken stream looks like a broken file."""
    found = {_outlook_of(link) for link in links}
    return next((outlook for outlook in (Outlook.PASSING, Outlook.FINAL) if outlook in found), Outlook.UNKNOWN)


def _outlook_of(link: Link) -> Outlook:
    if _is_too_large(link):
        return Outlook.FINAL
    if _PASSING_CLASSES.search(link.name) or (_shows_words(link) and _PASSING_WORDS.search(link.text)):
        return Outlook.PASSING
    condition, state = _named(link)
    if link.place or (condition is not None and condition.startswith(_FINAL_CONDITIONS)):
        return Outlook.FINAL
    if state is not None and condition != "TASK_WRITE_FAILED" and condition != "PYTHON_EXCEPTION":
        return Outlook.FINAL if state.startswith(_FINAL_STATES) else Outlook.UNKNOWN
    is_final = _FINAL_CLASSES.search(link.name) or _ANALYSIS.search(link.name) or _NO_PARQUET.match(link.text)
    return Outlook.FINAL if is_final or _FINAL_WORDS.search(link.text) else Outlook.UNKNOWN


def _is_too_large(link: Link) -> bool:
    """Whether more was asked for than a JVM with any memory has room for."""
    is_of_java = link.name.endswith("OutOfMemoryError") and link.text.endswith("exceeds VM limit")
    return is_of_java or (not link.place and _TOO_MANY.match(link.text) is not None)


def _named(link: Link) -> tuple[str | None, str | None]:
    """The condition and the SQLSTATE of an error; Spark 4 writes both into its text."""
    condition, states = CONDITION.match(link.text), _STATE.findall(link.text)
    return link.condition or (condition[1] if condition else None), link.state or (states[-1] if states else None)


def _shows_words(link: Link) -> bool:
    """Whether the words of an error, of whatever condition, are of names and machines and of no row."""
    condition, state = _named(link)
    if link.place:
        return False
    if condition is not None:
        if condition.startswith(_OF_PLACES):
            return True
        of_rows = condition.startswith(_ROWS_IN_ANALYSIS) or (state or "").startswith(_STATES_OF_ROWS)
        return bool(_ANALYSIS.search(link.name)) and not of_rows
    is_of_spark = _SPARKS_OWN.fullmatch(simple(link.name)) and _OF_SPARK.match(link.text)
    is_of_names = _ANALYSIS.search(link.name) or _OF_MACHINES.search(link.name) or _NO_PARQUET.match(link.text)
    return bool(is_of_spark or is_of_names)


def _words(link: Link) -> str:
    if link.place:
        return words_of(link)
    condition, _ = _named(link)
    if condition == "PYTHON_EXCEPTION" or "Traceback (most recent call last):" in link.text:
        return "in a Python worker"
    if _shows_words(link):
        return _shown(link, condition)
    if rule := broken_rule(link):
        return f"[{condition or simple(link.name)}] a row breaks what the table demands: {rule[:_MOST_EXPRESSION]}"
    if condition is None:
        if _TOO_MANY.match(link.text):
            return f"{simple(link.name)}: {_TOO_LARGE}"
        return simple(link.name) + LEFT_OUT if link.name else ""
    return " ".join(_parts(condition, link.text))


def _shown(link: Link, condition: str | None) -> str:
    """The first line of an error without its SQLSTATE and without an error that it quotes: that may be a row's."""
    text = _CONTEXT.split(link.text.strip())[0].partition("\n")[0]
    text = _QUOTED_ERROR.split(_STATE.sub("", text))[0].strip()
    if condition is not None or _ANALYSIS.search(link.name) or _OF_SPARK.match(text):
        return text if text.startswith("[") or condition is None else f"[{condition}] {text}"
    return f"{simple(link.name)}: {text}" if text else simple(link.name)


def _parts(condition: str, text: str) -> Iterator[str]:
    yield f"[{condition}]"
    hint = HINTS.get(condition.partition(".")[0])
    if hint:
        yield hint
    _, *contexts = _CONTEXT.split(text)
    found = _FRAGMENT.fullmatch(contexts[-1]) if contexts and not condition.startswith(_OPEN_ENDED) else None
    if found is not None:
        yield f"in {' '.join((found[1] or found[2]).split())[:_MOST_EXPRESSION]}"
