"""Where the secrets of a run file come from: the file itself or the environment, never the command line. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from batch_transform.config.changes import OPTIONS, remedy
from batch_transform.config.faults import Fault, Path
from batch_transform.config.layers import Layer, merge, merge_layers, nested
from batch_transform.config.overrides import SET
from batch_transform.config.places import secret_in_url
from batch_transform.config.variables import Substituted, substitute
from batch_transform.core.ledger import JsonObject
from batch_transform.core.near_names import meant
from batch_transform.core.secret_values import (
    NOT_GIVEN,
    is_external_id,
    is_named_by_a_person,
    is_sealed,
    secrets_of,
    texts_of,
    with_texts,
)

_PLACES = "input.options, transform.environment, model.environment or model.containers.N.environment"
# `$${` stands for itself, and its second dollar for no variable.
_VARIABLE = re.compile(r"(?<!\$)\$\{([^}]{0,200})\}")
_FROM_ELSEWHERE = (
    "is a secret, which the command line may not hold: others see it there, and a shell keeps it. Write ${NAME} in the "
    "run file and set that variable in the environment"
)


def secret_faults(
    layers: Sequence[Layer],
    document: JsonObject,
    resolved: JsonObject,
    spoken: Collection[str],
    *,
    needed: Callable[[Path], bool],
) -> Iterator[Fault]:
    """Yields what is wrong with the secrets of a configuration, never with a value.

    Args:
        layers: that it is made of.
        document: the layers as one.
        resolved: the same without variables.
        spoken: the variables that the command line gives.
        needed: whether a key's value must be there, and no placeholder.
    """
    secrets, templates = secrets_of(resolved), _by_key(document)
    yield from _listed_faults(resolved, secrets)
    for path, text in texts_of(resolved):
        key = ".".join(path)
        if key in secrets:
            kept_off = not is_external_id(path)  # the command line
            if kept_off and any(layer.source == SET and _has(layer.document, path) for layer in layers):
                yield Fault(path, _FROM_ELSEWHERE, SET)
            elif is_sealed(text):
                if needed(path):
                    yield _missing(path, resolved)
            elif kept_off and (names := sorted({*_VARIABLE.findall(templates.get(key, ""))} & {*spoken})):
                yield Fault(path, f"has {', '.join(names)} of --var in it; it {_FROM_ELSEWHERE}")
        elif is_named_by_a_person(path) and (found := secret_in_url(text)):
            yield Fault(path, f"{found}; leave it out, or name the key in secrets: [{key}], and it is never stored")


def _listed_faults(document: JsonObject, secrets: Collection[str]) -> Iterator[Fault]:
    """A fault for each entry of the list `secrets` that is no key; it may be the secret itself, and is not repeated."""
    entries = document.get("secrets")
    given = [".".join(path) for path, _ in texts_of(document) if is_named_by_a_person(path)]
    for place, key in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(key, str) and key not in secrets:  # whatever else it is, is refused for its type
            words = f"names no key that is given{meant(key, given)}; valid: a key below {_PLACES}"
            yield Fault(("secrets", str(place)), words)


def _missing(path: Path, document: JsonObject) -> Fault:
    variables = document.get("secret_variables")
    name = variables.get(".".join(path)) if isinstance(variables, Mapping) else None  # else refused elsewhere
    way = f"set the variable {name} in the environment" if name else "name the run file instead of the run, or write it"
    return Fault(path, f"is a secret, of which the ledger has a placeholder and not the value; {way}{remedy(path)}")


def is_needed(path: Path, *, reads_input: bool, goes_on: bool = True) -> bool:
    """Returns whether the secret of a key must be at hand.

    Args:
        path: the key.
        reads_input: whether the input may be read: rows that are staged are not read again.
        goes_on: whether anything is asked of the model: a published run asks nothing.
    """
    return goes_on and (reads_input or path[: len(OPTIONS)] != OPTIONS)


def read_later(found: Substituted, needed: Callable[[Path], bool]) -> Substituted:
    """Returns a configuration without the faults of undefined variables of secrets that are not needed."""
    secrets = secrets_of(found.document)
    left = {fault.path for fault in found.faults if not needed(fault.path) and ".".join(fault.path) in secrets}
    document: Any = found.document
    for path in left:
        document = merge(document, nested(path, NOT_GIVEN))
    return Substituted(document, tuple(fault for fault in found.faults if fault.path not in left))


def variables_of_secrets(document: JsonObject, resolved: JsonObject) -> dict[str, str]:
    """Returns which secrets are a variable and nothing else, by key: its name is no secret, and is recorded."""
    templates = _by_key(document)
    found = {key: _VARIABLE.fullmatch(templates.get(key, "")) for key in secrets_of(resolved)}
    return {key: match[1] for key, match in found.items() if match is not None}


def with_secrets(document: JsonObject, environ: Mapping[str, str]) -> dict[str, Any]:
    """Returns a recorded configuration with the secrets that the environment has under their recorded names."""
    variables = document.get("secret_variables") or {}
    known = {key: environ[name] for key, name in variables.items() if name in environ}
    return dict(with_texts(document, lambda key, text: known.get(key, text) if is_sealed(text) else text))


def secrets_given(layers: Sequence[Layer], variables: Mapping[str, str] | None) -> set[str]:
    """Returns the values of all secrets that layers have, also of those over which another one lies.

    Args:
        layers: in which a scalar of any type may be a secret: Spark's readers take a password that is a number.
        variables: what `${name}` stands for; None: it stands for itself.
    """
    documents: list[Any] = [merge_layers(layers), *(layer.document for layer in layers)]
    if variables is not None:
        documents = [substitute(document, variables).document for document in documents]
    listed = documents[0].get("secrets")
    return {text for each in documents for text in secrets_of({**_as_texts(each), "secrets": listed}).values()}


def _as_texts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _as_texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_texts(inner) for inner in value]
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _by_key(document: JsonObject) -> dict[str, str]:
    return {".".join(path): text for path, text in texts_of(document)}


def _has(document: Any, path: Path) -> bool:
    for key in path:
        if isinstance(document, list):
            return True  # it is given as a whole
        if not isinstance(document, Mapping) or key not in document:
            return False
        document = document[key]
    return True
