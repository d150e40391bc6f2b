"""What a person may have meant by a name that is not there: said of keys, commands, columns, models and runs alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

# Below it two names are alike by chance (difflib's own default).
_ALIKE = 0.6
# A table may have thousands of columns, a bucket of runs as many.
_MOST_NAMES = 40


def nearest(name: str, known: Iterable[str], alike: float = _ALIKE) -> str | None:
    """Returns the known name that is most like a name, whatever its case; None where none is like it."""
    spelled = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), spelled, n=1, cutoff=alike)
    return spelled[close[0]] if close else None


def meant(name: str, known: Iterable[str], alike: float = _ALIKE) -> str:
    """Returns ` (did you mean X?)` to stand behind a name that is not there, or nothing."""
    close = nearest(name, known, alike)
    return "" if close is None else f" (did you mean {close}?)"


def listed(names: Iterable[str]) -> str:
    """Returns the names that there are, as many as a person reads."""
    found = list(names)
    return _shown(found[:_MOST_NAMES], len(found))


def missed(names: Iterable[str], known: Iterable[str]) -> str:
    """Returns names that are not there, as many as a person reads, each with what may have been meant.

    No more are looked up either: each is compared with all that there are, which for 3,000 of 3,000 takes minutes.
    """
    found, there = list(names), tuple(known)
    return _shown([f"{name}{meant(name, there)}" for name in found[:_MOST_NAMES]], len(found))


def _shown(words: Sequence[str], count: int) -> str:
    more = count - len(words)
    return ", ".join(words) + (f" and {more:,} more" if more > 0 else "")


def no_such(kind: str, names: Iterable[str], place: str, known: Iterable[str]) -> str:
    """Returns what is told of names of a kind that are not in a place, which has the known ones."""
    there = tuple(known)
    return f"no {kind} {missed(names, there)} in {place}; it has {listed(there) or 'none'}"
