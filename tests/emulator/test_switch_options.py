"""Switches on the command line, and their table."""

import re
import subprocess
import sys
from dataclasses import fields
from enum import Enum
from pathlib import Path

import pytest

from transform_emulator.service import switch_options
from transform_emulator.service.switch_options import SwitchError
from transform_emulator.service.switches import Sharding, Switches


def other(value: object) -> object:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, Enum):
        return next(each for each in type(value) if each is not value)
    return value + 1 if isinstance(value, int) else f"{value}!"


@pytest.mark.parametrize("field", fields(Switches), ids=lambda field: field.name)
def test_every_switch_can_be_set(field) -> None:
    """`--switch name=value` for all of them, and nothing else changes."""
    value = other(field.default)
    text = value.value if isinstance(value, Enum) else str(value)
    assert switch_options.parse([f"{field.name}={text}"]) == Switches(**{field.name: value})


@pytest.mark.parametrize(
    "text", ["nothing=1", "sharding", "sharding=random", "empty_object_fails=1", "success_statuses_to=x"]
)
def test_a_wrong_setting_says_what_there_is(text: str) -> None:
    """The message holds the names, or the values that the switch can have."""
    with pytest.raises(SwitchError, match=r"sharding|hash_of_key|false|a whole number"):
        switch_options.parse([text])


def test_the_table_has_every_switch_with_its_default_and_why() -> None:
    """A switch without words is a silent guess; each says its default's reason, or that none was found."""
    rows = dict(zip([f.name for f in fields(Switches)], switch_options.table().split("\n")[2:], strict=True))
    for field in fields(Switches):
        value = field.default.value if isinstance(field.default, Enum) else field.default
        shown = str(value).lower() if isinstance(value, bool) else value
        assert rows[field.name].startswith(f"| `{field.name}` | `{shown}` | ")
        assert any(word in rows[field.name].lower() for word in ("default", "never found"))


@pytest.mark.parametrize("field", fields(Switches), ids=lambda field: field.name)
def test_each_switch_has_a_test_of_its_other_side(field) -> None:
    """A switch that no test turns could say anything."""
    here = Path(__file__)
    texts = [path.read_text() for path in here.parent.rglob("test_*.py") if path != here]
    assert any(re.search(rf"\b{field.name}(=|\": )", text) for text in texts)


def test_the_command_line_prints_the_table() -> None:
    """`transform-emulator --list-switches` needs no model and starts nothing."""
    command = [sys.executable, "-c", "from transform_emulator.cli import main; main(['--list-switches'])"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": sys.path[0]} | {})
    assert printed.stdout.strip() == switch_options.table()


def test_a_default_is_what_the_class_says() -> None:
    """Nothing set, nothing changed."""
    assert switch_options.parse([]) == Switches()
    assert Switches().sharding is Sharding.HASH_OF_KEY
