"""From layers to a checked configuration; every fault that can be found is found in one go. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from batch_transform.config.faults import FILLED_IN, Fault, Path, faults_of, unknown_key
from batch_transform.config.key_meanings import MEANINGS
from batch_transform.config.layers import Layer, leaves, merge_layers, origin, prune
from batch_transform.config.overrides import EMULATOR, SET
from batch_transform.config.places import secret_in_url
from batch_transform.config.secret_keys import read_later, secret_faults, secrets_given, variables_of_secrets
from batch_transform.config.typed_sections import Section
from batch_transform.config.typed_values import Refused
from batch_transform.config.variables import Substituted, substitute
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.escaping import has_half_character, hidden
from batch_transform.core.ledger import JsonObject
from batch_transform.core.secret_values import is_secret_name, texts_of

# A word of the command line that is as long is no word of a message, but for those of the reference of keys.
_LONG = 8
_OURS = frozenset(re.findall(r"\w+", " ".join(text for key in MEANINGS.items() for text in key)))
# What many values begin with, and so many characters behind it by which a secret is told apart from other values.
_COMMON = re.compile(r"[A-Za-z][\w+.-]*://|arn:[\w-]*:[\w-]*:[\w-]*:\d*:")
_TELLING = 12

Config = TypeVar("Config", bound=Section)


def check(
    kind: type[Config],
    layers: Sequence[Layer],
    variables: Mapping[str, str] | None,
    faults: Iterable[Fault] = (),
    spoken: Mapping[str, str] | None = None,
    *,
    needed: Callable[[Path], bool] = lambda _key: True,
    whole: Sequence[Layer] = (),
) -> Config:
    """Returns the configuration that the layers make, the last on top.

    Args:
        kind: `RunConfig`, `FrameConfig` or `Surroundings`.
        layers: at least one; the first names the source of keys that are missing.
        variables: what `${name}` stands for; None: it stands for itself.
        faults: found before; they are told together with those found here.
        spoken: the variables that the command line gives; None: none.
        needed: whether the secret of a key must have its value, and not what a ledger has in its place.
        whole: the layers with all their keys, where `layers` have some of them; no fault repeats a secret of these.

    Raises:
        ConfigurationError: with all faults.
    """
    document = prune(merge_layers(layers))
    substituted = Substituted(document, ()) if variables is None else substitute(document, variables)
    substituted = read_later(substituted, needed)
    given, said = substituted.document, spoken or {}
    found = [
        *faults,
        *_filled_in(layers, kind),
        *_glued(layers),
        *substituted.faults,
        *secret_faults(layers, document, given, said, needed=needed),
        *_halves(given),
    ]
    if of_secrets := variables_of_secrets(document, given) if variables is not None else {}:
        given = {**given, "secret_variables": of_secrets}
    secrets = secrets_given([*layers, *whole], variables)
    try:
        config = kind.model_validate(given)
    except Refused as error:
        unresolved = {fault.path for fault in substituted.faults}
        # A value whose variable is undefined says nothing about its key.
        new = faults_of(error, kind)
        found += [fault for fault in new if not _concerns(fault.path, unresolved)]
        raise _refusal(found, layers, said, given, secrets) from None  # it has the values
    if found:
        raise _refusal(found, layers, said, given, secrets)
    return config


def _filled_in(layers: Sequence[Layer], kind: type[Config]) -> Iterator[Fault]:
    """A fault for each key of a person's that is one of ours."""
    for layer in layers:
        for key in FILLED_IN if not layer.is_recorded else ():
            if key in layer.document:
                yield Fault((key,), unknown_key((key,), kind), layer.source)


def _glued(layers: Sequence[Layer]) -> Iterator[Fault]:
    """A fault for each `{NAME=value}`, which YAML reads as a name without a value; the name may hold a secret."""
    for layer in layers:
        for path, value in leaves({} if layer.is_recorded else layer.document).items():
            if value is None and "=" in str(path[-1]):
                yield Fault(path[:-1], "has a name with '=' in it and no value; write NAME: value", layer.source)


def _halves(document: JsonObject) -> Iterator[Fault]:
    """A fault for each text with half of a character, which a command line makes of bytes that are no UTF-8."""
    for path, text in texts_of(document):
        if has_half_character(text):
            yield Fault(path, "has half of a character (a surrogate), which no JVM takes; write it in UTF-8")


def _concerns(path: Path, unresolved: set[Path]) -> bool:
    return any(path[: len(other)] == other or other[: len(path)] == path for other in unresolved)


def _refusal(
    faults: Iterable[Fault],
    layers: Sequence[Layer],
    spoken: Mapping[str, str],
    given: JsonObject,
    secrets: Collection[str],
) -> ConfigurationError:
    """The faults in words, without what the command line says and without secrets: they become a report.

    A fault may quote foreign text: a module of a person's that is imported for the check says what it likes.
    """
    said = [layer.document for layer in layers if layer.source in (SET, EMULATOR)]
    values = [*spoken.values(), *(text for document in said for text in _scalars(document))]
    values += [text for text in _scalars([*(layer.document for layer in layers), given]) if _has_secret(text)]
    lines = (replace(fault, text=_unrepeated(_hidden(fault.text, secrets), values)) for fault in faults)
    return ConfigurationError(_hidden(fault.line(lambda path: origin(layers, path)), secrets) for fault in lines)


def _hidden(text: str, secrets: Collection[str]) -> str:
    """A fault without secrets, also without one that is cut short."""
    text = hidden(text, secrets)
    for secret in secrets:
        common = _COMMON.match(secret)
        begins = secret[: (common.end() if common else 0) + _TELLING]
        if len(secret) > len(begins):
            text = re.sub(f"{re.escape(begins)}[^'\"]*", "...", text)
    return text


def _has_secret(text: str) -> bool:
    """Whether a text has a secret in it, wherever it stands: an address's, or `NAME=secret`."""
    name, equals, value = text.partition("=")
    is_pair = bool(equals and value.strip()) and name.isidentifier()
    return (is_pair and is_secret_name(name)) or secret_in_url(text) is not None


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for part in value.items() for inner in part for text in _scalars(inner))
    elif isinstance(value, list):
        yield from (text for inner in value for text in _scalars(inner))
    else:
        yield str(value)


def _unrepeated(text: str, values: Iterable[str]) -> str:
    """A fault without values of the command line, also one that is cut short; a word of ours may be a short one.

    What is valid is always told in words of ours, of which a value may be a part.
    """
    text, valid, ours = text.partition("; valid: ")
    for value in sorted({value for value in values if value}, key=len, reverse=True):
        text = text.replace(repr(value), "'...'")
        text = re.sub(rf"(?<!limit )\b(is|not) {re.escape(value)}(?=[;,.]|$)", r"\1 ...", text)
        if len(value) >= _LONG and value not in _OURS:
            ours_alike = "|".join(word for word in _OURS if word.startswith(value[:_LONG]))
            # A value is quoted where it is cut, and a word of ours is not.
            is_ours = rf"(?:(?<=['\"])|(?!(?:{ours_alike})(?![\w-])))" if ours_alike else ""
            cut = is_ours + re.escape(value[:_LONG]) + f"(?:{re.escape(value[_LONG:])}|[^'\"]*)"
            text = re.sub(cut, "...", text.replace(value, "..."))
    return text + valid + ours
