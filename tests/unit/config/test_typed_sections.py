"""Sections that are checked without a library: types, bounds, unions, rules and what they see, copies and documents."""

from __future__ import annotations

import pickle
from typing import Annotated, ClassVar, Literal

import pytest

from batch_transform.config.typed_sections import Section, ValidationInfo, field_validator, model_validator
from batch_transform.config.typed_values import (
    AfterValidator,
    BeforeValidator,
    Field,
    OfSection,
    PlainValidator,
    Refused,
    checker,
)


def refuse_odd(value):
    if value % 2:
        raise ValueError(f"is {value}, which is odd")
    return value


class Inner(Section):
    size: Annotated[int, Field(ge=1, le=3)] = 2
    names: tuple[str, ...] = ()


class Outer(Section):
    kind: ClassVar[str] = "outer"
    even: Annotated[int, AfterValidator(refuse_odd)]
    ddl: str | None = Field(default=None, alias="schema")
    inner: Inner | None = None
    inners: Annotated[tuple[Inner, ...], BeforeValidator(tuple)] = ()
    options: dict[str, float] = Field(default_factory=dict)
    mode: Annotated[Literal["a", "b"], PlainValidator(str.lower)] = "a"
    late: int = Field(default=7, validate_default=True)

    @field_validator("late")
    @classmethod
    def _more_than_even(cls, late: int, info: ValidationInfo) -> int:
        if late <= info.data.get("even", 0):
            raise ValueError(f"is {late}; {info.field_name} must be more than even")
        return late


class Narrow(Outer):
    ddl: str | None = Field(default="x int", alias="schema")
    more: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, section):
        return {"even": section} if isinstance(section, int) else section

    @field_validator("late", mode="before")
    @classmethod
    def _doubled(cls, late):
        return late * 2


def wrongs(kind, **given):
    with pytest.raises(Refused) as caught:
        kind.model_validate(given)
    return [(".".join(each.path), each.kind, each.text) for each in caught.value.wrongs]


def test_a_section_holds_what_is_given_and_defaults():
    section = Outer(even=4, inners=[{"size": 3}], mode="B", options={"a": 1})
    assert (section.even, section.ddl, section.inners, section.mode) == (4, None, (Inner(size=3),), "b")
    assert section.options == {"a": 1.0}
    assert isinstance(section.options["a"], float)
    assert section.model_fields_set == {"even", "inners", "mode", "options"}
    assert Outer(even=2).options is not Outer(even=2).options


def test_all_that_is_wrong_is_told_in_the_order_of_the_keys_and_what_is_unknown_last():
    found = wrongs(Outer, what=1, inner={"size": 4, "names": ["a"]}, inners=[{}, {"size": True}], schema=3, options=[])
    assert found == [
        ("even", "missing", ""),
        ("schema", "str", ""),
        ("inner.size", "le", "3"),
        ("inner.names", "list", ""),
        ("inners.1.size", "whole", ""),
        ("options", "map", ""),
        ("what", "unknown", ""),
    ]


@pytest.mark.parametrize(
    ("annotation", "value", "kind"),
    [
        (str, 1, "str"),
        (str, None, "str"),
        (int, 1.0, "whole"),
        (int, True, "whole"),
        (int | None, "1", "whole"),
        (float, False, "number"),
        (float, 10**400, "finite"),
        (Annotated[float, Field(allow_inf_nan=False)], float("nan"), "finite"),
        (Annotated[float, Field(gt=0)], 0, "gt"),
        (bool, 1, "truth"),
        (tuple[str, ...], ["a"], "list"),
        (dict[str, str], [], "map"),
        (Inner, [], "map"),
        (str | tuple[str, ...], 1, "list"),
    ],
)
def test_a_value_of_another_type_is_refused(annotation, value, kind):
    with pytest.raises(Refused) as caught:
        checker(annotation)(value)
    assert [each.kind for each in caught.value.wrongs] == [kind]


def test_a_type_that_nobody_checks_fails_where_it_is_written():
    with pytest.raises(TypeError, match="list"):
        checker(list[str])
    with pytest.raises(TypeError, match="says nothing"):
        checker(Annotated[str, "a remark"])


def test_a_rule_sees_the_right_keys_before_it_and_its_words_are_kept():
    assert wrongs(Outer, even=8) == [("late", "said", "is 7; late must be more than even")]
    assert wrongs(Outer, even=9) == [("even", "said", "is 9, which is odd")]  # and late is not held against it


def test_a_class_that_adds_to_another_keeps_its_rules_and_the_order_of_its_keys():
    assert list(Narrow.model_fields) == [*Outer.model_fields, "more"]
    assert Narrow(even=2).ddl == "x int"
    assert Narrow.model_validate(12).late == 14
    assert wrongs(Narrow, even=12, late=6) == [("late", "said", "is 12; late must be more than even")]


def test_a_document_gives_the_section_back_by_the_keys_of_a_run_file():
    section = Outer(even=2, schema="a int", inner=Inner(names=("a",)))
    document = section.model_dump()
    assert (document["schema"], document["inner"]) == ("a int", {"size": 2, "names": ["a"]})
    assert "ddl" not in document
    assert section.model_dump(exclude_defaults=True) == {
        "even": 2,
        "schema": "a int",
        "inner": {"size": 2, "names": ["a"]},
    }


def test_a_section_does_not_change_but_for_a_copy_and_equal_ones_are_equal():
    section = Inner()
    with pytest.raises(AttributeError, match="Inner is frozen: size"):
        section.size = 3
    other = section.model_copy(update={"size": 9})
    assert (section.size, other.size, other.model_fields_set) == (2, 9, {"size"})
    assert section == Inner(size=2)
    assert len({section, Inner(size=2), other}) == 2
    assert section != other
    assert pickle.loads(pickle.dumps(section)) == section
    assert repr(other) == "Inner(size=9, names=())"


class Pair(Section):
    left: str | None = None
    right: str | None = Field(default=None, validate_default=True)

    @field_validator("right")
    @classmethod
    def _one(cls, right: str | None, info: ValidationInfo) -> str | None:
        if right is None and info.data.get("left") is None:
            raise OfSection("needs left or right")
        return right


class Holder(Section):
    pair: Pair
    count: int = 0


def test_what_is_wrong_with_keys_together_is_told_of_their_section_beside_what_else_is_wrong():
    with pytest.raises(Refused) as caught:
        Holder.model_validate({"pair": {"up": "x"}, "count": "y"})
    told = [(".".join(wrong.path), wrong.kind, wrong.text) for wrong in caught.value.wrongs]
    assert told == [("pair", "said", "needs left or right"), ("pair.up", "unknown", ""), ("count", "whole", "")]
