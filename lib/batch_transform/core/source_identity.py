"""Whether the rows that a run is given are those that it was begun over. Pure.

Nobody can look into a DataFrame without evaluating it. What can be told without: how it is computed (its analysed plan,
and within one session Spark's semantic hash, which also sees the code of functions and local rows), and of which files
in which version. What these leave open is told from the rows themselves, as long as the staged ones are there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from enum import Enum

from batch_transform.core.amounts import counted
from batch_transform.core.firm_plans import calls_python, calls_unknown, is_firm
from batch_transform.core.ledger import JsonObject

# Spark draws a seed for each of these anew whenever the same code runs; one that a person gives is hardly so long.
_SEED = r"-?\d{10,}"
_SEEDS = (
    (re.compile(rf"\b(rand|randn|random)\({_SEED}\)"), r"\1(seed)"),
    (re.compile(rf"\bSome\({_SEED}\)"), "Some(seed)"),  # of uuid() and shuffle()
    # After arguments with calls in them.
    (re.compile(rf"(\b(?:randstr|uniform)\(.*?, ){_SEED}, true"), r"\1seed, true"),
    (re.compile(rf"(\bSample [\d.E-]+, [\d.E-]+, (?:true|false), ){_SEED}"), r"\1seed"),
)
_GIVEN_ANEW = (
    (re.compile(r"#\d+L?"), "#"),  # ids of expressions
    (re.compile(r"plan_id=\d+"), "plan_id"),
    (re.compile(r"splits=\w+(\(\d+\))?"), "splits"),  # as many as the machine has cores
)
# Leaves of a plan whose rows it does not show.
_LOCAL = re.compile(r"\b(LogicalRDD|LocalRelation|CachedRemoteRelation|CachedLocalRelation|ExternalRDD)\b")
_FILTER = re.compile(r"\b(Filter|Sample|Limit|GlobalLimit)\b")
_COLUMNAR = re.compile(r"\bRelation\b.*\] (parquet|orc)\b", re.IGNORECASE)
_BARE = re.compile(r"\A\s*[^\n]*\nRelation ?\[[^\n]*\] parquet\s*\Z")  # a line of columns above it
_SCAN = re.compile(r"\bRelation\b")
_HIDES_FILES = re.compile(r"\b(Join|Aggregate|Union|View)\b")  # of a row above it nobody can ask from which file it is
_S3, _CALLED = re.compile(r"^s3a?://"), {"s3://": "s3a://", "s3a://": "s3://"}
_TAKES_SOME = re.compile(r"\b(Sample|GlobalLimit)\b")


@dataclass(frozen=True)
class FileVersion:
    """A file of the input.

    Attributes:
        path: as Spark names it.
        size_bytes: of the file.
        modified_ms: since 1970.
        rows: how many of them are the input's, None where they were not counted.
    """

    path: str
    size_bytes: int | None
    modified_ms: int | None
    rows: int | None = None


@dataclass(frozen=True)
class SourceFiles:
    """The files of an input.

    Attributes:
        count: how many.
        size_bytes: together.
        digest: of their names and versions.
        exact: whether they are those that hold its rows; else there may be others among them, of which a filter takes
            nothing (the other partitions of a table).
        respelled: the digest where the file system is called `s3` that is called `s3a` here, or the other way round;
            not recorded.
    """

    count: int
    size_bytes: int
    digest: str
    exact: bool
    respelled: str = field(default="", compare=False)

    @classmethod
    def of(cls, files: Iterable[FileVersion], *, exact: bool) -> SourceFiles:
        """Returns what is kept of these files."""
        listed = sorted(files, key=lambda file: file.path)
        size = sum(file.size_bytes or 0 for file in listed)
        respelled = (replace(file, path=_S3.sub(lambda found: _CALLED[found[0]], file.path)) for file in listed)
        return cls(len(listed), size, _digest(listed), exact, _digest(sorted(respelled, key=lambda file: file.path)))

    def is_of(self, other: SourceFiles) -> bool:
        """Returns whether files are the same, also where another platform names the store in another way."""
        return other in (self, replace(self, digest=self.respelled))


def _digest(files: Iterable[FileVersion]) -> str:
    lines = "\n".join(f"{f.path}\t{f.size_bytes}\t{f.modified_ms}\t{f.rows}" for f in files)
    return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True)
class Plan:
    """An analysed plan as `explain` prints it.

    Attributes:
        digest: of its text, without what is given anew each time.
        is_random: whether it has seeds that Spark drew.
        is_local: whether it has rows that only the session holds.
        is_filtered: whether it may leave out rows of its files.
        runs_code: whether it may call Python functions.
        tells_files: whether each row may be asked from which file it is, and a count of the rows by file is worth its
            cost: that sees what a filter leaves out, and rows that a table has deleted without a new file.
        hides_files: whether files may lie below a cached table, of which Spark names none.
        takes_others: whether it may take other rows of the same files each time, so that a count of them tells nothing.
        is_firm: as `firm_plans` tells.
        is_bare: whether it is the scan of files by their path and nothing else: no expression, no table's rules.
    """

    digest: str
    is_random: bool
    is_local: bool
    is_filtered: bool
    runs_code: bool
    tells_files: bool = False
    hides_files: bool = False
    takes_others: bool = False
    is_firm: bool = False
    is_bare: bool = False

    @classmethod
    def of(cls, text: str, *, is_cached: bool = False) -> Plan:
        """Returns what is kept of the text: no row value, as a filter may hold one.

        Args:
            text: the plan.
            is_cached: whether a part of it is computed already.
        """
        normal = text
        for pattern, word in _SEEDS:
            normal = pattern.sub(word, normal)
        is_random = normal != text
        for pattern, word in _GIVEN_ANEW:
            normal = pattern.sub(word, normal)
        digest = hashlib.sha256(normal.encode()).hexdigest()
        is_local, is_filtered, runs_code = bool(_LOCAL.search(text)), bool(_FILTER.search(text)), calls_python(text)
        takes_others = is_filtered and (is_random or bool(_TAKES_SOME.search(text)) or calls_unknown(text))
        asks = _SCAN.search(text) and not (is_random or runs_code or takes_others or _HIDES_FILES.search(text))
        tells_files = bool(asks and (is_filtered or _COLUMNAR.search(text)))
        hides_files = bool(is_cached and _SCAN.search(text) and not tells_files)
        told = (tells_files, hides_files, takes_others, is_firm(text), bool(_BARE.search(text)))
        return cls(digest, is_random, is_local, is_filtered, runs_code, *told)


@dataclass(frozen=True)
class SourceIdentity:
    """What can be told of an input without evaluating it.

    Attributes:
        engine: the Spark whose words the plan is in.
        session: the process and the application in which `semantic_hash` means anything; None: not known.
        semantic_hash: Spark's.
        plan: its plan.
        files: None where it names none.
    """

    engine: str
    session: str | None
    semantic_hash: int
    plan: Plan
    files: SourceFiles | None

    def to_document(self) -> JsonObject:
        """Returns a JSON document."""
        document = asdict(self)
        if self.files is not None:
            del document["files"]["respelled"]
        return document

    @classmethod
    def from_document(cls, document: JsonObject) -> SourceIdentity:
        """Returns what `to_document` wrote."""
        files = document["files"]
        return cls(
            document["engine"],
            document["session"],
            document["semantic_hash"],
            Plan(**document["plan"]),
            SourceFiles(**files) if files else None,
        )


class Likeness(Enum):
    """What two identities say of the rows."""

    SAME = "same"
    UNSURE = "unsure"
    OTHER = "other"


def compared(before: SourceIdentity, now: SourceIdentity) -> tuple[Likeness, str]:
    """Returns whether two inputs have the same rows, and what it is told by.

    Args:
        before: the input that was staged.
        now: the one that is given now.
    """
    files = _compared_files(before.files, now.files)
    if files[0] is Likeness.OTHER:
        return files
    if files[0] is Likeness.SAME and (before.plan.hides_files or now.plan.hides_files):
        files = Likeness.UNSURE, "a cached table does not tell its files"
    in_one_session = before.session is not None and before.session == now.session
    alike = in_one_session and before.semantic_hash == now.semantic_hash
    if before.engine != now.engine:
        return Likeness.UNSURE, f"it was staged by Spark {before.engine}, this is {now.engine}"
    if not alike and before.plan.digest != now.plan.digest:
        return Likeness.OTHER, "they are computed in another way (the query plan is another one)"
    if files[0] is Likeness.UNSURE or alike:
        return files
    if now.plan.is_local:
        return Likeness.UNSURE, "they are local rows, which the query plan does not show"
    if in_one_session and (now.plan.runs_code or not now.plan.is_random):
        return Likeness.UNSURE, "Spark's semantic hash is another one, as where the code of a function has changed"
    return Likeness.SAME, ""


def _compared_files(before: SourceFiles | None, now: SourceFiles | None) -> tuple[Likeness, str]:
    if before is None or now is None:
        return (Likeness.SAME, "") if before is now else (Likeness.UNSURE, "its files were told only once")
    if now.is_of(before):
        return Likeness.SAME, ""
    told = f"{_told(before)} when it was staged, {_told(now)} now"
    if not (before.exact and now.exact):
        return Likeness.UNSURE, f"the files below it are others: {told}"
    return Likeness.OTHER, f"the input files are others, or of another version: {told}"


def _told(files: SourceFiles) -> str:
    return f"{counted(files.count, 'file')} of {counted(files.size_bytes, 'byte')}"


def input_place(document: JsonObject) -> str | None:
    """Returns where the rows of a run's configuration lie; None: a DataFrame's, which `score()` was given."""
    given = document.get("input") or {}
    place: str | None = given.get("path") or given.get("table") or given.get("dead_letters")
    return place
