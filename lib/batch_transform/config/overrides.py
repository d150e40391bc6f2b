"""Arguments of the command line that add to a run file: `--set`, `--var`, `--emulator`. Pure.

No message repeats what they say: a report is stored, and a value may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import yaml

from batch_transform.config.faults import Fault
from batch_transform.config.layers import Layer, nested
from batch_transform.config.values import Untyped
from batch_transform.config.yaml_text import parse_value, words_of

_KEY = re.compile(r"[^.=\s]+(\.[^.=\s]+)*")
_QUOTES = "'\",.:;!*&`"
SET, VARIABLE, EMULATOR = "--set", "--var", "--emulator"


def read_override(text: str) -> Layer | Fault:
    """Returns the layer of `a.b=value`; the value is a YAML scalar or flow (`[a, b]`, `{k: v}`, `"text"`, `null`).

    It replaces what is at the key. A bare scalar has no type of its own: the key's type decides.
    """
    key, separator, value = text.partition("=")
    key = key.strip()
    if not separator or not _KEY.fullmatch(key):
        return Fault((), "is not KEY=VALUE with a dotted key, such as output.mode=append", SET)
    try:
        parsed = parse_value(value)
    except yaml.YAMLError as error:
        return Fault(tuple(key.split(".")), f"is no YAML value: {_problem(error, value)}", SET)
    path = tuple(key.split("."))
    bare = not isinstance(parsed, (dict, list)) and parsed is not None and value.strip()[:1] not in ('"', "'")
    return Layer(SET, nested(path, Untyped(value.strip()) if bare else parsed), replaces=path)


def _problem(error: yaml.YAMLError, value: str) -> str:
    """What YAML says, without the words that it quotes."""
    said = words_of(error).split()
    return " ".join("..." if re.search(r"\w{2}", word) and word.strip(_QUOTES) in value else word for word in said)


def read_model(text: str) -> Layer | Fault:
    """Returns the layer of `NAME=COMMAND_OR_URL`, the same as the key `emulator.models.NAME`."""
    name, separator, server = text.partition("=")
    if not separator or not name.strip() or not server.strip():
        return Fault((), "is not NAME=COMMAND_OR_URL", EMULATOR)
    path = ("emulator", "models", name.strip())
    return Layer(EMULATOR, nested(path, server.strip()), replaces=path)


def read_variables(texts: Iterable[str]) -> tuple[dict[str, str], list[Fault]]:
    """Returns the variables of `name=value` arguments, and a fault for each that is not one; the last value holds."""
    variables: dict[str, str] = {}
    faults: list[Fault] = []
    for text in texts:
        name, separator, value = text.partition("=")
        if separator and name:
            variables[name] = value
        else:
            faults.append(Fault((), "is not NAME=VALUE", VARIABLE))
    return variables, faults
