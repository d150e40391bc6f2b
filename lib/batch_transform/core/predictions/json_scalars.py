"""Values of single JSON scalars for the Arrow types that JSON has no form of its own for.

Each function takes the text of a JSON number or string and returns a Python value that `pyarrow.array` takes for the
type, or raises `Unfit` with a reason that does not quote the text.
"""

from __future__ import annotations

import base64
import re
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    r"(?P<second>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.(?P<fraction>[0-9]+))?(?P<zone>Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
)
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


class Unfit(Exception):
    """A line, or a value in it, is not what the schema asks for; the message is the reason and holds no row data."""


def integer(text: str, bits: int) -> int:
    """Returns the number, written without fraction or exponent (`1.0` is none), of a signed integer of `bits` bits."""
    digits = text.removeprefix("-")
    if not digits.isdigit():
        raise Unfit("found a number that is not written as a whole one")
    # int() of very long digits is slow, and refused by Python from 4,300 digits on. 64 bits have 19.
    if len(digits) > 19 or not -(1 << bits - 1) <= int(text) < 1 << bits - 1:
        raise Unfit("found a number out of its range")
    return int(text)


def decimal(text: str, precision: int, scale: int) -> Decimal:
    """Returns the number, exactly; one that would have to be rounded, or has too many digits, is unfit."""
    # Traps: quantize raises rather than round, and is done at once with 1e999999999.
    context = Context(prec=precision, traps=[Inexact, InvalidOperation])
    try:
        value = Decimal(text)
        if value.is_finite():
            return context.quantize(value, Decimal((0, (1,), -scale)))
    except Inexact:
        raise Unfit("found a number with more decimal places") from None
    except InvalidOperation:
        pass
    raise Unfit("found a number out of its range")


def day(text: str) -> date:
    """Returns the date of `YYYY-MM-DD`, in the proleptic Gregorian calendar, years 0001 to 9999."""
    if not _DATE.fullmatch(text):
        raise Unfit("found a string that is not YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unfit("found a day that does not exist") from None


def microseconds(text: str, zoned: bool) -> int:
    """Returns the microseconds since 1970-01-01T00:00:00 of `YYYY-MM-DDTHH:MM:SS[.fraction][zone]`.

    The `T` may be a space and the zone is `Z` or `+HH:MM`. With `zoned`, a time without one is in UTC, whatever the
    session's time zone is; otherwise a zone is refused, since a time of day on a wall has none. Digits after the sixth
    of the fraction must be zeros.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise Unfit("found a string that is not YYYY-MM-DDTHH:MM:SS")
    fraction, zone = match["fraction"] or "", match["zone"] or ""
    if zone and not zoned:
        raise Unfit("found a time with a zone")
    if fraction[6:].strip("0"):
        raise Unfit("found a time finer than a microsecond")
    try:
        moment = datetime.fromisoformat(match["second"]) - _offset(zone)
    except (ValueError, OverflowError):  # overflow: before the year 1 or after 9999 in UTC
        raise Unfit("found a time that does not exist") from None
    return (moment - _EPOCH) // _MICROSECOND + int(fraction[:6].ljust(6, "0"))


def _offset(zone: str) -> timedelta:
    if zone in ("", "Z"):
        return timedelta()
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return -offset if zone[0] == "-" else offset


def octets(text: str) -> bytes:
    """Returns the bytes of padded standard base64 (RFC 4648, section 4)."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Unfit("found a string that is not base64") from None


def characters(text: str) -> str:
    """Returns the text; one with half of a surrogate pair (`"\\ud800"` is valid JSON) is unfit: UTF-8 has no such."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unfit("found a string with half of a surrogate pair") from None
    return text
