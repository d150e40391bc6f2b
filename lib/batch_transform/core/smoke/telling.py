"""An answer of the service's to a question, with what it is read from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """What the service did.

    Attributes:
        value: as the emulator's switch is set to it; None: it is not told, or it is none of the readings.
        evidence: what it is read from, in words.
        why: it is not told; '' where it is, or where the service did something else.
    """

    value: str | None
    evidence: tuple[str, ...] = ()
    why: str = ""


def yes(is_so: bool, *evidence: str) -> Told:
    """Returns the answer to a question of yes or no."""
    return Told("true" if is_so else "false", evidence)


def other(*evidence: str) -> Told:
    """Returns that the service did neither."""
    return Told(None, evidence)
