"""Counts, times and sizes as people say them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_MOST_LINES = 100


def counted(count: int, thing: str) -> str:
    """Returns so many things."""
    return f"{count:,} {noun(count, thing)}"


def noun(count: int, thing: str) -> str:
    """Returns what so many things are called."""
    return thing if count == 1 else thing + "s"


def verb(count: int, of_one: str, of_many: str) -> str:
    """Returns the verb that goes with so many things."""
    return of_one if count == 1 else of_many


def decimal(value: float) -> str:
    """Returns a number with one place, or as many as it takes to be told from zero."""
    return f"{value:,.1f}" if not value or abs(value) >= 0.05 else f"{value:.1g}"


def duration(seconds: float) -> str:
    """Returns a time as people say it."""
    if 0 < seconds < 0.05:
        return "under 0.1 s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def time_range(least_seconds: float, most_seconds: float) -> str:
    """Returns between which two times something lies, in seconds below a minute and in minutes above."""
    return between(*map(_about, (least_seconds, most_seconds)))


def _about(seconds: float) -> str:
    if 0 < seconds < 0.5:
        return "under 1 s"
    return f"{seconds:,.0f} s" if seconds < 59.5 else f"{seconds / 60:,.0f} min"


def size(count: float) -> str:
    """Returns so many bytes as people say it, in thousands, as the service's MB are taken here."""
    place = 0
    while count >= 1000 and place < len(_UNITS) - 1:
        count, place = count / 1000, place + 1
    if place == 0:
        return counted(round(count), "byte")
    return f"{count:,.0f} {_UNITS[place]}" if count >= 100 else f"{count:,.1f} {_UNITS[place]}"


def between(least: str, most: str) -> str:
    """Returns from where to where something lies, each as people say it; what they say alike is said once."""
    return " to ".join(dict.fromkeys((least, most)))


def cost(amount: float, *, emulated: bool) -> str:
    """Returns what something costs, about; of an emulated run, for which nothing is paid, its time at AWS's prices."""
    return f"about {dollars(amount)}{' at prices of AWS' if emulated else ''}"


def dollars(amount: float) -> str:
    """Returns an amount for a person: cents, or what is left of one that is less than that."""
    if amount >= 0.095 or not amount:
        return f"${amount:,.2f}"
    return f"${float(f'{amount:.2g}'):.6f}".rstrip("0") if amount >= 5e-7 else "$0.000001"


def first_of(lines: Sequence[str]) -> tuple[str, ...]:
    """Returns as many lines as a person reads (a table may have thousands of columns), then how many more there are."""
    more = len(lines) - _MOST_LINES
    return (*lines[:_MOST_LINES], *([f"and {more:,} more"] if more > 0 else ()))
