"""Whose each of Spark's settings is: the user's, the run's own, or of no effect on a value.

The table `session_settings.tsv` has a line for every registered entry of `SQLConf`, internal ones included (`SET -v`
shows the public ones only), of the Spark and the Delta that the tests run, and for those of 3.5 and 4.0 that it has no
more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType

TABLE = "session_settings.tsv"
HEADER = ("key", "class", "reason")


class SettingClass(Enum):
    """Whose a setting is.

    Attributes:
        USER: reading the user's input or evaluating his expressions depends on it, so that his value holds there.
        OURS: a writer or a task of the run depends on it, and nothing of the user's.
        NEITHER: no value, row or column depends on it, or nothing can change it in a session.
    """

    USER = "user"
    OURS = "ours"
    NEITHER = "neither"


@dataclass(frozen=True)
class ClassedSetting:
    """One line of the table.

    Attributes:
        key: the setting's whole name.
        of: whose it is.
        reason: what depends on it, or why nothing does; never empty.
    """

    key: str
    of: SettingClass
    reason: str


def user_settings() -> frozenset[str]:
    """Returns the names of the settings that hold as the user set them, wherever his input or expressions are read.

    Each can be set at run time.
    """
    return frozenset(setting.key for setting in setting_classes().values() if setting.of is SettingClass.USER)


@cache
def setting_classes() -> Mapping[str, ClassedSetting]:
    """Returns the table by key; it is read from the package, which may lie in a zip."""
    text = files("batch_transform.spark").joinpath(TABLE).read_text(encoding="utf-8")
    return MappingProxyType({setting.key: setting for setting in parsed(text.rstrip("\n").split("\n"))})


def parsed(lines: Iterable[str]) -> list[ClassedSetting]:
    """Returns the settings of the lines of a table.

    Raises:
        ValueError: no header, another number of fields, an unknown class, no reason, or out of order.
    """
    rows = [tuple(line.split("\t")) for line in lines]
    if not rows or rows[0] != HEADER:
        raise ValueError(f"{TABLE}: its first line is not {' '.join(HEADER)}")
    settings = [_setting(number, row) for number, row in enumerate(rows[1:], start=2)]
    for number, (one, other) in enumerate(pairwise(settings), start=3):
        if one.key >= other.key:
            raise ValueError(f"{TABLE}, line {number}: {other.key} is twice there or out of order")
    return settings


def _setting(number: int, row: tuple[str, ...]) -> ClassedSetting:
    if len(row) != len(HEADER) or not all(value.strip() for value in row):
        raise ValueError(f"{TABLE}, line {number}: it has not the three values {', '.join(HEADER)}")
    key, of, reason = row
    if of not in {known.value for known in SettingClass}:
        raise ValueError(f"{TABLE}, line {number}: {key} has the unknown class {of}")
    return ClassedSetting(key, SettingClass(of), reason)
