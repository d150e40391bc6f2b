"""Values held against the type that a section's key has. Pure, of the standard library alone.

Platforms pin pydantic 1 or 2 or none at all, and whoever replaces what they have breaks a whole cluster: so run files
are checked without it. Names and meaning are those of pydantic 2 with `strict=True`.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

if TYPE_CHECKING:
    from typing_extensions import Self

Check = Callable[[Any], Any]


@dataclass(frozen=True)
class Wrong:
    """One value that is wrong.

    Attributes:
        kind: how: `missing`, `unknown`, the name of the type that is wanted, a bound's, `finite`, or `said`.
        value: that was given.
        path: to it, from the value that was checked.
        text: a validator's own words, or the bound.
        of_section: whether it is told of the map that has the value's key.
    """

    kind: str
    value: Any
    path: tuple[str, ...] = ()
    text: str = ""
    of_section: bool = False

    def below(self, key: str) -> Wrong:
        """Returns the same, told of what has it at `key`."""
        return Wrong(self.kind, self.value, self.path if self.of_section else (key, *self.path), self.text)


class OfSection(ValueError):
    """What a field's validator says of the keys of its section together: the field's own may be one that nobody gave.

    As a validator of the whole section would, which pydantic asks only where nothing else is wrong.
    """


class Refused(Exception):
    """A value, with all that is wrong with it; no ValueError, which is a validator's."""

    def __init__(self, wrongs: Iterable[Wrong]) -> None:
        self.wrongs = tuple(wrongs)
        super().__init__("; ".join(f"{'.'.join(each.path)}: {each.kind} {each.text}" for each in self.wrongs))


@dataclass(frozen=True)
class BeforeValidator:
    """A function that a value goes through before its type is looked at."""

    function: Callable[[Any], Any]


@dataclass(frozen=True)
class AfterValidator:
    """A function that a value of the right type goes through; ValueError has the end of a sentence."""

    function: Callable[[Any], Any]


@dataclass(frozen=True)
class PlainValidator:
    """A function that is all there is to check; the type is for those who read."""

    function: Callable[[Any], Any]


@dataclass(frozen=True)
class FieldInfo:
    """What is said of a field beside its type: its bounds in `Annotated`, the rest as its value."""

    default: Any = ...
    default_factory: Callable[[], Any] | None = None
    alias: str | None = None
    validate_default: bool = False
    allow_inf_nan: bool = True
    bounds: tuple[tuple[str, float], ...] = ()
    annotation: Any = None

    def value(self) -> Any:
        """Returns what a key has that is not given; `...` where it must be."""
        return self.default_factory() if self.default_factory is not None else self.default


def Field(  # noqa: N802 - it is used as a class would be
    default: Any = ...,
    *,
    default_factory: Callable[[], Any] | None = None,
    alias: str | None = None,
    validate_default: bool = False,
    allow_inf_nan: bool = True,
    **bounds: float,
) -> Any:
    """Returns what is said of a field; `bounds` are ge, gt, le and lt."""
    assert bounds.keys() <= _BOUNDS.keys(), bounds
    return FieldInfo(default, default_factory, alias, validate_default, allow_inf_nan, tuple(bounds.items()))


class Checked(ABC):
    """A class of which a value can be, after a check of its own."""

    @classmethod
    @abstractmethod
    def model_validate(cls, given: Any) -> Self:
        """Returns the value that is given, or that a map spells; Refused has all that is wrong."""


_BOUNDS = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}


def checker(annotation: Any) -> Check:
    """Returns what checks a value against a type, and gives it as it is kept; it raises Refused.

    Raises:
        TypeError: there is no check for such a type.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(*arguments)
    if origin in (Union, UnionType):
        return _one_of_types(arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        return _tuple_of(checker(arguments[0]))
    if origin is dict:
        return _dict_of(*map(checker, arguments))
    if isinstance(annotation, type) and issubclass(annotation, Checked):
        return annotation.model_validate
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    raise TypeError(f"{annotation} cannot be checked")


def told(validator: Callable[..., Any], value: Any, *others: Any) -> Any:
    """Returns what a validator makes of a value; it raises Refused with what that says."""
    try:
        return validator(value, *others)
    except ValueError as err:
        raise Refused([Wrong("said", value, text=str(err), of_section=isinstance(err, OfSection))]) from None


def _annotated(inner: Any, *metadata: Any) -> Check:
    plain = [index for index, each in enumerate(metadata) if isinstance(each, PlainValidator)]
    check = partial(told, metadata[plain[-1]].function) if plain else checker(inner)
    for each in metadata[plain[-1] + 1 if plain else 0 :]:
        check = _around(check, each)
    return check


def _around(check: Check, said: Any) -> Check:
    if isinstance(said, BeforeValidator):
        return lambda value: check(told(said.function, value))
    if isinstance(said, AfterValidator):
        return lambda value: told(said.function, check(value))
    if isinstance(said, FieldInfo):
        return lambda value: _within(check(value), said, value)
    raise TypeError(f"{said} says nothing of a value")


def _within(value: Any, said: FieldInfo, given: Any) -> Any:
    if not said.allow_inf_nan and not math.isfinite(value):
        raise Refused([Wrong("finite", given)])
    for name, bound in said.bounds:
        if not _BOUNDS[name](value, bound):
            raise Refused([Wrong(name, given, text=str(bound))])
    return value


def _one_of_types(types: tuple[Any, ...]) -> Check:
    """The first that fits; None is one of its own."""
    *others, last = [checker(each) for each in types if each is not NoneType]
    is_optional = NoneType in types

    def check(value: Any) -> Any:
        if value is None and is_optional:
            return None
        for other in others:
            with suppress(Refused):
                return other(value)
        return last(value)

    return check


def _tuple_of(item: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, tuple):
            raise Refused([Wrong("list", value)])
        return tuple(_each((str(index), item, each) for index, each in enumerate(value)))

    return check


def _dict_of(key: Check, item: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Refused([Wrong("map", value)])
        keys = _each((str(name), key, name) for name in value)
        return dict(zip(keys, _each((str(name), item, each) for name, each in value.items()), strict=True))

    return check


def _each(parts: Iterable[tuple[str, Check, Any]]) -> list[Any]:
    checked, wrongs = [], []
    for name, check, value in parts:
        try:
            checked.append(check(value))
        except Refused as err:  # noqa: PERF203 - all that is wrong is told at once
            wrongs += [wrong.below(name) for wrong in err.wrongs]
    if wrongs:
        raise Refused(wrongs)
    return checked


def _plain(kind: str, kept: type, *types: type) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise Refused([Wrong(kind, value)])
        try:
            return kept(value)
        except OverflowError:
            raise Refused([Wrong("finite", value)]) from None

    return check


_PLAIN: Mapping[Any, Check] = {
    str: _plain("str", str, str),
    int: _plain("whole", int, int),
    float: _plain("number", float, int, float),
    bool: _plain("truth", bool, bool),
}
