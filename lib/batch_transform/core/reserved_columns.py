"""The names of the columns that the pipeline has beside a user's: all of them, and none that a user's column can have.

Where a user's columns or fields stand beside ours, ours are named by `free`, whatever those are called, and found by
their place: the first of a staged file are STAGED, the last of a table of outcomes is the outcome. Elsewhere a table is
all ours. What a person sees in a published table (`provenance`, the dead letters' error) is named in a run file and
checked there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

ROW_NUMBER, RECORD_BYTES, RECORD_FAULT = "__row_number", "__record_bytes", "__record_fault"
# The first columns of a staged file, in this order; the input's follow.
STAGED = (ROW_NUMBER, RECORD_BYTES, RECORD_FAULT)
# A record on its way: the value that is rendered, and what it was rendered to.
RECORD_VALUE, RECORD = "__record_value", "__record"
# Beside staged rows: what became of each, and why it is dead.
OUTCOME, ERRORS = "__outcome", "__error"
# Beside a prediction's fields, for prediction.sql: a row's other columns, and what the expressions give.
OTHERS, COMPUTED = "__others", "__computed"
# Beside the columns of a result while it is written: whether a row is in the sample, and its numbers.
SAMPLED, NUMBERS = "__sampled", "__numbers"
# A person sees it: where each prediction comes from, with `prediction.provenance`.
PROVENANCE = "provenance"
# In a struct that is all ours, where a prediction's fields are named by their places.
SCORED = "scored"
ORIGIN = ("job", "object", "scored_at")
# Spark's own column of a scanned file, which no `*` names.
FILE_METADATA = "_metadata"


def free(words: Sequence[str], taken: Iterable[str]) -> tuple[str, ...]:
    """Returns a name for each word that is none of `taken`, in any case: the word, after underscores where needed.

    Args:
        words: what the names shall be.
        taken: a user's names.
    """
    known = {spelling for name in taken for spelling in _spellings(name)}
    found = []
    for wanted in words:
        word = wanted
        while not known.isdisjoint(_spellings(word)):
            word = f"_{word}"
        known |= _spellings(word)
        found.append(word)
    return tuple(found)


def _spellings(name: str) -> set[str]:
    """A name as everything that compares without case may see it: Spark by lower case, its resolver by both cases."""
    return {name.lower(), name.upper().lower(), name.casefold()}


def file_metadata(columns: Iterable[str], *, case_sensitive: bool) -> str:
    """Returns the name of FILE_METADATA in a scan of these columns.

    Where a column is called so, Spark puts an underscore before its own, as often as it takes
    (ExposesMetadataColumns.metadataOutputWithOutConflicts).
    """
    taken = {comparable(name, case_sensitive=case_sensitive) for name in columns}
    name = FILE_METADATA
    while name in taken:
        name = f"_{name}"
    return name


def alike(names: Sequence[str]) -> bool:
    """Returns whether two of the names may be one to something that compares without case."""
    known: set[str] = set()
    for name in names:
        if not known.isdisjoint(_spellings(name)):
            return True
        known |= _spellings(name)
    return False


def place_name(place: int) -> str:
    """Returns the name of a column that is known by its place."""
    return f"c{place}"


def twins(names: Iterable[str], *, case_sensitive: bool) -> list[str]:
    """Returns the names that are there more than once, as Spark compares them when it reads and writes a table."""
    counted = Counter(comparable(name, case_sensitive=case_sensitive) for name in names)
    return [name for name, count in counted.items() if count > 1]


def comparable(name: str, *, case_sensitive: bool) -> str:
    """Returns what is equal for two names that are one to Spark."""
    return name if case_sensitive else name.lower()


def names_not_in(wanted: Iterable[str], known: Iterable[str], *, case_sensitive: bool) -> list[str]:
    """Returns the wanted names that are none of the known ones to Spark, as they are spelled."""
    there = {comparable(name, case_sensitive=case_sensitive) for name in known}
    return [name for name in wanted if comparable(name, case_sensitive=case_sensitive) not in there]


def prediction_taken(name: str) -> str:
    """Returns what is wrong with a column of a prediction that the input has."""
    return f"prediction: the column {name} is in the input already; choose another name or set prediction.column"


def errors_taken(name: str) -> str:
    """Returns what is wrong with a column of dead letters' errors that the input has."""
    return (
        f"input: a column named {name} is in the input, but dead letters add one of that name; "
        "set dead_letter.column to another name"
    )


def each_of(names: Iterable[str]) -> list[str]:
    """Returns columns as `select` takes them; a `Column` of each takes several calls to the JVM."""
    return [quoted(name) for name in names]


def quoted(name: str) -> str:
    """Returns a name as one identifier of Spark's SQL, which is taken literally, dots and all."""
    return "`" + name.replace("`", "``") + "`"
