"""Classes of which a checked map of a run file is: typed keys, with rules that see the keys before theirs. Pure."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_origin, get_type_hints

from batch_transform.config.typed_values import Check, Checked, Field, FieldInfo, Refused, Wrong, checker, told

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:  # from Python 3.11 on it is in `typing`

    def dataclass_transform(**_said: Any) -> Any:
        """Says something to a checker of types alone."""
        return lambda decorated: decorated


Method = TypeVar("Method")
_OF_FIELDS, _OF_SECTION = "_of_fields", "_of_section"


@dataclass(frozen=True)
class ValidationInfo:
    """What a rule sees: the field that it stands at, and those before it that are right, by their names."""

    field_name: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class _Rule:
    """A method of a section that checks one field; `takes` is how many arguments it has."""

    method: str
    is_before: bool
    takes: int


def field_validator(*names: str, mode: str = "after") -> Callable[[Method], Method]:
    """Returns a decorator of a class method that checks fields: `(value)` or `(value, info)`."""

    def decorate(method: Method) -> Method:
        vars(method)[_OF_FIELDS] = (names, mode == "before")
        return method

    return decorate


def model_validator(*, mode: str) -> Callable[[Method], Method]:
    """Returns a decorator of a class method that a whole section goes through before its keys are looked at."""
    assert mode == "before"

    def decorate(method: Method) -> Method:
        vars(method)[_OF_SECTION] = True
        return method

    return decorate


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class Section(Checked):
    """A map with known keys: others and values of another type are refused, nothing changes later.

    Each class finds its fields where it is defined, so what is wrong with a type is wrong at its import.
    """

    model_fields: ClassVar[dict[str, FieldInfo]] = {}
    model_fields_set: ClassVar[frozenset[str]]
    _checks: ClassVar[dict[str, Check]] = {}
    _rules: ClassVar[dict[str, tuple[_Rule, ...]]] = {}
    _first: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        hints = get_type_hints(cls, include_extras=True)
        names = [name for name, hint in hints.items() if get_origin(hint) is not ClassVar]
        known = {name: cls.model_fields[name] for name in names if name in cls.model_fields}
        written = inspect.get_annotations(cls)
        own = {name: _info(vars(cls).get(name, ...), hints[name]) for name in names if name in written}
        fields = {**known, **own}
        cls.model_fields = {name: fields[name] for name in _in_order(cls, fields)}
        cls._checks = {name: checker(field.annotation) for name, field in cls.model_fields.items()}
        methods = {name: method for each in reversed(cls.__mro__) for name, method in vars(each).items()}
        said = {name: vars(method) for name, method in methods.items() if isinstance(method, classmethod)}
        cls._first = tuple(name for name, of in said.items() if of.get(_OF_SECTION))
        cls._rules = {
            field: tuple(
                _Rule(name, of[_OF_FIELDS][1], getattr(cls, name).__func__.__code__.co_argcount - 1)
                for name, of in said.items()
                if field in of.get(_OF_FIELDS, ((),))[0]
            )
            for field in cls.model_fields
        }

    def __init__(self, **given: Any) -> None:
        self._fill(*self._checked(given))

    def _fill(self, values: Mapping[str, Any], given: frozenset[str]) -> None:
        vars(self).update(values, model_fields_set=given)

    @classmethod
    def model_validate(cls, given: Any) -> Self:
        """Returns a section that is given, or that a map spells; Refused with all that is wrong."""
        if isinstance(given, cls):
            return given
        section = cls.__new__(cls)
        section._fill(*cls._checked(given))  # noqa: SLF001 - its own
        return section

    @classmethod
    def _checked(cls, given: Any) -> tuple[dict[str, Any], frozenset[str]]:
        for name in cls._first:
            given = told(getattr(cls, name), given)
        if not isinstance(given, dict):
            raise Refused([Wrong("map", given)])
        values: dict[str, Any] = {}
        wrongs: list[Wrong] = []
        keys = {field.alias or name: name for name, field in cls.model_fields.items()}
        for key, name in keys.items():
            field = cls.model_fields[name]
            try:
                if key in given:
                    values[name] = cls._value(name, given[key], values)
                elif (value := field.value()) is ...:
                    wrongs.append(Wrong("missing", given, (key,)))
                else:
                    values[name] = cls._value(name, value, values) if field.validate_default else value
            except Refused as err:
                wrongs += [wrong.below(key) for wrong in err.wrongs]
        wrongs += [Wrong("unknown", value, (str(key),)) for key, value in given.items() if key not in keys]
        if wrongs:
            raise Refused(wrongs)
        return values, frozenset(name for key, name in keys.items() if key in given)

    @classmethod
    def _value(cls, name: str, value: Any, before: Mapping[str, Any]) -> Any:
        info = ValidationInfo(name, before)
        rules = cls._rules[name]
        for rule in rules:
            if rule.is_before:
                value = told(getattr(cls, rule.method), value, *(info,)[: rule.takes - 1])
        value = cls._checks[name](value)
        for rule in rules:
            if not rule.is_before:
                value = told(getattr(cls, rule.method), value, *(info,)[: rule.takes - 1])
        return value

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """Returns the section with other values, which are not checked."""
        changed = copy.copy(self)
        changed._fill(update, self.model_fields_set | update.keys())  # noqa: SLF001 - its own
        return changed

    def model_dump(self, *, exclude_defaults: bool = False) -> dict[str, Any]:
        """Returns plain maps, lists and scalars, by the keys of a run file.

        Args:
            exclude_defaults: leaves out what is as if it had not been given.
        """
        return {
            field.alias or name: _plain(getattr(self, name))
            for name, field in self.model_fields.items()
            if not (exclude_defaults and getattr(self, name) == field.value())
        }

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))

    def __repr__(self) -> str:
        told_of = ", ".join(f"{name}={value!r}" for name, value in zip(self.model_fields, self._values(), strict=True))
        return f"{type(self).__name__}({told_of})"

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.model_fields)


def _info(value: Any, annotation: Any) -> FieldInfo:
    field = value if isinstance(value, FieldInfo) else FieldInfo(value)
    return replace(field, annotation=annotation)


def _in_order(cls: type, fields: Mapping[str, FieldInfo]) -> list[str]:
    """The fields' names as they are written, a base's first; one that is written again keeps its place."""
    written = [name for each in reversed(cls.__mro__) for name in inspect.get_annotations(each)]
    return [name for name in dict.fromkeys(written) if name in fields]


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.model_dump()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
